"""The course of a fit: what fails, what interrupts, what is published, what is drawn once."""

import importlib.abc
import sys
import threading
import warnings

import joblib
import numpy as np
import pytest
from _estimators import Dial, Log, Told, fail, interrupt
from scipy.stats import uniform
from sklearn.base import BaseEstimator
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import KFold, ShuffleSplit, StratifiedKFold

from skhpo import BayesSearchCV, SearchCV
from skhpo._sklearn import BaseSearchCV
from skhpo.stopping import MaxFits, MaxTime, NoImprovement, TargetScore

OPTIMIZERS = ["random", "sobol", "bayes"]
HALVES = KFold(2)
failures_expected = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more of the test scores"
)


def fit(estimator, space, data, cls=SearchCV, **settings):
    return cls(estimator, space, **{"cv": HALVES, "random_state": 0, **settings}).fit(*data)


class Fragile(Dial):
    """Fails for some values."""

    def fit(self, X, y=None):
        """Fail for a below the tag."""
        if self.a < self.tag:
            raise Told(f"{self.a} is too small")
        return super().fit(X, y)


@failures_expected
class TestSomeFail:
    @pytest.mark.parametrize("values", [[fail, 1, 2], [1, 2, fail], [1, fail, 2]])
    def test_one_candidate(self, values, data):
        made = fit(Dial(), {"a": values}, data)
        assert made.best_params_ == {"a": 2}
        row = values.index(fail)
        assert made.cv_results_["rank_test_score"][row] == 3
        assert np.isnan(made.cv_results_["mean_test_score"][row])
        assert made.history_.n_failed == 2
        table = made.history_.to_dict()
        assert (table["status"] == "failed").tolist() == (table["candidate"] == row).tolist()
        assert all("Told: as told" in text for text in table["error"][table["status"] == "failed"])

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_nine_in_ten(self, optimizer, data):
        made = fit(Fragile(tag=0.9), {"a": uniform(0, 1)}, data, optimizer=optimizer, n_iter=30)
        assert made.history_.n_candidates == 30
        assert made.best_score_ >= 0.9
        ok = made.cv_results_["param_a"] >= 0.9
        assert 0 < ok.sum() < 30
        np.testing.assert_array_equal(np.isfinite(made.cv_results_["mean_test_score"]), ok)

    def test_set_params(self, data):
        made = fit(Choosy(), {"a": [3, 2, 1, 4]}, data)
        assert made.best_params_ == {"a": 4}
        assert np.isnan(made.cv_results_["mean_test_score"][0])
        assert made.cv_results_["mean_fit_time"][0] == 0
        assert "3 is refused" in made.history_.evaluations[0].error

    def test_a_warning_counts_them_once(self, data):
        with pytest.warns(FitFailedWarning, match="2 fits failed out of a total of 6") as caught:
            fit(Dial(), {"a": [1, fail, 2]}, data)
        assert sum(w.category is FitFailedWarning for w in caught) == 1

    def test_the_optimiser_learns_of_failures_whatever_error_score(self, data):
        results = [
            fit(
                Fragile(tag=0.5),
                {"a": uniform(0, 1), "b": uniform(0, 1)},
                data,
                BayesSearchCV,
                n_iter=14,
                error_score=error_score,
            ).cv_results_["params"]
            for error_score in (np.nan, -1e9, 1e9)
        ]
        assert results[0] == results[1] == results[2]

    def test_error_score_is_what_is_shown(self, data):
        made = fit(Dial(), {"a": [1, fail]}, data, error_score=-7, return_train_score=True)
        for name in ("split0_test_score", "mean_test_score", "split1_train_score"):
            assert made.cv_results_[name].tolist() == [1, -7]
        assert made.cv_results_["std_test_score"].tolist() == [0, 0]

    def test_what_failed_in_some_folds_ranks_behind(self, data):
        X, y = data

        class Half(Dial):
            def fit(self, X, y=None):
                if self.a == 9 and X[0, 0] == data[0][0, 0]:
                    raise Told
                return super().fit(X, y)

        made = fit(Half(), {"a": [9, 1]}, (X, y), error_score=0.0)
        assert made.cv_results_["mean_test_score"].tolist() == [4.5, 1]
        assert made.best_params_ == {"a": 1}


