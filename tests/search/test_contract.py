"""What users of scikit-learn rely on, from every search of `skhpo.search`."""

import io
import pickle
import random
import warnings
from functools import cache

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from _estimators import SEARCHES, Dial, Log, interrupt
from scipy.stats import loguniform, randint
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import make_scorer
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    RandomizedSearchCV,
    cross_val_predict,
    cross_val_score,
)
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

from skhpo import SearchCV
from skhpo.stopping import MaxTime, NoImprovement

ALL = list(SEARCHES)
TREE = DecisionTreeClassifier(random_state=0)
DEPTHS = {"max_depth": randint(1, 6), "min_samples_leaf": [1, 2, 4]}


@pytest.fixture(params=ALL, ids=lambda cls: cls.__name__)
def cls(request):
    return request.param


@pytest.fixture
def small(cls):
    """Make a search of four candidates on two folds."""

    def make(estimator, space, **settings):
        settings = {"n_iter": 4, "cv": 2, "random_state": 0, **settings}
        return cls(estimator, space, **settings)

    return make


CHECKED = {
    "Ridge": (Ridge(), {"alpha": [0.1, 1.0]}),
    "RidgeClassifier": (RidgeClassifier(), {"alpha": [0.1, 1.0]}),
    "Pipeline": (
        Pipeline([("pca", PCA()), ("ridge", Ridge())]),
        {"ridge__alpha": [0.1, 1.0]},
    ),
}
# As scikit-learn expects of its own searches.
EXPECTED = {
    "check_supervised_y_2d": "DataConversionWarning not caught",
    "check_requires_y_none": "Doesn't fail gracefully",
}


@cache
def tally(cls, name):
    """Outcome of every check."""
    outcomes = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(
            cls(*CHECKED[name], cv=2, error_score="raise", random_state=0),
            on_skip=None,
            on_fail=None,
            expected_failed_checks=EXPECTED,
            callback=lambda **about: outcomes.append((about["check_name"], about["status"])),
        )
    return outcomes


class TestEstimatorChecks:
    @pytest.mark.parametrize("name", CHECKED)
    def test_as_for_randomized_search(self, cls, name):
        assert tally(cls, name) == tally(RandomizedSearchCV, name)
        assert "failed" not in dict(tally(cls, name)).values()

    @pytest.mark.parametrize("name", CHECKED)
    def test_there_are_many(self, name):
        assert len(tally(RandomizedSearchCV, name)) > 40


class TestConstructor:
    def test_stores_arguments_and_does_nothing_else(self, cls):
        nonsense = {name: object() for name in cls._get_param_names()}
        made = cls(**nonsense)
        assert all(getattr(made, name) is value for name, value in nonsense.items())
        assert vars(made).keys() == nonsense.keys()

    def test_clone_and_params(self, small, data):
        made = small(TREE, DEPTHS, stopping=MaxTime(9) | NoImprovement(3)).fit(*data)
        copy = clone(made)
        assert not hasattr(copy, "history_")
        assert copy.get_params()["stopping"] == made.stopping
        assert copy.get_params().keys() == made.get_params().keys()
        assert copy.set_params(n_iter=2, estimator__criterion="entropy").n_iter == 2
        assert made.estimator.criterion == "gini"

    def test_repr(self, small):
        text = repr(small(Ridge(), {"alpha": [1.0, 2.0]}, stopping=MaxTime(60)))
        assert "stopping=MaxTime(seconds=60)" in text
        assert "n_iter=4" in text


class TestPersistence:
    @pytest.mark.parametrize("fitted", [False, True])
    @pytest.mark.parametrize("how", ["pickle", "joblib"])
    def test_round_trip(self, small, data, fitted, how):
        made = small(TREE, DEPTHS, stopping=NoImprovement(99))
        made = made.fit(*data) if fitted else made
        file = io.BytesIO()
        (pickle if how == "pickle" else joblib).dump(made, file)
        file.seek(0)
        loaded = (pickle if how == "pickle" else joblib).load(file)
        assert loaded.get_params()["stopping"] == NoImprovement(99)
        if fitted:
            self.assert_equal(loaded, made, data[0])
        loaded.fit(*data)

    @staticmethod
    def assert_equal(loaded, made, X):
        np.testing.assert_array_equal(loaded.predict(X), made.predict(X))
        assert loaded.cv_results_["params"] == made.cv_results_["params"]
        assert loaded.history_.n_fits == made.history_.n_fits
        assert loaded.history_.to_dict().keys() == made.history_.to_dict().keys()

    def test_data_are_not_kept(self, small):
        sizes = []
        for n in (60, 6_000):
            rng = np.random.default_rng(0)
            X, y = rng.normal(size=(n, 5)), rng.integers(2, size=n)
            made = small(RidgeClassifier(), {"alpha": loguniform(0.1, 10)})
            made.fit(X, y, sample_weight=np.ones(n))
            sizes.append(len(pickle.dumps(made)))
        assert abs(sizes[1] - sizes[0]) < 1_000


