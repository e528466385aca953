"""HalvingRandomSearchCV: scikit-learn's schedule and scores, and what is better than there."""

import inspect
import math
from itertools import pairwise

import numpy as np
import pytest
from _estimators import Dial, Log, fail
from scipy.stats import loguniform, randint, uniform
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GroupKFold, HalvingGridSearchCV, KFold, StratifiedGroupKFold
from sklearn.model_selection import HalvingRandomSearchCV as ScikitLearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import check_estimator

from skhpo import HalvingRandomSearchCV, HyperbandSearchCV
from skhpo.stopping import MaxFits

X, y = make_classification(600, 6, random_state=0)
TREE = DecisionTreeClassifier(random_state=0)
SPACE = {"max_depth": list(range(1, 11)), "min_samples_leaf": [1, 2, 4, 8]}
ATTRIBUTES = [
    "n_resources_",
    "n_candidates_",
    "n_iterations_",
    "n_remaining_candidates_",
    "n_required_iterations_",
    "n_possible_iterations_",
    "min_resources_",
    "max_resources_",
]


def search(estimator=TREE, space=SPACE, **settings):
    return HalvingRandomSearchCV(estimator, space, **{"cv": 3, "random_state": 0, **settings})


def best_is_first(made):
    return made.cv_results_["rank_test_score"][made.best_index_] == 1


class TestAsScikitLearn:
    def test_parameters_and_defaults(self):
        theirs = inspect.signature(ScikitLearn).parameters
        ours = inspect.signature(HalvingRandomSearchCV).parameters
        assert {n: p.default for n, p in theirs.items() if n != "error_score"}.items() <= {
            n: p.default for n, p in ours.items()
        }.items()
        assert list(theirs)[:2] == list(ours)[:2]

    @pytest.mark.filterwarnings("ignore:The total space of parameters")
    @pytest.mark.parametrize(
        "settings",
        [
            {},
            {"n_candidates": 20},
            {"n_candidates": 20, "min_resources": "exhaust"},
            {"n_candidates": 40, "min_resources": 100, "aggressive_elimination": True},
            {"n_candidates": 12, "factor": 2.5},
            {"n_candidates": 30, "min_resources": 300},
            {"n_candidates": 2, "max_resources": 50},
        ],
    )
    def test_the_schedule(self, settings):
        theirs = ScikitLearn(TREE, SPACE, cv=3, random_state=0, **settings).fit(X, y)
        ours = search(**settings).fit(X, y)
        for name in ATTRIBUTES:
            assert getattr(ours, name) == getattr(theirs, name)
        for name in ("iter", "n_resources"):
            np.testing.assert_array_equal(ours.cv_results_[name], theirs.cv_results_[name])
        assert best_is_first(ours)

    def test_the_scores(self):
        data = make_regression(150, 6, noise=10, random_state=0)
        model = GradientBoostingRegressor(random_state=0)
        space = {"max_depth": [1, 2, 3], "learning_rate": [0.01, 0.1, 0.5]}
        settings = {"resource": "n_estimators", "max_resources": 20, "cv": KFold(3)}
        theirs = HalvingGridSearchCV(model, space, min_resources=2, **settings).fit(*data)
        ours = search(model, space, n_candidates=9, min_resources=2, **settings).fit(*data)
        assert ours.cv_results_["params"] == theirs.cv_results_["params"]
        for name in ("mean_test_score", "split1_train_score", "iter", "n_resources"):
            np.testing.assert_array_equal(ours.cv_results_[name], theirs.cv_results_[name])
        assert (ours.best_params_, ours.best_score_) == (theirs.best_params_, theirs.best_score_)
        assert ours.best_estimator_.n_estimators == 18
        np.testing.assert_array_equal(ours.predict(data[0]), theirs.predict(data[0]))

    @pytest.mark.filterwarnings("ignore:Each rung fits its models from zero")
    def test_exact_where_floats_slip(self):
        ours = search(
            Dial(),
            {"a": randint(0, 10**6)},
            n_candidates=243,
            resource="b",
            max_resources=243,
            cv=2,
        ).fit(X[:20], y[:20])
        assert ours.n_candidates_ == [243, 81, 27, 9, 3, 1]


