"""NestedCV: equal to the recipe, and what the recipe loses."""

import pickle
import threading
import warnings
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from _estimators import Dial, Log, Told, fail, interrupt
from scipy.stats import loguniform
from sklearn.base import clone, is_classifier
from sklearn.cluster import KMeans
from sklearn.datasets import make_multilabel_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.metrics import f1_score, make_scorer, zero_one_loss
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    LeaveOneGroupOut,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.neighbors import KernelDensity, KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import check_estimator

from skhpo import (
    BayesSearchCV,
    HalvingRandomSearchCV,
    HyperbandSearchCV,
    NestedCV,
    SearchCV,
)
from skhpo.execution._nesting import NestingExecutor
from skhpo.statistics import OneStandardError, corrected_t_interval

TREE = DecisionTreeClassifier(random_state=0)
GRID = {"max_depth": [1, 2, 3]}
N = 24
X = np.arange(N)[:, None] + np.zeros((N, 2))
Y = np.arange(N) % 2
WEIGHTS = np.arange(N) + 100.0
GROUPS = np.repeat(np.arange(6), 4)


def ours(estimator=TREE, space=GRID, **settings):
    return SearchCV(estimator, space, **{"cv": 3, **settings})


def theirs(estimator=TREE, grid=GRID, **settings):
    return GridSearchCV(estimator, grid, **{"cv": 3, **settings})


@pytest.fixture(params=[ours, theirs], ids=["ours", "theirs"])
def inner(request):
    return request.param


class TestEqualToTheRecipe:
    @pytest.mark.parametrize("scoring", [None, "f1", "neg_log_loss"])
    def test_fold_by_fold(self, inner, data, scoring):
        nested = NestedCV(inner(), cv=4, scoring=scoring).fit(*data)
        expected = cross_val_score(theirs(), *data, cv=4, scoring=scoring)
        np.testing.assert_array_equal(nested.outer_results_["outer_score"], expected)
        columns = [nested.cv_results_[f"split{k}_test_score"][0] for k in range(4)]
        np.testing.assert_array_equal(columns, expected)
        assert nested.best_score_ == expected.mean()

    @pytest.mark.parametrize(
        "search",
        [
            RandomizedSearchCV(TREE, {"max_depth": [1, 2, 3, 4]}, n_iter=2, random_state=0),
            HalvingGridSearchCV(TREE, GRID, min_resources=12, random_state=0),
            make_pipeline(StandardScaler(), theirs()),
            make_pipeline(StandardScaler(), ours()),
            BayesSearchCV(TREE, GRID, n_iter=2, random_state=0),
        ],
        ids=lambda search: type(search).__name__,
    )
    def test_any_search(self, data, search):
        nested = NestedCV(search, cv=KFold(2)).fit(*data)
        expected = cross_val_score(search, *data, cv=KFold(2))
        np.testing.assert_array_equal(nested.outer_results_["outer_score"], expected)
        assert set(nested.best_params_) == {"max_depth"}
        assert nested.predict(data[0]).shape == data[1].shape

    def test_the_search_goes_by_its_own_scoring(self, inner, data):
        search = inner(scoring=["accuracy", "f1"], refit="f1")
        nested = NestedCV(search, cv=2).fit(*data)
        expected = cross_val_score(theirs(scoring="f1"), *data, cv=2)
        np.testing.assert_array_equal(nested.outer_results_["outer_score"], expected)

    def test_with_several_scores(self, inner, data):
        nested = NestedCV(
            inner(scoring="f1"), cv=2, scoring=["accuracy", "f1"], refit="f1", interval=None
        ).fit(*data)
        assert nested.best_score_ == nested.cv_results_["mean_test_f1"][0]
        assert nested.optimism_ is not None
        assert nested.score_interval_ is None

    @pytest.mark.parametrize(
        "cv", [GroupKFold(3), LeaveOneGroupOut(), TimeSeriesSplit(3), ShuffleSplit(2)]
    )
    def test_splitters_inside_and_outside(self, inner, cv):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(48, 2)), rng.permutation(np.arange(48) % 2)
        groups = np.tile(np.arange(6), 8) if "Group" in type(cv).__name__ else None
        nested = NestedCV(inner(cv=cv), cv=cv).fit(X, y, groups=groups)
        assert len(nested.outer_results_["outer_score"]) == cv.get_n_splits(X, y, groups)
        assert np.isfinite(nested.best_score_)