class Choosy(Dial):
    """Refuses a parameter in set_params."""

    def set_params(self, **params):
        """Refuse a 3."""
        if params.get("a") == 3:
            raise Told("3 is refused")
        return super().set_params(**params)


class TestAllFail:
    def test_fits(self, data):
        with pytest.raises(ValueError, match=r"(?s)All the 6 fits failed.*Told: as told"):
            fit(Dial(), {"a": [fail], "b": [1, 2, 3]}, data)

    def test_set_params(self, data):
        with pytest.raises(ValueError, match=r"(?s)All the 2 fits failed.*Told: 3 is refused"):
            fit(Choosy(), {"a": [3]}, data)

    @pytest.mark.filterwarnings("ignore:Scoring failed")
    @pytest.mark.parametrize("scoring", [Dial.score, {"s": Dial.score, "t": Dial.score}])
    def test_scorers(self, scoring, data):
        values = ["first", "second"]
        with pytest.raises(ValueError, match="No candidate got a score: all 4 fits") as caught:
            fit(Dial(), {"a": values}, data, scoring=scoring, refit="s")
        assert "could not convert string to float: 'first'" in str(caught.value)
        assert "second" not in str(caught.value)
        assert 'error_score="raise"' in str(caught.value)

    def test_every_score_is_nan(self, data):
        with pytest.raises(ValueError, match="The scorer returned NaN"):
            fit(Dial(), {"a": [np.nan], "b": [1, 2]}, data)

    @pytest.mark.parametrize("scoring", [None, lambda est, X, y: 1.0, ["accuracy", "f1"]])
    @pytest.mark.parametrize("error_score", [np.nan, 0])
    def test_what_happened_can_be_looked_at(self, data, scoring, error_score):
        made = SearchCV(
            Dial(), {"a": [fail]}, cv=2, scoring=scoring, refit="f1", error_score=error_score
        )
        with pytest.raises(ValueError, match="All the 2 fits failed"):
            made.fit(*data)
        assert made.history_.n_failed == 2
        assert len(made.cv_results_["params"]) == 1
        assert not hasattr(made, "best_params_")

    @pytest.mark.filterwarnings("ignore:Scoring failed")
    def test_the_metric_of_refit_alone(self, data):
        scoring = {"good": lambda est, X, y: 1.0, "bad": lambda est, X, y: 1 / 0}
        with pytest.raises(ValueError, match="ZeroDivisionError"):
            fit(Dial(), {"a": [1]}, data, scoring=scoring, refit="bad")

    @pytest.mark.filterwarnings("ignore:Scoring failed", "ignore:One or more")
    @pytest.mark.parametrize("refit", ["good", False, lambda results: 1])
    def test_another_metric_than_that_of_refit(self, data, refit):
        scoring = {"bad": lambda est, X, y: 1 / 0, "good": Dial.score}
        made = fit(Dial(), {"a": [1, 2]}, data, scoring=scoring, refit=refit)
        assert not refit or made.best_params_ == {"a": 2}


class TestRaise:
    @pytest.mark.parametrize(
        ("estimator", "values", "scoring"),
        [
            (Dial(), [1, fail, 2], None),
            (Choosy(), [1, 3, 2], None),
            (Dial(), [1, "x", 2], lambda est, X, y: {"s": est.a + 0}),
            (Dial(), [1, "x", 2], {"s": lambda est, X, y: est.a + 0}),
        ],
    )
    def test_the_original_exception_at_once(self, estimator, values, scoring, data):
        log = Log()
        made = SearchCV(
            estimator.set_params(log=log),
            {"a": values},
            scoring=scoring,
            refit="s",
            cv=2,
            error_score="raise",
        )
        with pytest.raises((Told, TypeError)) as caught:
            made.fit(*data)
        assert caught.type is (Told if scoring is None else TypeError)
        assert [call["a"] for call in log] in ([1, 1], [1, 1, values[1]])
        assert made.history_.n_fits == 2
        assert made.cv_results_["params"] == [{"a": 1}]

    def test_in_threads(self, data):
        made = SearchCV(Dial(), {"a": [1, fail, 2]}, cv=2, error_score="raise")
        with joblib.parallel_config("threading", n_jobs=2), pytest.raises(Told, match="as told"):
            made.fit(*data)

    def test_serial_fits_in_flight_end_with_the_first_error(self, data):
        log = Log()
        with pytest.raises(Told):
            fit(
                Dial(log=log),
                {"a": [fail], "b": range(9)},
                data,
                error_score="raise",
                pre_dispatch="all",
            )
        assert len(log) == 1


