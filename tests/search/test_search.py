"""SearchCV: which candidates it evaluates, in which order, and that the seed alone decides."""

import threading
import time

import joblib
import numpy as np
import pytest
from _estimators import Dial, Log
from scipy.stats import loguniform, norm, poisson, randint, uniform
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skhpo import BayesSearchCV, SearchCV
from skhpo.optimizers import make_optimizer
from skhpo.schedulers import CrossValidation
from skhpo.space import SearchSpace, loguniform_int

OPTIMIZERS = ["random", "sobol", "bayes", "ga", "de", "cmaes"]
HALVES = KFold(2)
MIXED = {
    "a": uniform(0, 1),
    "b": loguniform(1e-3, 1e3),
    "tag": ["x", "y", "z"],
}


def candidates(space, data, optimizer="random", estimator=None, **settings):
    """Parameters of the candidates, in order."""
    settings = {"cv": HALVES, "random_state": 0, "refit": False, **settings}
    made = SearchCV(estimator or Dial(), space, optimizer=optimizer, **settings).fit(*data)
    return made.cv_results_["params"]


def sources(space, data, optimizer="random", estimator=None, **settings):
    """Who proposed each candidate."""
    settings = {"cv": HALVES, "random_state": 0, "refit": False, **settings}
    made = SearchCV(estimator or Dial(), space, optimizer=optimizer, **settings).fit(*data)
    return [candidate.source for candidate in made.history_.candidates.values()]


def keys(space, found):
    space = SearchSpace(space)
    return {space.key(params) for params in found}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
class TestGrids:
    """A space of lists no larger than n_iter is run whole."""

    GRIDS = (
        {"a": [3, 1, 2], "b": [0, 1]},
        {"b": [0.5], "a": [2, 1]},
        [{"a": [3, 1]}, {"b": [1, 2], "tag": ["x", "y"]}],
        [{"tag": ["w", "x"]}, {}],
        {"tag": ["x", 1, None, 2.5, (1, 2)]},
    )

    @pytest.mark.parametrize("grid", GRIDS, ids=str)
    @pytest.mark.parametrize("extra", [0, 5])
    def test_in_the_order_of_parameter_grid(self, grid, extra, optimizer, data):
        expected = list(ParameterGrid(grid))
        n_iter = len(expected) + extra
        assert candidates(grid, data, optimizer, n_iter=n_iter) == expected

    def test_duplicates_are_dropped(self, optimizer, data):
        grid = [{"a": [1, 2, 1, 3]}, {"a": [3, 4]}]
        expected = [{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}]
        assert candidates(grid, data, optimizer) == expected
        assert sources(grid, data, optimizer) == ["grid"] * 4

    def test_a_dict_that_says_the_same_as_another(self, optimizer, data):
        grid = [{"a": [1, 2], "b": [0, 1]}, {"a": [2, 3]}, {}]
        found = candidates(grid, data, optimizer, estimator=Dial(a=1, b=1))
        assert found == [*ParameterGrid(grid[0]), {"a": 3}]

    def test_larger_than_n_iter(self, optimizer, data):
        grid = {"a": range(10), "b": range(10)}
        found = candidates(grid, data, optimizer, n_iter=30)
        assert len(keys(grid, found)) == 30
        assert found != list(ParameterGrid(grid))[:30]

    def test_initial_settings_precede(self, optimizer, data):
        initial = [{"a": 2}, {"a": 9}]
        found = candidates({"a": [1, 2, 3]}, data, optimizer, initial_params=initial)
        assert found == [{"a": 2}, {"a": 9}, {"a": 1}, {"a": 3}]

    def test_initial_settings_do_not_crowd_out_the_grid(self, optimizer, data):
        initial = [{"a": 8}, {"a": 9}]
        found = candidates({"a": [1, 2]}, data, optimizer, n_iter=2, initial_params=initial)
        assert found == [{"a": 8}, {"a": 9}, {"a": 1}, {"a": 2}]

    def test_constraint(self, optimizer, data):
        grid = {"a": [1, 2, 3], "b": [1, 2, 3]}
        found = candidates(grid, data, optimizer, constraint=lambda p: p["a"] < p["b"])
        assert found == [{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 2, "b": 3}]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