class TestDisplay:
    def test_html(self, small, data):
        made = small(make_pipeline(StandardScaler(), SVC()), {"svc__C": loguniform(0.1, 10)})
        assert "StandardScaler" in made._repr_html_()
        assert "best_estimator_" not in made._repr_html_()
        assert "best_estimator_" in made.fit(*data)._repr_html_()


class TestTags:
    def test_kind_of_estimator(self, small):
        assert is_classifier(small(TREE, DEPTHS))
        assert is_regressor(small(Ridge(), {"alpha": [1]}))
        assert get_tags(small(PCA(), {"n_components": [1]})).estimator_type is None

    @pytest.mark.parametrize("kernel", ["precomputed", "rbf"])
    def test_pairwise(self, small, kernel):
        made = small(SVC(kernel=kernel), {"C": [1, 2]})
        assert get_tags(made).input_tags.pairwise == (kernel == "precomputed")

    def test_sparse_and_classes(self, small):
        tags = get_tags(small(LogisticRegression(), {"C": [1, 2]}))
        assert tags.input_tags.sparse == get_tags(LogisticRegression()).input_tags.sparse
        assert tags.classifier_tags == get_tags(LogisticRegression()).classifier_tags


METHODS = {
    "predict": (SVC(), {"C": [1.0, 2.0]}),
    "predict_proba": (TREE, DEPTHS),
    "predict_log_proba": (LogisticRegression(), {"C": [1.0, 2.0]}),
    "decision_function": (SVC(), {"C": [1.0, 2.0]}),
    "transform": (PCA(), {"n_components": [1, 2]}),
    "score_samples": (KernelDensity(), {"bandwidth": [0.5, 1.0]}),
}


class TestDelegation:
    @pytest.mark.parametrize("method", METHODS)
    def test_methods_of_the_best_estimator(self, small, data, method):
        X, y = data
        made = small(*METHODS[method])
        with pytest.raises(NotFittedError):
            getattr(made, method)(X)
        made.fit(X, y)
        expected = getattr(made.best_estimator_, method)(X)
        np.testing.assert_array_equal(getattr(made, method)(X), expected)

    def test_inverse_transform(self, small, data):
        made = small(PCA(), {"n_components": [5, 4]}, scoring=lambda est, X: est.n_components)
        made.fit(data[0])
        Z = made.transform(data[0])
        np.testing.assert_allclose(made.inverse_transform(Z), data[0])

    @pytest.mark.parametrize("fitted", [False, True])
    def test_what_the_estimator_lacks(self, small, data, fitted):
        made = small(RidgeClassifier(), {"alpha": [1, 2]})
        made = made.fit(*data) if fitted else made
        for method in ("predict_proba", "transform", "inverse_transform", "score_samples"):
            assert not hasattr(made, method)
            with pytest.raises(AttributeError):
                getattr(made, method)

    def test_without_refit(self, small, data):
        made = small(TREE, DEPTHS, refit=False).fit(*data)
        assert made.best_params_ == made.cv_results_["params"][made.best_index_]
        assert not hasattr(made, "best_estimator_")
        for name in ("predict", "classes_", "n_features_in_"):
            with pytest.raises(AttributeError):
                getattr(made, name)
        with pytest.raises(AttributeError, match="refit=False"):
            made.score(*data)

    def test_learned_attributes(self, small, three_classes):
        X, y = three_classes
        made = small(TREE, DEPTHS)
        assert not hasattr(made, "classes_")
        assert not hasattr(made, "n_features_in_")
        made.fit(X, y)
        assert made.classes_.tolist() == ["high", "low", "middle"]
        assert made.n_features_in_ == 3
        assert made.refit_time_ >= 0
        assert not hasattr(made, "feature_names_in_")

    def test_score(self, small, data):
        made = small(TREE, DEPTHS, scoring="f1").fit(*data)
        assert made.score(*data) == made.scorer_(made.best_estimator_, *data)

    def test_after_an_interruption_it_is_not_fitted(self, small, data):
        made = small(Dial(), {"a": [1, interrupt]})
        with pytest.raises(KeyboardInterrupt):
            made.fit(*data)
        with pytest.raises(NotFittedError):
            made.predict(data[0])
        assert not hasattr(made, "n_features_in_")