@failures_expected
class TestScores:
    """Whatever a scorer may return."""

    STORIES = {  # noqa: RUF012
        "not a number": lambda a: np.nan if a > 0.5 else a,
        "infinite": lambda a: np.inf if a > 0.5 else a,
        "minus infinity": lambda a: -np.inf if a > 0.5 else a,
        "constant": lambda a: 0.5,
        "huge": lambda a: 1e300 * (a - 0.5),
        "largest": lambda a: np.sign(a - 0.5) * np.finfo(float).max,
        "tiny": lambda a: 1e-300 * a,
        "everything": lambda a: [np.nan, np.inf, -np.inf, 1e308, 0.5, -1e308][int(6 * a)],
        "numpy's": lambda a: np.float32(a),
        "integers": lambda a: int(10 * a),
        "booleans": lambda a: a > 0.5,
        "arrays without dimension": lambda a: np.array(a),
    }

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    @pytest.mark.parametrize("story", STORIES)
    def test_survives(self, optimizer, story, data):
        def scoring(estimator, X, y):
            return self.STORIES[story](estimator.a)

        made = fit(
            Dial(), {"a": uniform(0, 1)}, data, optimizer=optimizer, n_iter=16, scoring=scoring
        )
        assert len(made.cv_results_["params"]) == 16
        assert not np.isnan(made.best_score_)
        assert made.history_.best_score == np.nanmax(made.cv_results_["mean_test_score"])

    @pytest.mark.parametrize("optimizer", OPTIMIZERS)
    def test_folds_at_both_ends(self, optimizer, data):
        def scoring(estimator, X, y):
            at = X[0, 0] == data[0][0, 0]
            return [1e308, np.inf, 3e200][int(3 * estimator.a)] * (1 if at else -1)

        made = fit(
            Dial(), {"a": uniform(0, 1)}, data, optimizer=optimizer, n_iter=16, scoring=scoring
        )
        assert made.best_score_ == 0

    def test_what_is_no_number_is_an_error(self, data):
        with pytest.raises(ValueError, match="scoring must return a number"):
            fit(Dial(), {"a": [1]}, data, scoring=lambda est, X, y: "high")