class TestNoSettingTwice:
    def test_discrete_distributions(self, optimizer, data):
        space = {"a": randint(0, 4), "b": [0, 1], "tag": ["x", "y"]}
        found = candidates(space, data, optimizer, n_iter=14)
        assert len(keys(space, found)) == len(found) == 14

    @pytest.mark.parametrize(
        "space",
        [
            {"a": randint(0, 4)},
            {"a": randint(0, 2), "b": [0, 1]},
            [{"a": randint(0, 3)}, {"tag": ["x"]}],
            {"a": loguniform_int(1, 4)},
        ],
    )
    def test_an_exhausted_space_ends_the_search(self, space, optimizer, data):
        found = candidates(space, data, optimizer, n_iter=50)
        assert len(found) == len(keys(space, found)) == 4

    def test_an_exhausted_space_with_initial_settings(self, optimizer, data):
        initial = [{"a": 7}, {"a": 7}, {"a": 2}]
        found = candidates({"a": randint(0, 3)}, data, optimizer, initial_params=initial)
        assert found[:2] == [{"a": 7}, {"a": 2}]
        assert sorted(params["a"] for params in found) == [0, 1, 2, 7]

    def test_a_setting_that_the_constraint_leaves(self, optimizer, data):
        space = {"a": list(range(100)), "b": [0, 1]}
        found = candidates(space, data, optimizer, constraint=lambda p: p["a"] in (3, 5))
        assert len(keys(space, found)) == 4

    def test_constraint(self, optimizer, data):
        found = candidates(MIXED, data, optimizer, n_iter=25, constraint=lambda p: p["a"] < 0.2)
        assert len(found) == 25
        assert all(params["a"] < 0.2 for params in found)

    def test_unbounded_discrete_distributions(self, optimizer, data):
        found = candidates({"a": poisson(2)}, data, optimizer, n_iter=8)
        assert len({params["a"] for params in found}) == 8


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
class TestCount:
    @pytest.mark.parametrize("n_iter", [1, 2, 7, 20])
    def test_n_iter_counts_candidates(self, n_iter, optimizer, data):
        log = Log()
        found = candidates(MIXED, data, optimizer, n_iter=n_iter, estimator=Dial(log=log))
        assert len(found) == n_iter
        assert len(log) == 2 * n_iter

    def test_initial_settings_count(self, optimizer, data):
        initial = [{"a": 0.5, "b": 1, "tag": "x"}, {"a": 7, "b": 1, "tag": "x"}]
        found = candidates(MIXED, data, optimizer, n_iter=5, initial_params=initial)
        assert found[:2] == initial
        assert len(found) == 5

    def test_failed_ones_count(self, optimizer, data):
        with pytest.warns():
            found = candidates(
                {"tag": uniform(0, 1)}, data, optimizer, n_iter=6, scoring=fails_above_a_half
            )
        assert len(found) == 6


def fails_above_a_half(estimator, X, y):
    return 1 / (estimator.tag < 0.5)