class TestData:
    """Whatever can hold samples."""

    def test_dataframe(self, small, data):
        X = pd.DataFrame(data[0], columns=list("abcde"))
        log = Log()
        made = small(make_pipeline(Dial(log=log)), {"dial__a": [1, 2]})
        made.fit(X, pd.Series(data[1], index=range(5, 65)))
        assert {type(call["X"]) for call in log} == {pd.DataFrame}
        assert {type(call["y"]) for call in log} == {pd.Series}
        tree = small(TREE, DEPTHS).fit(X, data[1])
        assert tree.feature_names_in_.tolist() == list("abcde")
        tree.predict(X)

    def test_polars(self, small, data):
        X = pl.DataFrame(data[0], schema=list("abcde"))
        log = Log()
        small(Dial(log=log), {"a": [1, 2]}).fit(X, pl.Series(data[1]))
        assert {type(call["X"]) for call in log} == {pl.DataFrame}
        made, tree = small(TREE, DEPTHS).fit(X, data[1]), clone(TREE).fit(X, data[1])
        names = [getattr(fitted, "feature_names_in_", None) for fitted in (made, tree)]
        np.testing.assert_array_equal(*names)

    @pytest.mark.parametrize("container", [sp.csr_matrix, sp.csr_array, sp.csc_array])
    def test_sparse(self, small, data, container):
        space = {"alpha": loguniform(0.1, 10)}
        made = small(RidgeClassifier(), space).fit(container(data[0]), data[1])
        dense = small(RidgeClassifier(), space).fit(*data)
        np.testing.assert_array_equal(made.predict(container(data[0])), dense.predict(data[0]))
        assert made.cv_results_["params"] == dense.cv_results_["params"]

    def test_lists(self, small, data):
        X, y = data
        made = small(TREE, DEPTHS).fit(X.tolist(), y.tolist())
        expected = small(TREE, DEPTHS).fit(X, y)
        for name in ("mean_test_score", "rank_test_score"):
            np.testing.assert_array_equal(made.cv_results_[name], expected.cv_results_[name])

    def test_lists_of_anything_reach_the_estimator(self, small):
        log = Log()
        X = [["some", "words"], ["more"]] * 4
        made = small(TextLength(log=log), {"add": [1, 2]}, cv=KFold(2)).fit(X, [0, 1] * 4)
        assert all(isinstance(seen, list) for seen in log)
        assert made.best_params_ == {"add": 2}

    def test_words_as_labels(self, small, three_classes):
        made = small(TREE, DEPTHS, scoring="f1_macro").fit(*three_classes)
        assert set(made.predict(three_classes[0])) <= {"high", "low", "middle"}

    def test_several_outputs(self, small, data):
        X, y = data
        Y = np.c_[y, 1 - y, X[:, 0]]
        made = small(DecisionTreeRegressor(random_state=0), DEPTHS).fit(X, Y)
        assert made.predict(X).shape == Y.shape
        made = small(TREE, DEPTHS).fit(X, Y[:, :2].astype(int))
        assert [classes.tolist() for classes in made.classes_] == [[0, 1], [0, 1]]

    def test_more_than_two_dimensions(self, small, data):
        log = Log()
        X = np.zeros((60, 2, 3))
        small(Dial(log=log), {"a": [1, 2]}).fit(X, data[1])
        assert {call["X"].shape for call in log} == {(30, 2, 3), (60, 2, 3)}

    def test_without_a_target(self, small, data):
        X, _ = data
        log = Log()
        small(Dial(log=log), {"a": [1, 2]}, cv=KFold(2)).fit(np.ones((8, 1)))
        assert all(call["y"] is None for call in log)
        made = small(KMeans(n_init=1, random_state=0), {"n_clusters": [2, 3]}).fit(X)
        assert made.best_params_ == {"n_clusters": 3}
        made = small(KernelDensity(), {"bandwidth": [0.01, 1.0]}).fit(X)
        assert made.best_params_ == {"bandwidth": 1.0}

    def test_precomputed_kernel(self, small, data):
        X, y = data
        K = rbf_kernel(X)
        made = small(SVC(kernel="precomputed"), {"C": loguniform(0.1, 10)}).fit(K, y)
        expected = small(SVC(gamma=1 / 5), {"C": loguniform(0.1, 10)}).fit(X, y)
        np.testing.assert_allclose(
            made.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
        )
        assert cross_val_score(made, K, y, cv=2).shape == (2,)
        with pytest.raises(ValueError, match="square"):
            small(SVC(kernel="precomputed"), {"C": [1, 2]}).fit(K[:, :9], y)

    def test_set_output(self, small, data):
        scale = StandardScaler().set_output(transform="pandas")
        made = small(Pipeline([("scale", scale), ("dial", Dial(log=Log()))]), {"dial__a": [1, 2]})
        made.fit(*data)
        assert {type(call["X"]) for call in made.estimator["dial"].log} == {pd.DataFrame}
        pca = small(PCA().set_output(transform="pandas"), {"n_components": [1, 2]}).fit(data[0])
        assert isinstance(pca.transform(data[0]), pd.DataFrame)