class TestBetter:
    def test_samples_are_nested_and_stratified(self):
        log, rare = Log(), np.array([0] * 108 + [1] * 12)
        rows = np.arange(120.0)[:, None]
        search(Dial(log=log), {"a": [1, 2, 3, 4, 5, 6, 7, 8, 9]}, refit=False).fit(rows, rare)
        by_size = {}
        for call in log:
            first = call["X"].ravel()
            by_size.setdefault(len(first), []).append(frozenset(first))
            assert np.bincount(call["y"])[1] == pytest.approx(len(first) / 10, abs=1)
        sizes = sorted(by_size)
        assert len(sizes) > 1
        for small, large in pairwise(sizes):
            assert all(any(s < b for b in by_size[large]) for s in by_size[small])

    def test_single_class_rungs_do_not_occur(self):
        ordered = np.sort(y)
        made = search(LogisticRegression(), {"C": loguniform(1e-3, 1e3)}, error_score="raise")
        made.set_params(cv=KFold(3, shuffle=True, random_state=0), min_resources=6).fit(X, ordered)
        assert best_is_first(made)

    def test_several_metrics(self):
        made = search(scoring=["accuracy", "neg_log_loss"], refit="neg_log_loss", n_candidates=9)
        made.fit(X, y)
        assert made.cv_results_["rank_test_neg_log_loss"][made.best_index_] == 1
        assert made.best_score_ <= 0
        table = made.cv_results_
        first = table["iter"] == 0
        climbed = [p for p, k in zip(table["params"], table["iter"], strict=True) if k == 1]
        order = np.argsort(-table["mean_test_neg_log_loss"][first], kind="stable")
        best = [table["params"][i] for i in order[: len(climbed)]]
        worst = min(table["mean_test_neg_log_loss"][table["params"].index(p)] for p in climbed)
        assert worst == table["mean_test_neg_log_loss"][table["params"].index(best[-1])]

    def test_failures(self):
        space = {"a": [fail, 1.0, 2.0], "b": [0.0, 1.0, 2.0]}
        with pytest.warns(match="fits failed"), pytest.warns(match="non-finite"):
            made = search(Dial(), space, return_train_score=False).fit(X, y)
        table = made.cv_results_
        later = [p["a"] for p, k in zip(table["params"], table["iter"], strict=True) if k]
        assert later
        assert fail not in later
        assert made.best_params_ == {"a": 2.0, "b": 2.0}

    def test_the_test_part_may_be_subsampled(self):
        def n_tested(**settings):
            sizes = []

            def scorer(estimator, X, y):
                sizes.append(len(X))
                return 0.5

            search(scoring=scorer, n_candidates=9, return_train_score=False, **settings).fit(X, y)
            return set(sizes)

        assert n_tested() == {200}
        assert n_tested(subsample_test=True) == {4, 12, 36}

    def test_groups_stay_whole(self):
        groups, log = np.repeat(np.arange(40), 15), Log()
        made = search(Dial(log=log), {"a": list(range(9))}, cv=GroupKFold(3), refit=False)
        made.fit(X, y, groups=groups)
        assert made.min_resources_ >= 23
        row = {tuple(x): group for x, group in zip(X, groups, strict=True)}
        for call in log:
            counts = np.bincount([row[tuple(x)] for x in call["X"]])
            assert set(counts) <= {0, 15}

    def test_splits_may_be_masks_or_lists(self):
        half = np.arange(len(y)) % 2 == 0
        pairs = [(half, ~half), (~half, half)]
        indices = [tuple(map(np.flatnonzero, pair)) for pair in pairs]
        lists = [tuple(part.tolist() for part in pair) for pair in indices]
        found = [search(cv=cv, n_candidates=9).fit(X, y) for cv in (indices, pairs, lists)]
        for other in found[1:]:
            np.testing.assert_array_equal(
                other.cv_results_["mean_test_score"], found[0].cv_results_["mean_test_score"]
            )

    def test_first_rung_from_the_scores(self):
        space = {"learning_rate": loguniform(1e-3, 1), "max_depth": randint(1, 5)}
        data = make_regression(120, 5, noise=20, random_state=1)
        made = search(
            GradientBoostingRegressor(random_state=0),
            space,
            resource="n_estimators",
            max_resources=81,
            min_resources="auto",
            cv=2,
        ).fit(*data)
        assert made.min_resources_ in (1, 3, 9, 27)
        assert made.n_resources_[0] == made.min_resources_
        assert best_is_first(made)
        assert (made.cv_results_["iter"] == -1).any()

    @pytest.mark.filterwarnings("ignore:Each rung fits its models from zero")
    @pytest.mark.parametrize("n", [1, 2, 5, 8])
    def test_first_rung_from_the_scores_of_few(self, n):
        made = search(
            Dial(),
            {"a": list(range(n))},
            resource="b",
            max_resources=27,
            min_resources="auto",
            n_candidates=n,
            cv=2,
        ).fit(X, y)
        assert made.n_candidates_[0] == n
        assert made.best_params_ == {"a": n - 1, "b": made.n_resources_[-1]}

    @pytest.mark.filterwarnings("ignore:Each rung fits its models from zero")
    def test_stopped_before_the_first_rung(self):
        made = search(
            Dial(),
            {"a": uniform(0, 1)},
            resource="b",
            max_resources=27,
            min_resources="auto",
            cv=2,
            stopping=MaxFits(5),
        ).fit(X, y)
        assert (made.n_candidates_, made.n_iterations_) == ([], 0)
        assert made.cv_results_["iter"].tolist() == [-1, -1, -1]
        assert made.best_score_ == np.nanmax(made.cv_results_["mean_test_score"])

    def test_a_step_of_a_pipeline(self):
        model = make_pipeline(StandardScaler(), RandomForestClassifier(random_state=0))
        made = search(
            model,
            {"randomforestclassifier__max_depth": [1, 2, 3, 4]},
            n_candidates=4,
            resource="randomforestclassifier__n_estimators",
            max_resources=9,
            min_resources=3,
        ).fit(X[:90], y[:90])
        assert made.n_resources_ == [3, 9]
        assert made.best_params_["randomforestclassifier__n_estimators"] == 9

    @pytest.mark.parametrize("optimizer", ["bayes", "de", "sobol"])
    def test_any_optimiser(self, optimizer):
        made = search(Dial(), {"a": loguniform(0.1, 9)}, optimizer=optimizer, n_candidates=12)
        made.fit(X, y)
        assert made.n_candidates_ == [12, 4, 2]
        assert best_is_first(made)

    def test_own_settings_and_constraint(self):
        made = search(
            n_candidates=9,
            initial_params=[{"max_depth": 99}],
            constraint=lambda params: params["max_depth"] != 5,
        ).fit(X, y)
        depths = [params["max_depth"] for params in made.cv_results_["params"]]
        assert depths[0] == 99
        assert 5 not in depths

    def test_stopped_early(self):
        made = search(n_candidates=9, stopping=MaxFits(20)).fit(X, y)
        assert (made.n_candidates_, made.n_iterations_) == ([7], 1)

    def test_stopped_amid_a_candidate_of_a_higher_rung(self):
        made = search(n_candidates=9, stopping=MaxFits(28)).fit(X, y)
        assert made.n_candidates_ == [9, 1]
        assert np.isnan(made.cv_results_["mean_test_score"][-1])
        assert made.best_score_ == np.nanmax(made.cv_results_["mean_test_score"])

    def test_journal(self, tmp_path):
        made = search(n_candidates=9, journal=tmp_path / "a.db")
        stopped = clone(made).set_params(stopping=MaxFits(20)).fit(X, y)
        whole, again = clone(made).fit(X, y), search(n_candidates=9).fit(X, y)
        assert stopped.n_candidates_ != whole.n_candidates_ == again.n_candidates_
        for name in ("mean_test_score", "iter", "rank_test_score"):
            np.testing.assert_array_equal(whole.cv_results_[name], again.cv_results_[name])

    @pytest.mark.parametrize("seed", [0, None])
    def test_a_journal_keeps_the_first_rung_of_groups(self, tmp_path, seed):
        """How many samples the groups need depends on the splits, which are drawn once."""
        groups = np.sort(np.random.default_rng(0).integers(0, 30, len(y)))
        cv = StratifiedGroupKFold(3, shuffle=True)
        made = search(n_candidates=9, cv=cv, random_state=seed, journal=tmp_path / "a.db")
        first = clone(made).fit(X, y, groups=groups)
        for _ in range(3):
            again = clone(made).fit(X, y, groups=groups)
            assert again.n_resources_ == first.n_resources_
            assert again.history_.n_recalled == again.history_.n_fits == first.history_.n_fits

    def test_workers_change_nothing(self):
        one = search(n_candidates=9, pre_dispatch=4).fit(X, y)
        two = search(n_candidates=9, pre_dispatch=4, n_jobs=2).fit(X, y)
        assert one.cv_results_["params"] == two.cv_results_["params"]
        np.testing.assert_array_equal(
            one.cv_results_["mean_test_score"], two.cv_results_["mean_test_score"]
        )