class TestOwnParameters:
    """Adaptive searches evaluate what the estimator has first, when it lies in the space."""

    SVM = SVC(C=3.0, gamma=0.1)
    SPACE = {"C": loguniform(0.1, 100), "gamma": loguniform(1e-3, 1)}  # noqa: RUF012

    @pytest.mark.parametrize("n_iter", [1, 4])
    def test_adaptive(self, n_iter, data):
        found = candidates(self.SPACE, data, "bayes", self.SVM, n_iter=n_iter)
        assert found[0] == {"C": 3.0, "gamma": 0.1}
        assert len(found) == n_iter
        assert sources(self.SPACE, data, "bayes", self.SVM, n_iter=1) == ["default"]

    @pytest.mark.parametrize("optimizer", ["random", "sobol"])
    def test_not_adaptive(self, optimizer, data):
        found = candidates(self.SPACE, data, optimizer, self.SVM, n_iter=4)
        assert {"C": 3.0, "gamma": 0.1} not in found
        assert sources(self.SPACE, data, optimizer, self.SVM, n_iter=4) == [optimizer] * 4

    @pytest.mark.parametrize(
        ("space", "constraint"),
        [
            ({"C": loguniform(10, 100), "gamma": loguniform(1e-3, 1)}, None),
            ({"C": loguniform(0.1, 100), "kernel": ["poly", "linear"]}, None),
            ({"C": [1.0, 2.0, 4.0], "gamma": loguniform(1e-3, 1)}, None),
            (SPACE, lambda params: params["C"] < 1),
        ],
    )
    def test_not_when_outside(self, space, constraint, data):
        about = {"n_iter": 3, "constraint": constraint}
        assert "default" not in sources(space, data, "bayes", self.SVM, **about)

    def test_in_a_list_of_dicts(self, data):
        space = [
            {"kernel": ["poly"], "degree": randint(2, 5)},
            {"kernel": ["rbf"], "C": loguniform(0.1, 100)},
        ]
        found = candidates(space, data, "bayes", self.SVM, n_iter=3)
        assert found[0] == {"kernel": "rbf", "C": 3.0}

    def test_after_initial_settings_and_once(self, data):
        initial = [{"C": 1.0, "gamma": 1.0}, {"C": 3.0, "gamma": 0.1}]
        found = candidates(self.SPACE, data, "bayes", self.SVM, n_iter=4, initial_params=initial)
        assert found[:2] == initial
        assert found[2] != {"C": 3.0, "gamma": 0.1}
        initial = initial[:1]
        found = candidates(self.SPACE, data, "bayes", self.SVM, n_iter=4, initial_params=initial)
        assert found[:2] == [*initial, {"C": 3.0, "gamma": 0.1}]

    def test_steps_of_a_pipeline(self, data):
        own = DecisionTreeClassifier(max_depth=2)
        steps = Pipeline([("clf", own)])
        space = {"clf": [SVC(), own], "clf__random_state": randint(0, 9)}
        found = candidates(
            [{"clf": [LogisticRegression()]}, {"clf": [own], "clf__max_depth": randint(1, 5)}],
            data,
            "bayes",
            steps,
            n_iter=2,
        )
        assert found[0]["clf"].max_depth == 2
        assert space["clf"][1] is own


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
class TestInitialParams:
    def test_what_is_left_out_is_the_estimators_own(self, optimizer, data):
        log = Log()
        initial = [{"a": 0.7}]
        estimator = Dial(b=5, tag="y", log=log)
        found = candidates(
            MIXED, data, optimizer, n_iter=3, initial_params=initial, estimator=estimator
        )
        assert found[0] == {"a": 0.7}
        assert log[0]["a"] == 0.7
        assert log[0]["b"] == 5

    def test_a_part_is_the_same_setting_as_the_whole(self, optimizer, data):
        grid = {"a": [1, 2], "b": [0, 1]}
        found = candidates(grid, data, optimizer, initial_params=[{"a": 2}])
        assert found == [{"a": 2}, {"a": 1, "b": 0}, {"a": 1, "b": 1}, {"a": 2, "b": 1}]

    def test_equal_numbers_are_the_same_setting(self, optimizer, data):
        found = candidates({"a": [1.0, 10.0]}, data, optimizer, initial_params=[{"a": 1}])
        assert found == [{"a": 1}, {"a": 10.0}]

    def test_outside_the_space(self, optimizer, data):
        initial = [{"a": -3.0, "b": 2.0, "tag": "x"}, {"a": 0.5, "b": 1.0, "tag": "unknown"}]
        found = candidates(MIXED, data, optimizer, n_iter=6, initial_params=initial)
        assert found[:2] == initial
        assert len(found) == 6

    def test_parameters_that_are_not_searched(self, optimizer, data):
        initial = [{"log": Log(), "a": 0.5}, {"tag": "x", "log": None}]
        found = candidates({"a": uniform(0, 1)}, data, optimizer, n_iter=4, initial_params=initial)
        assert found[:2] == initial

    def test_duplicates_are_evaluated_once(self, optimizer, data):
        initial = [{"a": 0.5}, {"a": 0.5}, {"a": 0.6}, {"a": 0.5, "b": 0.0}]
        found = candidates({"a": uniform(0, 1)}, data, optimizer, n_iter=5, initial_params=initial)
        assert found[:2] == [{"a": 0.5}, {"a": 0.6}]

    def test_settings_that_share_a_coordinate(self, optimizer, data):
        class OnlyDraws:
            def rvs(self, random_state=None):
                return random_state.randint(100)

        for space, initial in [
            ({"a": OnlyDraws()}, [{"a": 1}, {"a": 2}, {"a": 3}]),
            ({"a": norm(0, 1)}, [{"a": 10.0}, {"a": 11.0}]),
        ]:
            found = candidates(space, data, optimizer, n_iter=5, initial_params=initial)
            assert found[: len(initial)] == initial

    def test_the_constraint_sees_them_whole(self, optimizer, data):
        seen = []

        def constraint(params):
            seen.append(dict(params))
            return params["a"] + params["b"] < 3

        initial = [{"a": 0.5}, {"b": 2.0, "a": 0.25}]
        space = {"a": uniform(0, 1), "b": uniform(0, 2)}
        candidates(space, data, optimizer, n_iter=3, initial_params=initial, constraint=constraint)
        assert all({"a", "b"} <= set(params) for params in seen)

    def test_tuples_hold_as_well(self, optimizer, data):
        found = candidates(
            {"a": uniform(0, 1)}, data, optimizer, n_iter=2, initial_params=({"a": 0.5},)
        )
        assert found[0] == {"a": 0.5}

    def test_sources(self, optimizer, data):
        found = sources(MIXED, data, optimizer, n_iter=3, initial_params=[{"a": 0.5}])
        assert found[0] == "initial"
        assert "initial" not in found[1:]