class TextLength(BaseEstimator):
    """Scores by what is added; writes down what it is fitted to."""

    def __init__(self, add=0, log=None):
        self.add = add
        self.log = log

    def fit(self, X, y):
        self.log.append(X)
        return self

    def score(self, X, y):
        return sum(map(len, X)) + self.add


class TestComposition:
    def test_inside_cross_validation(self, small, data):
        made = small(TREE, DEPTHS)
        assert cross_val_score(made, *data, cv=3, error_score="raise").shape == (3,)
        assert cross_val_predict(made, *data, cv=3, method="predict_proba").shape == (60, 2)

    def test_last_step_of_a_pipeline(self, small, data):
        pipeline = make_pipeline(StandardScaler(), small(SVC(), {"C": loguniform(0.1, 10)}))
        pipeline.fit(*data)
        assert pipeline.score(*data) > 0.5
        assert pipeline[-1].history_.n_candidates == 4
        assert pipeline.classes_.tolist() == [0, 1]

    def test_searched_by_another_search(self, small, data):
        outer = GridSearchCV(small(TREE, DEPTHS), {"n_iter": [1, 3]}, cv=2).fit(*data)
        assert outer.best_estimator_.history_.n_candidates == outer.best_params_["n_iter"]
        outer = SearchCV(
            small(Dial(), {"a": [1, 2, 3]}),
            {"n_iter": [1, 3], "estimator__b": [0, 1], "random_state": [1, 2]},
            cv=2,
            n_iter=3,
            random_state=0,
        ).fit(*data)
        assert outer.history_.n_failed == 0
        assert len(outer.cv_results_["params"]) == 3

    def test_frozen_estimators(self, small, data):
        X, y = data
        scaler = StandardScaler().fit(100 * X)
        steps = Pipeline([("scale", FrozenEstimator(scaler)), ("svc", SVC())])
        made = small(steps, {"svc__C": loguniform(0.1, 10)}).fit(X, y)
        assert made.best_estimator_["scale"].estimator.scale_ is not None
        np.testing.assert_array_equal(made.best_estimator_["scale"].scale_, scaler.scale_)
        space = {"scale": [FrozenEstimator(scaler), "passthrough"], "svc__C": [1, 2]}
        assert small(steps, space).fit(X, y).history_.n_failed == 0

    @pytest.mark.parametrize(
        "values",
        [
            [Ridge(), LogisticRegression(C=0.1), LogisticRegression(C=1.0)],
            [np.arange(3), np.arange(4), "text"],
            [abs, len, np.mean],
            [int, float, str],
            [{"a": 1}, {1, 2}, (1, 2), [1, 2], None],
        ],
        ids=["estimators", "arrays", "functions", "types", "containers"],
    )
    def test_any_object_as_a_value(self, small, data, values):
        made = small(Dial(), {"tag": values}, n_iter=9).fit(*data)
        assert list(map(repr, made.cv_results_["param_tag"])) == list(map(repr, values))

    def test_lambdas_as_values(self, small, data):
        values = [lambda: 1, lambda: 2, lambda: 1]
        made = small(Dial(), {"tag": values}, n_iter=9).fit(*data)
        assert made.cv_results_["param_tag"].tolist() == values
        assert made.cv_results_["params"][2]["tag"] is values[2]