def two_scores(estimator, X, y):
    return {"a": 0.0, "b": estimator.score(X, y)}


class TestResults:
    def test_what_the_folds_leave(self, inner, data):
        nested = NestedCV(inner(), cv=3, return_estimators=True, return_predictions=True)
        nested.fit(*data)
        table = nested.outer_results_
        for k, (train, test) in enumerate(nested.outer_splits_):
            alone = clone(inner()).fit(data[0][train], data[1][train])
            assert table["best_params"][k] == alone.best_params_
            assert table["inner_score"][k] == alone.best_score_
            expected = alone.cv_results_["mean_test_score"]
            np.testing.assert_array_equal(table["inner_results"][k]["mean_test_score"], expected)
            np.testing.assert_array_equal(table["predictions"][k], alone.predict(data[0][test]))
            assert table["estimator"][k].best_params_ == alone.best_params_
        np.testing.assert_array_equal(
            table["optimism"], table["inner_score"] - table["outer_score"]
        )
        assert nested.optimism_.estimate == pytest.approx(table["optimism"].mean())

    def test_the_interval(self, data):
        nested = NestedCV(ours(), cv=4, confidence=0.9).fit(*data)
        scores = nested.outer_results_["outer_score"]
        expected = corrected_t_interval(scores, confidence=0.9)
        assert nested.score_interval_.low == pytest.approx(expected.low)
        assert nested.score_interval_.estimate == nested.best_score_

    def test_only_what_was_asked_for(self, data):
        table = NestedCV(ours(), cv=2).fit(*data).outer_results_
        assert "estimator" not in table
        assert "predictions" not in table

    def test_the_refit_is_the_search_on_all_data(self, inner, data):
        nested, alone = NestedCV(inner(), cv=2).fit(*data), inner().fit(*data)
        assert nested.best_params_ == nested.best_estimator_.best_params_ == alone.best_params_
        assert nested.best_estimator_.best_score_ == alone.best_score_
        np.testing.assert_array_equal(nested.predict(data[0]), alone.predict(data[0]))
        assert nested.score(*data) == alone.score(*data)

    def test_without_refit(self, data):
        nested = NestedCV(ours(), cv=2, refit=False).fit(*data)
        assert not hasattr(nested, "best_params_")
        assert not hasattr(nested, "best_estimator_")
        assert "all samples" not in nested.summary()

    def test_one_split_has_no_interval(self, data):
        nested = NestedCV(ours(), cv=ShuffleSplit(1, random_state=0)).fit(*data)
        assert nested.score_interval_ is None
        assert nested.optimism_ is None
        assert "interval" not in nested.summary()

    def test_scores_of_different_kinds_are_not_compared(self, data):
        nested = NestedCV(ours(), cv=2, scoring="neg_log_loss").fit(*data)
        assert nested.optimism_ is None
        assert np.isnan(nested.outer_results_["optimism"]).all()

    def test_the_default_score_by_its_name(self, inner, data):
        """Outside a name, inside what the model's own score is."""
        nested = NestedCV(inner(), cv=2, scoring="accuracy").fit(*data)
        assert nested.optimism_ == NestedCV(inner(), cv=2).fit(*data).optimism_

    def test_a_callable_refit_inside(self, inner, data):
        nested = NestedCV(inner(refit=lambda results: 1), cv=2).fit(*data)
        results = nested.outer_results_
        expected = [inner["mean_test_score"][1] for inner in results["inner_results"]]
        assert results["inner_score"].tolist() == expected

    def test_stability(self, data):
        nested = NestedCV(ours(Dial(), {"a": [1, 2]}), cv=4).fit(*data)
        assert nested.stability_["param"] == ["a"]
        assert nested.stability_["share"] == [1.0]
        assert nested.stability_["spread"] == [0.0]

    def test_summary(self, data):
        nested = NestedCV(ours(Dial(), {"a": [1, 2]}, scoring="accuracy"), cv=4).fit(*data)
        lines = nested.summary().splitlines()
        assert lines[0] == "Nested cross-validation of SearchCV of Dial, 4 outer folds"
        assert lines[1].startswith(
            "Score of the tuned model (accuracy): 0.5167, 95 % interval [0.4356"
        )
        assert lines[3] == "Chosen on the outer folds: a=1 on 4 of 4"
        assert lines[4] == "Chosen on all samples, in the model to use: a=1"
        assert lines[1] in nested._repr_html_()

    def test_summary_of_other_choices_and_a_modest_search(self, data):
        made = NestedCV(ours(Dial(), {"a": [1, 2]}), cv=4).fit(*data)
        made.stability_.update(share=[0.25], low=[0.1], high=[7.0])
        made.optimism_ = replace(made.optimism_, estimate=-0.02, low=-0.05, high=0.01)
        lines = made.summary().splitlines()
        assert lines[2].endswith("it is below the score by 0.02 [-0.01, 0.05]")
        assert lines[3].endswith("a another on each of 4 (from 0.1 to 7)")

    @pytest.mark.parametrize(
        ("search", "settings", "name"),
        [
            (ours(), {}, "accuracy"),
            (make_pipeline(StandardScaler(), theirs()), {}, "accuracy"),
            (theirs(DecisionTreeRegressor(random_state=0)), {}, "r2"),
            (ours(Dial(), {"a": [1]}), {}, "the default score"),
            (ours(scoring="f1"), {}, "f1"),
            (ours(scoring=["accuracy", "f1"], refit="f1"), {}, "f1"),
            (ours(), {"scoring": make_scorer(f1_score, average="macro")}, "f1_score"),
            (
                ours(),
                {"scoring": make_scorer(zero_one_loss, greater_is_better=False)},
                "neg_zero_one_loss",
            ),
            (ours(), {"scoring": lambda estimator, X, y: 1.0}, "<lambda>"),
            (ours(), {"scoring": ["accuracy", "f1"], "refit": "f1"}, "f1"),
            (ours(), {"scoring": two_scores, "refit": "b"}, "b"),
        ],
    )
    def test_the_summary_names_the_score(self, data, search, settings, name):
        summary = NestedCV(search, cv=2, **settings).fit(*data).summary()
        assert f"Score of the tuned model ({name}): " in summary

    def test_the_summary_says_what_was_searched(self, data):
        model = make_pipeline(StandardScaler(), TREE)
        search = theirs(model, {"decisiontreeclassifier__max_depth": [1, 2]})
        title = NestedCV(search, cv=2).fit(*data).summary().splitlines()[0]
        assert "of GridSearchCV of DecisionTreeClassifier in a Pipeline, 2" in title

    def test_html_before_fit(self):
        assert "NestedCV" in NestedCV(ours())._repr_html_()

    def test_summary_needs_fit(self):
        with pytest.raises(sklearn.exceptions.NotFittedError):
            NestedCV(ours()).summary()

    def test_clone_and_pickle(self, inner, data):
        nested = NestedCV(inner(), cv=2, return_estimators=True).fit(*data)
        again = pickle.loads(pickle.dumps(nested))
        assert again.summary() == nested.summary()
        np.testing.assert_array_equal(again.predict(data[0]), nested.predict(data[0]))
        assert not hasattr(clone(nested), "outer_results_")