class Timely(Dial):
    """Takes a time that has nothing to do with its turn."""

    def fit(self, X, y=None):
        """Wait for 0, 1 or 2 ms."""
        threading.Event().wait((hash(float(self.a)) % 3) / 1000)
        return super().fit(X, y)

    def score(self, X, y=None):
        """Differ between folds."""
        return -((self.a - 0.3) ** 2) + 0.1 * self.b + 0.01 * float(X[0, 0])


SMOOTH = {"a": uniform(0, 1), "b": uniform(0, 1)}


def found_by(optimizer, data, n_jobs=1, **settings):
    made = SearchCV(
        Timely(), SMOOTH, optimizer=optimizer, n_iter=18, cv=HALVES, refit=False, **settings
    )
    with joblib.parallel_config("threading", n_jobs=n_jobs):
        made.fit(*data)
    results = made.cv_results_
    return results["params"], results["mean_test_score"].tolist()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
class TestSeeds:
    def test_same_seed_same_answer(self, optimizer, data):
        assert found_by(optimizer, data, random_state=3) == found_by(
            optimizer, data, random_state=3
        )

    def test_another_seed_another_answer(self, optimizer, data):
        first, second = (found_by(optimizer, data, random_state=seed)[0] for seed in (1, 2))
        assert first[1:] != second[1:]

    def test_random_state_instances(self, optimizer, data):
        first, second = (
            found_by(optimizer, data, random_state=np.random.RandomState(5)) for _ in range(2)
        )
        assert first == second
        shared = np.random.RandomState(5)
        first, second = (found_by(optimizer, data, random_state=shared) for _ in range(2))
        assert first != second

    @pytest.mark.parametrize("seed", [0, np.int64(0), 2**32 - 1])
    def test_any_int(self, optimizer, seed, data):
        assert len(found_by(optimizer, data, random_state=seed)[0]) == 18

    @pytest.mark.parametrize("window", [3, 5])
    def test_the_window_not_the_number_of_workers_decides(self, optimizer, window, data):
        settings = {"random_state": 0, "pre_dispatch": window}
        alone = found_by(optimizer, data, n_jobs=1, **settings)
        for n_jobs in (2, 4):
            assert found_by(optimizer, data, n_jobs=n_jobs, **settings) == alone

    def test_only_adaptive_ones_depend_on_the_window(self, optimizer, data):
        wide, narrow = (
            found_by(optimizer, data, random_state=0, pre_dispatch=window) for window in (1, 8)
        )
        assert (wide == narrow) == (optimizer in ("random", "sobol"))

    def test_names_and_values_are_the_same(self, optimizer, data):
        value = make_optimizer(optimizer)
        by_value = found_by(value, data, random_state=0, scheduler=CrossValidation())
        assert by_value == found_by(optimizer, data, random_state=0, scheduler="cv")


@pytest.mark.parametrize("optimizer", ["random", "sobol"])
def test_everything_may_be_in_flight_when_nothing_is_learned(optimizer, data):
    everything = found_by(optimizer, data, n_jobs=2, random_state=0, pre_dispatch="all")
    assert everything == found_by(optimizer, data, random_state=0)


def test_workers_work_at_the_same_time(data):
    running, most = [], []

    class Busy(Dial):
        def fit(self, X, y=None):
            running.append(1)
            most.append(len(running))
            time.sleep(0.01)
            running.pop()
            return super().fit(X, y)

    with joblib.parallel_config("threading", n_jobs=2):
        SearchCV(Busy(), {"a": range(6)}, cv=2).fit(*data)
    assert max(most) == 2


def test_bayes_is_a_preset(data):
    about = {"n_iter": 15, "cv": HALVES, "random_state": 0}
    preset = BayesSearchCV(Timely(), SMOOTH, **about).fit(*data)
    composed = SearchCV(Timely(), SMOOTH, optimizer="bayes", **about).fit(*data)
    assert preset.cv_results_["params"] == composed.cv_results_["params"]


def test_bayes_finds_what_chance_does_not(data):
    """The best of 25 is nearer the optimum, by an order of magnitude, in the median of 5."""
    gaps = {
        optimizer: np.median(
            [
                0.1 + 0.01 * np.mean([data[0][30, 0], data[0][0, 0]]) - max(scores)
                for seed in range(5)
                for _, scores in [found_by(optimizer, data, random_state=seed)]
            ]
        )
        for optimizer in ("random", "bayes")
    }
    assert 0 <= gaps["bayes"] < gaps["random"] / 10


@pytest.mark.parametrize("space", [{}, [{}]])
@pytest.mark.parametrize("cls", [SearchCV, BayesSearchCV])
def test_nothing_to_choose_is_the_estimator_itself(cls, space, data):
    made = cls(Dial(a=3), space, n_iter=4, cv=2).fit(*data)
    assert made.cv_results_["params"] == [{}]
    assert made.best_score_ == 3