ERRORS = {
    "both exhaust": ({"n_candidates": "exhaust", "min_resources": "exhaust"}, "cannot both be"),
    "missing": ({"resource": "n_estimator", "max_resources": 9}, "resource must name parameters"),
    "searched": ({"resource": "max_depth", "max_resources": 9}, "resource must not be searched"),
    "in initial": (
        {"resource": "max_features", "max_resources": 9, "initial_params": [{"max_features": 2}]},
        "resource must not be searched",
    ),
    "no most": ({"resource": "max_features"}, "max_resources must be an int unless"),
    "least above most": ({"min_resources": 90, "max_resources": 50}, "at least min_resources"),
    "smallest above most": ({"max_resources": 5}, "max_resources=5 and min_resources=12"),
    "more than there is": ({"max_resources": 601}, "at most the number of samples, 600"),
    "too few": ({"min_resources": 1}, "min_resources must be at least 3 samples"),
    "factor": ({"factor": 1}, "factor"),
}


class TestErrors:
    @pytest.mark.parametrize("name", ERRORS)
    def test_before_any_fit(self, name):
        settings, message = ERRORS[name]
        made = search(**settings)
        with pytest.raises(ValueError, match=message):
            made.fit(X, y)
        assert not hasattr(made, "history_")

    def test_the_hint_for_a_resource_is_an_amount(self):
        forest = HalvingRandomSearchCV(
            RandomForestClassifier(), {"criterion": ["gini"]}, max_resources=9, resource="n_trees"
        )
        with pytest.raises(ValueError, match="'n_trees' is not one of") as caught:
            forest.fit(X, y)
        assert "max_features" not in str(caught.value)
        forest.set_params(resource="n_estimator")
        with pytest.raises(ValueError, match=r"Did you mean 'n_estimators'\?"):
            forest.fit(X, y)

    def test_groups_larger_than_a_rung(self):
        made = search(cv=GroupKFold(3), min_resources=30, n_candidates=4)
        with pytest.raises(ValueError, match=r"min_resources must be at least .* group"):
            made.fit(X, y, groups=np.repeat(np.arange(6), 100))

    def test_nothing_succeeded(self):
        with pytest.raises(ValueError, match=r"[Aa]ll the .* fits failed"):
            search(Dial(), {"a": [fail], "b": [1.0, 2.0, 3.0, 4.0]}).fit(X, y)

    def test_one_class_is_left_to_the_estimator(self):
        made = search(DummyClassifier(), {"strategy": ["prior", "uniform"]}, n_candidates=2)
        assert math.isfinite(made.fit(X[:60], np.zeros(60)).best_score_)