class FailsOn(Dial):
    """Fails where a sample is among the training ones."""

    def fit(self, X, y=None):
        """Fail, or not."""
        if self.tag in X[:, 0]:
            raise ValueError("as told")
        return super().fit(X, y)


class TestFailures:
    def test_one_fold_does_not_take_the_others(self, inner):
        search = inner(FailsOn(tag=0.0), {"a": [1, 2]})
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            nested = NestedCV(search, cv=KFold(3), refit=False).fit(X, Y)
        scores = nested.outer_results_["outer_score"]
        assert np.isnan(scores).tolist() == [False, True, True]
        assert nested.outer_results_["best_params"] == [{"a": 2}, None, None]
        assert nested.score_interval_ is None
        assert "of 3 outer folds the search failed on 2" in nested.summary()

    def test_raise(self, inner):
        search = inner(FailsOn(tag=0.0), {"a": [1, 2]}, error_score="raise")
        with pytest.raises(ValueError, match="as told"):
            NestedCV(search, cv=KFold(3), error_score="raise").fit(X, Y)

    def test_everything_fails(self, inner):
        search = inner(Dial(a=1), {"a": [fail]}, error_score="raise")
        with pytest.raises(ValueError, match="as told"):
            NestedCV(search, cv=2).fit(X, Y)

    def test_no_search(self, data):
        with pytest.raises(TypeError, match=r"must be a search.*NestedCV\(SearchCV"):
            NestedCV(SVC()).fit(*data)
        with pytest.raises(TypeError, match="Pipeline that ends in one"):
            NestedCV(make_pipeline(StandardScaler(), SVC())).fit(*data)

    def test_a_search_without_refit(self, inner, data):
        with pytest.raises(ValueError, match="refit=False"):
            NestedCV(inner(refit=False)).fit(*data)

    def test_predictions_need_predict(self, data):
        search = theirs(KernelDensity(), {"bandwidth": [0.5, 1.0]})
        with pytest.raises(ValueError, match="predict method"):
            NestedCV(search, return_predictions=True).fit(data[0])

    @pytest.mark.parametrize(
        "settings",
        [{"interval": "t"}, {"confidence": 1.0}, {"n_repeats": 0}, {"refit": len}],
    )
    def test_parameters_are_checked(self, data, settings):
        with pytest.raises(ValueError, match=next(iter(settings))):
            NestedCV(ours(), **settings).fit(*data)