class TestInterruption:
    def test_serial(self, data):
        made = SearchCV(Dial(), {"a": [1, 3, interrupt, 2]}, cv=3)
        with pytest.raises(KeyboardInterrupt):
            made.fit(*data)
        assert made.cv_results_["params"] == [{"a": 1}, {"a": 3}]
        assert made.history_.n_fits == 6
        assert made.best_params_ == {"a": 3}
        assert made.best_score_ == 3
        assert not hasattr(made, "best_estimator_")
        made.set_params(param_distributions={"a": [1, 2]}).fit(*data)
        assert made.best_estimator_.a == 2

    def test_before_anything_is_finished(self, data):
        made = SearchCV(Dial(), {"a": [interrupt]}, cv=2)
        with pytest.raises(KeyboardInterrupt):
            made.fit(*data)
        assert made.history_.n_fits == 0
        assert not hasattr(made, "cv_results_")

    def test_amid_a_candidate(self, data):
        class Late(Dial):
            def fit(self, X, y=None):
                if self.a == 2 and X[0, 0] == data[0][0, 0]:
                    interrupt()
                return super().fit(X, y)

        made = SearchCV(Late(), {"a": [1, 2]}, cv=HALVES)
        with pytest.raises(KeyboardInterrupt):
            made.fit(*data)
        assert made.history_.n_fits == 3
        assert made.cv_results_["rank_test_score"].tolist() == [1, 2]
        assert made.best_params_ == {"a": 1}

    def test_threads_keep_what_finished_out_of_turn(self, data):
        finished = threading.Semaphore(0)

        def wait_then_interrupt():
            for _ in range(2):
                assert finished.acquire(timeout=20)
            threading.Event().wait(0.2)  # until the second one is scored as well
            interrupt()

        class Telling(Dial):
            def score(self, X, y=None):
                finished.release()
                return super().score(X, y)

        # One fit a candidate: the first ends when the next two have.
        made = SearchCV(
            Telling(),
            {"a": [wait_then_interrupt, 1, 2]},
            cv=[(range(30), range(30, 60))],
            pre_dispatch=3,
        )
        with joblib.parallel_config("threading", n_jobs=2), pytest.raises(KeyboardInterrupt):
            made.fit(*data)
        assert made.cv_results_["params"] == [{"a": 1}, {"a": 2}]
        assert made.best_params_ == {"a": 2}

    @failures_expected
    @pytest.mark.parametrize("scoring", [None, lambda est, X, y: 1.0])
    @pytest.mark.parametrize("refit", [True, lambda results: 1 / 0])
    def test_nothing_masks_it(self, scoring, refit, data):
        made = SearchCV(Dial(), {"a": [fail, interrupt]}, cv=2, scoring=scoring, refit=refit)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(KeyboardInterrupt):
                made.fit(*data)
        assert made.history_.n_failed == 2

    def test_of_a_stopping_rule(self, data):
        def rule(history):
            if history.n_fits == 3:
                raise KeyboardInterrupt
            return False

        made = SearchCV(Dial(), {"a": [1, 2]}, cv=2, stopping=rule)
        with pytest.raises(KeyboardInterrupt):
            made.fit(*data)
        assert made.history_.n_fits == 3


class TestRefit:
    class NeedsHalves(Dial):
        """Fails on all the data."""

        def fit(self, X, y=None):
            if len(X) == 60:
                raise Told("too many samples")
            return super().fit(X, y)

    def test_a_failing_refit_loses_nothing(self, data):
        made = SearchCV(self.NeedsHalves(), {"a": [1, 2]}, cv=2)
        with pytest.raises(Told, match="too many samples"):
            made.fit(*data)
        assert made.best_params_ == {"a": 2}
        assert made.best_score_ == 2
        assert made.cv_results_["mean_test_score"].tolist() == [1, 2]
        assert not hasattr(made, "best_estimator_")

    def test_an_interrupted_refit_loses_nothing(self, data):
        class Slow(Dial):
            def fit(self, X, y=None):
                return interrupt() if len(X) == 60 else super().fit(X, y)

        made = SearchCV(Slow(), {"a": [1, 2]}, cv=2)
        with pytest.raises(KeyboardInterrupt):
            made.fit(*data)
        assert made.best_params_ == {"a": 2}

    @pytest.mark.parametrize(
        ("refit", "error", "match"),
        [
            (lambda results: "one", TypeError, "not an integer"),
            (lambda results: 2, IndexError, "out of range"),
            (lambda results: -1, IndexError, "out of range"),
            (lambda results: results["no column"], KeyError, "no column"),
        ],
    )
    def test_a_function_that_is_wrong(self, refit, error, match, data):
        made = SearchCV(Dial(), {"a": [1, 2]}, cv=2, refit=refit)
        with pytest.raises(error, match=match):
            made.fit(*data)
        assert made.cv_results_["mean_test_score"].tolist() == [1, 2]

    @pytest.mark.parametrize("refit", [True, "length"])
    def test_a_dict_of_scores_needs_a_name_early(self, refit, data):
        log = Log()
        made = SearchCV(
            Dial(log=log),
            {"a": range(9)},
            cv=2,
            refit=refit,
            scoring=lambda est, X, y: {"own": est.a, "half": est.a / 2},
        )
        with pytest.raises(ValueError, match="the parameter refit must be set to a scorer key"):
            made.fit(*data)
        assert len(log) == 1

    @pytest.mark.parametrize("refit", [True, "length"])
    def test_several_scores_need_a_name_before_any_fit(self, refit, data):
        log = Log()
        made = SearchCV(Dial(log=log), {"a": [1]}, scoring=["accuracy", "f1"], refit=refit)
        with pytest.raises(ValueError, match="the parameter refit must be set to a scorer key"):
            made.fit(*data)
        assert not log

    def test_the_metric_of_refit_guides_else_the_first(self, data):
        scoring = {"down": lambda est, X, y: -est.a, "up": lambda est, X, y: est.a}
        about = {"scoring": scoring, "stopping": TargetScore(3), "n_iter": 9}
        for refit, n in [("up", 4), ("down", 9), (False, 9), (lambda results: 0, 9)]:
            made = fit(Dial(), {"a": range(9)}, data, refit=refit, **about)
            assert made.history_.n_candidates == n