@pytest.mark.parametrize("cls", [HalvingRandomSearchCV, HyperbandSearchCV])
@pytest.mark.parametrize("model", [Ridge(), RidgeClassifier()])
@pytest.mark.filterwarnings("ignore")
def test_estimator_checks(cls, model):
    outcomes = []
    check_estimator(
        cls(model, {"alpha": [0.1, 1.0]}, cv=2, error_score="raise", random_state=0),
        on_skip=None,
        on_fail=None,
        callback=lambda **about: outcomes.append((about["check_name"], about["status"])),
    )
    assert len(outcomes) > 40
    # As for scikit-learn's own searches.
    expected = {"check_supervised_y_2d", "check_requires_y_none"}
    assert {name for name, status in outcomes if status == "failed"} <= expected


class TestFoldStopping:
    def fit(self, **settings):
        about = {
            "resource": "n_estimators",
            "max_resources": 9,
            "min_resources": 1,
            "n_candidates": 27,
            "cv": 5,
            "fold_stopping": "paired",
        }
        forest = RandomForestClassifier(random_state=0)
        space = {"max_depth": randint(1, 12), "max_features": uniform(0.1, 0.9)}
        return search(forest, space, **{**about, **settings}).fit(X[:200], y[:200])

    def test_results(self):
        full, made = self.fit(fold_stopping=None), self.fit()
        results = made.cv_results_
        n_folds = results["n_splits_evaluated"]
        assert made.n_candidates_ == full.n_candidates_ == [27, 9, 3]
        assert made.history_.n_fits == n_folds.sum() < full.history_.n_fits
        assert made.n_resources_used_ < full.n_resources_used_
        assert results["params"][:27] == full.cv_results_["params"][:27]
        lost = n_folds < 5
        assert np.isnan(results["mean_test_score"][lost]).all()
        assert np.isfinite(results["partial_mean_test_score"]).all()
        assert best_is_first(made)
        assert results["n_resources"][made.best_index_] == 9
        assert made.best_score_ == results["mean_test_score"][made.best_index_]
        # Folds that were run have the scores that they have without the rule.
        same = {
            (str(params), k): score
            for k in range(5)
            for params, score in zip(
                full.cv_results_["params"], full.cv_results_[f"split{k}_test_score"], strict=True
            )
        }
        n_shared = 0
        for k in range(5):
            column = results[f"split{k}_test_score"]
            for params, score in zip(results["params"], column, strict=True):
                if not math.isnan(score) and (str(params), k) in same:
                    n_shared += 1
                    assert score == same[str(params), k]
        assert n_shared > 27

    def test_any_number_of_workers(self):
        one, two = (self.fit(n_jobs=n, pre_dispatch=7).cv_results_ for n in (1, 2))
        assert one["params"] == two["params"]
        np.testing.assert_array_equal(one["n_splits_evaluated"], two["n_splits_evaluated"])
        np.testing.assert_array_equal(
            one["partial_mean_test_score"], two["partial_mean_test_score"]
        )

    @pytest.mark.filterwarnings("ignore:No candidate was evaluated on all")
    @pytest.mark.parametrize("n_fits", [20, 60])
    def test_going_on_from_a_journal(self, tmp_path, n_fits):
        whole = self.fit().cv_results_
        self.fit(stopping=MaxFits(n_fits), journal=tmp_path / "a.db")
        made = self.fit(journal=tmp_path / "a.db")
        assert made.history_.n_recalled == n_fits
        assert made.cv_results_["params"] == whole["params"]
        for name in ("n_splits_evaluated", "partial_mean_test_score", "resumed", "iter"):
            np.testing.assert_array_equal(made.cv_results_[name], whole[name])

    @pytest.mark.parametrize(
        ("optimizer", "promotion"),
        [(o, "synchronous") for o in ("random", "tpe", "bayes", "de")]
        + [("bayes", "asynchronous")],
    )
    def test_hyperband(self, optimizer, promotion):
        made = HyperbandSearchCV(
            DecisionTreeClassifier(random_state=0),
            {"max_depth": randint(1, 12), "min_samples_leaf": randint(1, 40)},
            optimizer=optimizer,
            promotion=promotion,
            fold_stopping="paired",
            cv=5,
            random_state=0,
        ).fit(X, y)
        assert made.history_.n_spared > 0 or promotion == "asynchronous"
        assert best_is_first(made)
        assert made.cv_results_["n_splits_evaluated"][made.best_index_] == 5
        assert made.cv_results_["n_resources"][made.best_index_] == made.max_resources_