class TestRepeats:
    def test_an_int_is_shuffled(self, data):
        made = [NestedCV(ours(), cv=3, n_repeats=2, random_state=s).fit(*data) for s in (0, 0, 1)]
        splits = [[test.tolist() for _, test in nested.outer_splits_] for nested in made]
        assert len(splits[0]) == 6
        assert splits[0] == splits[1] != splits[2]
        assert splits[0][:3] != splits[0][3:]
        assert sorted(np.concatenate(splits[0][3:])) == list(range(60))
        assert "6 outer folds in 2 repeats" in made[0].summary()

    @pytest.mark.parametrize(
        "cv",
        [
            None,
            KFold(5, shuffle=True),
            ShuffleSplit(5),
            StratifiedKFold(5, shuffle=True, random_state=np.random.RandomState(0)),
        ],
    )
    def test_what_can_be_seeded(self, data, cv):
        nested = NestedCV(ours(), cv=cv, n_repeats=2, random_state=0, refit=False).fit(*data)
        assert len({tuple(test) for _, test in nested.outer_splits_}) == 10

    def test_the_splitter_is_not_changed(self, data):
        cv = KFold(3, shuffle=True)
        NestedCV(ours(), cv=cv, n_repeats=2, random_state=0, refit=False).fit(*data)
        assert cv.random_state is None

    @pytest.mark.parametrize(
        "cv",
        [KFold(3), KFold(3, shuffle=True, random_state=0), GroupKFold(3), [([0, 1], [2, 3])]],
    )
    def test_what_cannot(self, data, cv):
        with pytest.raises(ValueError, match="shuffles and has no seed"):
            NestedCV(ours(), cv=cv, n_repeats=2).fit(*data, groups=np.arange(60) % 5)

    def test_the_same_seed_twice(self, inner, data):
        search = inner(cv=KFold(3, shuffle=True, random_state=7))
        with pytest.warns(UserWarning, match="same random_state=7") as caught:
            NestedCV(search, cv=KFold(2, shuffle=True, random_state=7)).fit(*data)
        assert {warning.filename for warning in caught} == {__file__}
        NestedCV(search, cv=KFold(2, shuffle=True, random_state=8)).fit(*data)