class TestSplits:
    class CountingSplitter(KFold):
        """Counts its calls; shuffles without a seed."""

        calls = 0

        def split(self, X, y=None, groups=None):
            type(self).calls += 1
            return super().split(X, y, groups)

    def test_the_splitter_is_asked_once(self, data):
        splitter = self.CountingSplitter(3, shuffle=True)
        type(splitter).calls = 0
        fit(Dial(), {"a": range(5)}, data, cv=splitter)
        assert splitter.calls == 1

    @pytest.mark.parametrize(
        "cv", [KFold(3, shuffle=True), ShuffleSplit(3), StratifiedKFold(3, shuffle=True)]
    )
    def test_all_candidates_have_the_same_folds(self, cv, data):
        log = Log()
        fit(Dial(log=log), {"a": range(4)}, data, cv=cv, refit=False)
        folds = [call["X"] for call in log]
        assert not np.array_equal(folds[0], folds[1])
        for k, fold in enumerate(folds):
            np.testing.assert_array_equal(fold, folds[k % 3])

    def test_a_generator(self, data):
        pairs = list(HALVES.split(*data))
        made = fit(Dial(), {"a": [1, 2]}, data, cv=(pair for pair in pairs))
        assert made.n_splits_ == 2
        assert made.history_.n_fits == 4

    def test_pairs_of_indices(self, data):
        log = Log()
        pairs = [(list(range(10)), [50]), (np.arange(60) < 20, np.arange(60) > 40)]
        made = fit(Dial(log=log), {"a": [1]}, data, cv=pairs)
        assert [len(call["X"]) for call in log] == [10, 20, 60]
        assert made.n_splits_ == 2

    def test_one_pair(self, data):
        made = fit(Dial(), {"a": [1, 3, 2]}, data, cv=[(range(30), range(30, 60))])
        assert made.cv_results_["mean_test_score"].tolist() == [1, 3, 2]
        assert made.cv_results_["std_test_score"].tolist() == [0, 0, 0]
        assert made.history_.best_so_far == [1, 3, 3]

    def test_one_pair_and_a_function_for_scoring(self, data):
        made = fit(Dial(), {"a": [2, 1]}, data, cv=[(range(30), range(30, 60))], scoring=Dial.score)
        assert made.history_.best_so_far == [2, 2]

    def test_a_splitter_that_contradicts_itself(self, data):
        class Broken(KFold):
            def get_n_splits(self, *args, **kwargs):
                return 2

        log = Log()
        with pytest.raises(ValueError, match=r"Expected 2 splits, got 3 from Broken") as caught:
            fit(Dial(log=log), {"a": [1]}, data, cv=Broken(3))
        assert "inconsistent" in str(caught.value)
        assert not log

    def test_no_split(self, data):
        log = Log()
        with pytest.raises(ValueError, match="cv must give at least one split, got none"):
            fit(Dial(log=log), {"a": [1]}, data, cv=[])
        assert not log