class TestGuests:
    """A search leaves what belongs to others as it was."""

    @pytest.mark.parametrize("random_state", [None, 0])
    def test_global_random_state(self, small, data, random_state):
        np.random.seed(3)  # noqa: NPY002
        random.seed(3)
        before = pickle.dumps([np.random.get_state(), random.getstate()])  # noqa: NPY002
        small(TREE, DEPTHS, n_iter=12, random_state=random_state).fit(*data)
        after = pickle.dumps([np.random.get_state(), random.getstate()])  # noqa: NPY002
        assert before == after

    def test_the_estimator_is_neither_fitted_nor_changed(self, small, data):
        inner = Dial()
        estimator = Pipeline([("scale", StandardScaler()), ("dial", inner)])
        values = [Dial(a=1), Dial(a=2), inner]
        space = {"dial": values, "dial__b": [0, 1], "scale__with_mean": [True, False]}
        initial = [{"dial": values[0], "dial__b": 1, "scale__with_mean": True}]
        before = [repr(space), repr(initial), [sorted(vars(value)) for value in values]]
        small(estimator, space, initial_params=initial, n_iter=9).fit(*data)
        assert [repr(space), repr(initial), [sorted(vars(v)) for v in values]] == before
        assert inner.get_params() == Dial().get_params()
        assert estimator["scale"].with_mean
        assert not hasattr(estimator["scale"], "mean_")

    def test_results_share_nothing_with_what_a_fit_may_change(self, small, data):
        value = [1, 2]
        made = small(Spoiler(), {"tag": [value, [3]]}).fit(*data)
        assert value == [1, 2]
        assert made.cv_results_["params"][0]["tag"] == [1, 2]

    def test_unseeded_searches_differ(self, small, data):
        space = {"max_depth": randint(1, 10**6)}
        drawn = [
            small(TREE, space, random_state=None).fit(*data).cv_results_["params"] for _ in range(2)
        ]
        assert drawn[0] != drawn[1]


class Spoiler(Dial):
    """Changes its parameter in fit, which no estimator should."""

    def fit(self, X, y):
        self.tag.append("spoiled")
        return super().fit(X, y)


class TestFittingAgain:
    def test_nothing_of_the_first_fit_is_left(self, small, data, three_classes):
        made = small(TREE, DEPTHS, scoring=["accuracy", "f1"], refit="f1").fit(*data)
        made.set_params(scoring=None, refit=False, n_iter=2).fit(*three_classes)
        assert not hasattr(made, "best_estimator_")
        assert not made.multimetric_
        assert "mean_test_f1" not in made.cv_results_
        assert made.history_.n_candidates == 2

    def test_after_an_interruption(self, small, data):
        made = small(Dial(), {"a": [1, interrupt]})
        with pytest.raises(KeyboardInterrupt):
            made.fit(*data)
        made.set_params(param_distributions={"a": [1, 2, 3]}).fit(*data)
        assert made.history_.n_candidates == 3
        assert made.best_params_ == {"a": 3}

    def test_with_an_int_seed_the_same_again(self, small, data):
        made = small(TREE, DEPTHS)
        first, second = (made.fit(*data).cv_results_["params"] for _ in range(2))
        assert first == second


class TestCustomScorers:
    def test_a_scorer_without_a_target(self, small, data):
        made = small(PCA(), {"n_components": [1, 2]}, scoring=lambda est, X: -est.n_components)
        assert made.fit(data[0]).best_params_ == {"n_components": 1}

    def test_scorers_of_probabilities(self, small, data):
        scoring = {"loss": "neg_log_loss", "area": "roc_auc", "own": make_scorer(disagreement)}
        made = small(
            LogisticRegression(), {"C": loguniform(0.1, 10)}, scoring=scoring, refit="area"
        )
        made.fit(*data)
        assert made.best_score_ == made.cv_results_["mean_test_area"].max()
        assert set(made.scorer_) == set(scoring)

    def test_an_estimator_without_score(self, small, data):
        class Bare(BaseEstimator):
            def fit(self, X, y=None):
                return self

        with pytest.raises(TypeError, match="'score' method"):
            small(Bare(), {"x": [1]}).fit(*data)


def disagreement(y_true, y_pred):
    return float(np.mean(y_true != y_pred))