class Weighted(Dial):
    """Writes down weights."""

    def fit(self, X, y=None, sample_weight=None):
        """Write down what is passed."""
        return super().fit(X, y, sample_weight=sample_weight)


def check_weights(log):
    assert log
    for call in log:
        expected = WEIGHTS[call["X"][:, 0].astype(int)]
        np.testing.assert_array_equal(call["sample_weight"], expected)


def check_groups(log, n_inner, n_outer):
    """No group is cut: neither by the outer splitter nor by the inner one."""
    sizes = sorted(len(set(GROUPS[call["X"][:, 0].astype(int)])) for call in log)
    assert all(len(call["X"]) % 4 == 0 for call in log)
    assert max(sizes) == 6
    assert min(sizes) == 6 // n_outer * (n_outer - 1) // n_inner * (n_inner - 1)


class TestMetadata:
    @pytest.mark.parametrize("n_jobs", [1, 2])
    @pytest.mark.parametrize("in_pipeline", [False, True])
    def test_groups_without_routing(self, inner, in_pipeline, n_jobs):
        log = Log()
        search = inner(Dial(log=log), {"a": [1, 2]}, cv=GroupKFold(2))
        search = Pipeline([("scale", "passthrough"), ("s", search)]) if in_pipeline else search
        with joblib.parallel_config("threading", n_jobs=n_jobs):
            NestedCV(search, cv=GroupKFold(3)).fit(X, Y, groups=GROUPS)
        check_groups(log, 2, 3)

    def test_groups_only_outside(self, inner):
        nested = NestedCV(inner(Dial(), {"a": [1, 2]}, cv=KFold(2)), cv=GroupKFold(3))
        assert nested.fit(X, Y, groups=GROUPS).best_params_ == {"a": 2}

    def test_a_splitter_of_the_users_gets_groups(self, inner):
        class Own:
            def get_n_splits(self, X=None, y=None, groups=None):
                return GroupKFold(2).get_n_splits()

            def split(self, X, y=None, groups=None):
                return GroupKFold(2).split(X, y, groups)

        log = Log()
        search = inner(Dial(log=log), {"a": [1, 2]}, cv=Own())
        NestedCV(search, cv=Own()).fit(X, Y, groups=GROUPS)
        assert {len(call["X"]) % 4 for call in log} == {0}

    def test_weights_without_routing(self, inner):
        log, seen = Log(), []
        search = inner(Weighted(log=log), {"a": [1, 2]}, scoring=weighted_score(seen))
        NestedCV(search, cv=3).fit(X, Y, sample_weight=WEIGHTS)
        check_weights(log)
        assert all(weights is not None for weights in seen)

    def test_weighted_scores_are_the_searchs(self):
        X, y = make_regression(40, n_features=3, noise=5.0, random_state=0)
        weights = np.random.default_rng(0).uniform(size=40)
        nested = NestedCV(theirs(Ridge(), {"alpha": [0.1, 1.0]}), cv=2)
        nested.fit(X, y, sample_weight=weights)
        for k, (train, test) in enumerate(nested.outer_splits_):
            alone = theirs(Ridge(), {"alpha": [0.1, 1.0]})
            alone.fit(X[train], y[train], sample_weight=weights[train])
            expected = alone.best_estimator_.score(X[test], y[test], weights[test])
            assert nested.outer_results_["outer_score"][k] == expected

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_with_routing(self, inner, n_jobs):
        log, seen = Log(), []
        in_threads = joblib.parallel_config("threading", n_jobs=n_jobs)
        with in_threads, sklearn.config_context(enable_metadata_routing=True):
            estimator = Weighted(log=log).set_fit_request(sample_weight=True)
            scorer = weighted_score(seen).set_score_request(sample_weight=True)
            search = inner(estimator, {"a": [1, 2]}, scoring=scorer, cv=GroupKFold(2))
            nested = NestedCV(search, cv=GroupKFold(3))
            nested.fit(X, Y, groups=GROUPS, sample_weight=WEIGHTS)
            nested.score(X, Y, sample_weight=WEIGHTS)
        check_weights(log)
        check_groups(log, 2, 3)
        assert all(weights is not None for weights in seen)