class TestStopping:
    def test_early_end(self, data):
        made = fit(Dial(), {"a": [1, 3, 2]}, data, cv=3, stopping=MaxFits(5))
        results = made.cv_results_
        assert made.history_.n_fits == 5
        assert results["params"] == [{"a": 1}, {"a": 3}]
        assert results["split0_test_score"].tolist() == [1, 3]
        assert np.isnan(results["split2_test_score"][1])
        assert np.isnan(results["mean_test_score"][1])
        assert np.isnan(results["mean_fit_time"][1])
        # A complete candidate is before a better one that lacks a fold.
        assert results["rank_test_score"].tolist() == [1, 2]
        assert made.best_params_ == {"a": 1}
        assert made.best_score_ == 1

    def test_amid_the_first_candidate(self, data):
        with pytest.warns(match="No candidate was evaluated on all"):
            made = fit(Dial(), {"a": [1, 3]}, data, stopping=MaxFits(1))
        assert made.best_params_ == {"a": 1}
        assert np.isnan(made.best_score_)
        assert made.best_estimator_.a == 1

    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
    def test_a_failure_warns_of_nan_though_folds_are_missing_elsewhere(self, data):
        with pytest.warns(match="test scores are non-finite"):
            fit(Dial(), {"a": [1, fail, 2]}, data, cv=3, stopping=MaxFits(7))

    def test_at_once(self, data):
        log = Log()
        with pytest.raises(ValueError, match="stopping must let at least one fit start"):
            fit(Dial(log=log), {"a": [1]}, data, stopping=lambda history: True)
        assert not log

    def test_no_improvement(self, data):
        space = {"a": [1, 2, 2, 1, 0, 5], "b": [0]}
        space = [{"a": [a], "tag": [k]} for k, a in enumerate(space["a"])]
        made = fit(Dial(), space, data, stopping=NoImprovement(3))
        assert made.history_.n_candidates == 5

    def test_time_is_that_of_this_call(self, data):
        made = SearchCV(Dial(), {"a": [1, 2]}, cv=2, stopping=MaxTime(1000))
        for _ in range(2):
            made.fit(*data)
            assert 0 < made.history_.elapsed < 100
        made.set_params(stopping=MaxTime(1e-9))
        with pytest.raises(ValueError, match=r"stopping=MaxTime\(seconds=1e-09\)"):
            made.fit(*data)

    @pytest.mark.parametrize("n_jobs", [1, 2])
    def test_rules_see_results_in_order(self, n_jobs, data):
        class Uneven(Dial):
            def fit(self, X, y=None):
                threading.Event().wait(0.01 if self.a % 2 else 0.0)
                return super().fit(X, y)

        seen = []

        def rule(history):
            seen[:] = [evaluation.task.key[:2] for evaluation in history.evaluations]
            return False

        with joblib.parallel_config("threading", n_jobs=n_jobs):
            fit(Uneven(), {"a": range(6)}, data, stopping=rule, pre_dispatch=4)
        assert seen == [(a, split) for a in range(6) for split in range(2)][: len(seen)]
        assert len(seen) >= 9