def weighted_score(seen):
    def score(y_true, y_pred, sample_weight=None):
        seen.append(sample_weight)
        return float(len(y_true))

    return make_scorer(score)


class TestKindsOfData:
    def test_regression(self, inner):
        data = make_regression(40, n_features=3, noise=5.0, random_state=0)
        nested = NestedCV(inner(Ridge(), {"alpha": [0.1, 1.0]}), cv=3).fit(*data)
        assert nested.best_score_ > 0.9
        assert not is_classifier(nested)

    def test_multilabel(self, inner):
        X, y = make_multilabel_classification(40, n_classes=3, random_state=0)
        search = inner(KNeighborsClassifier(), {"n_neighbors": [1, 3]})
        nested = NestedCV(search, cv=2, return_predictions=True).fit(X, y)
        assert nested.outer_results_["predictions"][0].shape == (20, 3)

    def test_unsupervised(self, inner, data):
        search = inner(KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3]})
        nested = NestedCV(search, cv=3).fit(data[0])
        assert nested.best_params_ == {"n_clusters": 3}

    def test_pandas(self, inner, data):
        X = pd.DataFrame(data[0], columns=list("abcde"))
        nested = NestedCV(inner(), cv=2).fit(X, pd.Series(data[1]))
        assert nested.feature_names_in_.tolist() == list("abcde")
        assert nested.n_features_in_ == 5
        assert nested.classes_.tolist() == [0, 1]

    def test_precomputed_kernels(self, inner, data):
        search = inner(SVC(kernel="precomputed"), {"C": [0.1, 1.0]})
        kernel = data[0] @ data[0].T
        nested = NestedCV(search, cv=3, return_predictions=True).fit(kernel, data[1])
        expected = cross_val_score(search, kernel, data[1], cv=3)
        np.testing.assert_array_equal(nested.outer_results_["outer_score"], expected)


# As for scikit-learn's own searches.
EXPECTED = {
    "check_supervised_y_2d": "DataConversionWarning not caught",
    "check_requires_y_none": "Doesn't fail gracefully",
}


@pytest.mark.parametrize("model", [Ridge(), RidgeClassifier()], ids=["regressor", "classifier"])
def test_check_estimator(model):
    search = ours(model, {"alpha": [0.1, 1.0]}, cv=2, error_score="raise")
    nested = NestedCV(search, cv=2, error_score="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(nested, on_skip=None, expected_failed_checks=EXPECTED)


class Counting(Dial):
    """Notes how many of its fits run at a time, in this process."""

    def fit(self, X, y=None):
        """Wait until others run too."""
        with LOCK:
            RUNNING.append(1)
            PEAK.append(len(RUNNING))
        BUSY.wait(0.02)
        with LOCK:
            RUNNING.pop()
        return super().fit(X, y)


LOCK, BUSY, RUNNING, PEAK = threading.Lock(), threading.Event(), [], []


@pytest.fixture
def peak():
    RUNNING.clear()
    PEAK.clear()
    return PEAK


class TestOnePool:
    @pytest.mark.parametrize("backend", ["threading", "loky"])
    def test_the_answer_does_not_depend_on_the_workers(self, inner, data, backend):
        if inner is ours:
            space = {"ccp_alpha": loguniform(1e-3, 1)}
            search = BayesSearchCV(TREE, space, n_iter=4, cv=3, pre_dispatch=2, random_state=0)
        else:
            search = theirs()
        alone = NestedCV(search, cv=3).fit(*data)
        with joblib.parallel_config(backend, n_jobs=2):
            pooled = NestedCV(search, cv=3, return_estimators=True).fit(*data)
        for name in ("outer_score", "inner_score"):
            np.testing.assert_array_equal(alone.outer_results_[name], pooled.outer_results_[name])
        assert alone.outer_results_["best_params"] == pooled.outer_results_["best_params"]
        assert alone.best_params_ == pooled.best_params_

    @pytest.mark.parametrize(
        "search",
        [
            HalvingRandomSearchCV(TREE, GRID, min_resources=15, cv=2, random_state=0),
            HyperbandSearchCV(
                RandomForestClassifier(random_state=0),
                {"max_depth": [1, 2, 3]},
                resource="n_estimators",
                max_resources=9,
                min_resources=3,
                cv=2,
                random_state=0,
            ),
            SearchCV(TREE, GRID, cv=5, fold_stopping="forgiving", pre_dispatch=2),
        ],
        ids=lambda search: type(search).__name__,
    )
    @pytest.mark.parametrize("backend", ["threading", "loky"])
    def test_searches_that_do_not_give_all_the_same(self, data, search, backend):
        alone = NestedCV(search, cv=3).fit(*data)
        with joblib.parallel_config(backend):
            pooled = NestedCV(search, cv=3, n_jobs=2).fit(*data)
        assert pooled.summary() == alone.summary()

    def test_workers_are_kept_busy_and_no_more(self, data, peak):
        # Two outer folds, four workers.
        search = ours(Counting(), {"a": list(range(8))}, n_iter=8, cv=2)
        with joblib.parallel_config("threading", n_jobs=4):
            NestedCV(search, cv=2, refit=False).fit(*data)
        # One more: the refits, which are done beside the workers one at a time.
        assert 4 <= max(peak) <= 5

    def test_n_jobs_inside_is_not_added(self, data, peak):
        search = ours(Counting(), {"a": list(range(4))}, n_iter=4, cv=2, n_jobs=8)
        with joblib.parallel_config("threading"):
            NestedCV(search, cv=3, n_jobs=2, refit=False).fit(*data)
        assert max(peak) <= 3

    def test_foreign_searches_are_one_task_a_fold(self, data, peak):
        search = theirs(Counting(), {"a": [0, 1]}, cv=2, n_jobs=4)
        with joblib.parallel_config("threading"):
            NestedCV(search, cv=3, n_jobs=2, refit=False).fit(*data)
        assert max(peak) <= 2
        assert search.n_jobs == 4

    def test_the_refit_of_a_foreign_search_has_all_workers(self, data, peak):
        search = theirs(Counting(), {"a": [0, 1, 2, 3]}, cv=2)
        with joblib.parallel_config("threading"):
            nested = NestedCV(search, cv=ShuffleSplit(1), n_jobs=3).fit(*data)
        assert max(peak[:9]) == 1
        assert max(peak[9:]) == 3
        assert nested.best_estimator_.n_jobs is None

    def test_the_configuration_holds(self, data):
        search = ours(SeesConfig(), {"a": [0, 1]}, cv=2)
        with sklearn.config_context(assume_finite=True), joblib.parallel_config("threading"):
            nested = NestedCV(search, cv=2, n_jobs=2).fit(*data)
        assert nested.best_score_ == 1

    def test_failures_and_raise(self, data):
        search = ours(Dial(), {"a": [fail]}, error_score="raise")
        with joblib.parallel_config("threading"):
            nested = NestedCV(search, cv=2, n_jobs=2, error_score="raise")
            with pytest.raises(Exception, match="as told"):
                nested.fit(*data)

    def test_closing_ends_the_searches(self, data):
        with joblib.parallel_config("threading"):
            pool = NestedCV(ours(), n_jobs=2)._pool()
        assert isinstance(pool, NestingExecutor)
        pool.close()
        assert pool.is_closed

    def test_a_search_in_a_worker_is_serial(self):
        def inside():
            return type(NestedCV(ours(), n_jobs=2)._pool()).__name__

        with joblib.parallel_config("threading", n_jobs=2):
            assert joblib.Parallel()([joblib.delayed(inside)()] * 2) == ["SerialExecutor"] * 2


class SeesConfig(Dial):
    """Scores 1 where the configuration of the caller holds."""

    def score(self, X, y=None):
        """Whether it holds here."""
        return float(sklearn.get_config()["assume_finite"])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_journal_inside_resumes(tmp_path, data, n_jobs, peak):
    search = ours(Counting(), {"a": [1, 2]}, cv=2, journal=tmp_path / "runs.db")
    fits = []
    with joblib.parallel_config("threading"):
        for _ in range(2):
            nested = NestedCV(search, cv=3, n_jobs=n_jobs).fit(*data)
            fits.append(len(peak))
    # The second time only the refits: of three searches, and of the one on all data.
    assert fits == [4 * 5, 4 * 5 + 4]
    assert nested.best_params_ == {"a": 2}


def null_scores(seed):
    """Best inner score and nested score where there is nothing to learn."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(40, 200)), np.arange(40) % 2
    grid = {"C": np.logspace(-1, 2, 4).tolist(), "gamma": np.logspace(-5, 0, 6).tolist()}
    search = theirs(SVC(), grid, cv=StratifiedKFold(5, shuffle=True, random_state=seed))
    nested = NestedCV(search, cv=StratifiedKFold(5, shuffle=True, random_state=seed + 1000))
    nested.fit(X, y)
    return nested.best_estimator_.best_score_, nested.best_score_


def test_noise_cannot_be_tuned():
    tuned, honest = np.mean([null_scores(seed) for seed in range(4)], axis=0)
    # Over many data sets .58 and .49; the standard errors of four are .04.
    assert tuned > 0.52
    assert 0.36 < honest < 0.62
    assert tuned > honest


class TestWhichScore:
    def test_a_rule_among_several_scores_inside_needs_one_outside(self, data):
        log = Log()
        rule = OneStandardError({"a": "ascending"}, scoring="accuracy")
        search = GridSearchCV(
            Dial(log=log), {"a": [1, 2]}, scoring=["accuracy", "f1"], refit=rule, cv=2
        )
        with pytest.raises(ValueError, match="scoring must be given where the search inside"):
            NestedCV(search).fit(*data)
        assert not log
        assert np.isfinite(NestedCV(search, scoring="accuracy", cv=2).fit(*data).best_score_)

    def test_sums_over_samples_have_no_optimism(self, data):
        search = GridSearchCV(KMeans(2, n_init=1, random_state=0), {"max_iter": [5, 9]}, cv=3)
        made = NestedCV(search, cv=2).fit(data[0])
        assert made.optimism_ is None
        assert "exceeds" not in made.summary()


class InterruptsOn(Dial):
    """Presses Ctrl-C where a sample is among the training ones."""

    def fit(self, X, y=None):
        """Do so, or not."""
        if self.tag in X[:, 0]:
            interrupt()
        return super().fit(X, y)


class FailsOnAll(Dial):
    """Fails where it gets all samples."""

    def fit(self, X, y=None):
        """Fail, or not."""
        if len(X) == N:
            fail()
        return super().fit(X, y)


def test_an_interrupted_one_says_what_was_not_run():
    made = NestedCV(ours(InterruptsOn(tag=0.0), {"a": [1, 2]}), cv=KFold(3))
    with pytest.raises(KeyboardInterrupt):
        made.fit(X, Y)
    assert "No score: of 3 outer folds it was not run on 2" in made.summary()


def test_parameters_of_a_refit_that_fails_are_not_made_up():
    made = NestedCV(ours(FailsOnAll(), {"a": [1, 2]}), cv=KFold(3))
    with pytest.raises(Told):
        made.fit(X, Y)
    assert made.best_score_ == 2
    assert not hasattr(made, "best_params_")