@failures_expected
class TestFoldStopping:
    RULES = ("paired", "forgiving", "aggressive")

    @pytest.mark.parametrize("rule", RULES)
    def test_non_finite_scores_are_said_once(self, rule, data):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit(Dial(), {"a": [1, np.inf, fail, 2]}, data, cv=3, fold_stopping=rule)
        assert sum("non-finite" in str(one.message) for one in caught) == 1

    @pytest.mark.parametrize("rule", RULES)
    def test_huge_scores(self, rule, data):
        space = {"a": [1e308, -1e308, np.inf, -np.inf, 5]}
        made = fit(Dial(), space, data, cv=5, fold_stopping=rule)
        assert made.history_.n_candidates == 5

    @pytest.mark.parametrize("rule", RULES)
    def test_a_failed_fold_ends_a_candidate(self, rule, data):
        made = fit(Dial(), {"a": [1, fail, 2]}, data, cv=5, fold_stopping=rule)
        assert made.cv_results_["n_splits_evaluated"].tolist() == [5, 1, 5]
        assert made.cv_results_["rank_test_score"].tolist() == [2, 3, 1]

    @pytest.mark.parametrize("rule", RULES)
    def test_the_metric_of_refit_decides(self, rule, data):
        scoring = {"up": lambda est, X, y: est.a, "down": lambda est, X, y: -est.a}
        about = {"scoring": scoring, "fold_stopping": rule, "cv": 3}
        made = fit(Dial(), {"a": [2, 3, 1]}, data, refit="down", **about)
        assert made.cv_results_["n_splits_evaluated"].tolist() == [3, 1, 3]
        made = fit(Dial(), {"a": [2, 3, 1]}, data, refit="up", **about)
        assert made.cv_results_["n_splits_evaluated"].tolist() == [3, 3, 1]

    def test_one_split(self, data):
        about = {"cv": [(range(30), range(30, 60))], "fold_stopping": "aggressive"}
        made = fit(Dial(), {"a": [1, 3, 2]}, data, **about)
        assert made.cv_results_["rank_test_score"].tolist() == [3, 1, 2]


class TestWork:
    """What is done once is done once."""

    @pytest.mark.parametrize("cls", [SearchCV, BayesSearchCV])
    def test_results_are_laid_out_once(self, cls, data, monkeypatch):
        calls = []
        original = BaseSearchCV._format_results

        def counted(self, *args, **kwargs):
            calls.append(args)
            return original(self, *args, **kwargs)

        monkeypatch.setattr(BaseSearchCV, "_format_results", counted)
        fit(Dial(), {"a": uniform(0, 1)}, data, cls, n_iter=15)
        assert len(calls) == 1

    def test_fits_are_those_that_are_asked_for(self, data):
        log = Log()
        fit(Dial(log=log), {"a": uniform(0, 1)}, data, n_iter=7, cv=3)
        assert len(log) == 7 * 3 + 1

    def test_the_constraint_is_asked_once_a_candidate(self, data):
        seen = []

        def constraint(params):
            seen.append(params["a"])
            return True

        made = fit(Dial(), {"a": uniform(0, 1)}, data, n_iter=8, constraint=constraint)
        drawn = [params["a"] for params in made.cv_results_["params"]]
        assert seen[-8:] == drawn
        assert len(seen) <= 10


class NoPandas(importlib.abc.MetaPathFinder):
    """Hides pandas."""

    def find_spec(self, name, path, target=None):
        """Refuse."""
        if name == "pandas":
            raise ModuleNotFoundError("No module named 'pandas'")


class TestWithoutPandas:
    def test_everything_but_the_frame(self, data, monkeypatch):
        monkeypatch.delitem(sys.modules, "pandas", raising=False)
        monkeypatch.setattr(sys, "meta_path", [NoPandas(), *sys.meta_path])
        made = fit(Dial(), {"a": [1, 2]}, data)
        assert set(made.history_.to_dict()) > {"candidate", "status", "test_score"}
        with pytest.raises(ImportError, match="pandas"):
            made.history_.to_frame()


class TestVerbose:
    def test_counts(self, data, capsys):
        fit(Dial(), {"a": uniform(0, 1)}, data, n_iter=3, verbose=1)
        expected = "Fitting 2 folds for each of 3 candidates, totalling 6 fits\n"
        assert capsys.readouterr().out == expected

    def test_silence(self, data, capsys):
        fit(Dial(), {"a": [1, 2]}, data)
        assert capsys.readouterr() == ("", "")


class TestSupervision:
    def test_y_of_none_is_not_passed(self):
        class Unsupervised(BaseEstimator):
            def __init__(self, a=0):
                self.a = a

            def fit(self, X):
                return self

            def score(self, X):
                return self.a

        made = SearchCV(Unsupervised(), {"a": [1, 2]}, cv=2).fit(np.zeros((4, 1)))
        assert made.best_params_ == {"a": 2}
