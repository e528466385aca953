"""The rule of one standard error: what it chooses, and that it is a value."""

import copy
import math
import pickle
from dataclasses import FrozenInstanceError
from typing import ClassVar

import numpy as np
import pytest
from _estimators import Dial, Log
from scipy.stats import randint
from sklearn.base import clone
from sklearn.datasets import load_wine
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from skhpo import BayesSearchCV, HalvingRandomSearchCV, SearchCV
from skhpo.statistics import BestPosteriorMean, OneStandardError

# The standard error of the best, row 2, is 0.1 / sqrt(4) * sqrt(4 / 3) = 0.0577.
BEST = [0.8, 1.0, 0.8, 1.0]


def results_of(*candidates, name="score"):
    """cv_results_ of candidates (params, scores or an offset to BEST, fit time)."""
    params, scores, times = zip(*candidates, strict=True)
    scores = np.array([np.add(BEST, s) if np.isscalar(s) else s for s in scores])
    results = {f"split{k}_test_{name}": column for k, column in enumerate(scores.T)}
    return {
        **results,
        f"mean_test_{name}": scores.mean(axis=1),
        "mean_fit_time": np.array(times),
        "params": list(params),
    }


DEPTHS = results_of(
    ({"depth": 2}, -0.06, 5),  # just too bad
    ({"depth": 4}, -0.05, 4),
    ({"depth": 5}, 0.0, 3),
    ({"depth": None}, -0.01, 1),
    ({"depth": 3}, [math.nan, 2, 2, 2], 0),  # failed on a fold
    ({"depth": 1}, [math.nan] * 4, 0),
)


@pytest.mark.parametrize(
    ("rule", "row"),
    [
        (OneStandardError({"depth": "ascending"}), 1),
        (OneStandardError({"depth": "descending"}), 2),
        (OneStandardError({"depth": [None, 5, 4]}), 3),
        (OneStandardError({"depth": [5.0]}), 2),
        (OneStandardError({"depth": "ascending"}, n_errors=0), 2),
        (OneStandardError({"depth": "ascending"}, n_errors=1.1), 0),
        (OneStandardError(), 3),
        (OneStandardError("fit_time", n_errors=0.1), 2),
    ],
)
def test_the_simplest_within_the_error_is_chosen(rule, row):
    chosen = rule(DEPTHS)
    assert chosen == row
    assert type(chosen) is int


def test_the_first_parameter_decides_before_the_second():
    results = results_of(
        ({"kernel": "rbf", "C": 1}, 0, 1),
        ({"kernel": "linear", "C": 100}, 0, 1),
        ({"kernel": "linear", "C": 10}, 0, 1),
    )
    kernel, C = ("kernel", ["linear", "rbf"]), ("C", "ascending")
    assert OneStandardError(dict([kernel, C]))(results) == 2
    assert OneStandardError(dict([C, kernel]))(results) == 0


def test_what_is_equally_simple_is_decided_by_the_score_then_by_the_row():
    results = results_of(
        ({"a": 1}, -0.02, 1), ({"a": 1}, -0.01, 1), ({"a": 1}, -0.01, 1), ({"a": 2}, 0, 1)
    )
    assert OneStandardError({"a": "ascending"})(results) == 1


def test_a_parameter_that_a_candidate_does_not_have_is_complex():
    results = results_of(({"kernel": "rbf"}, 0, 1), ({"degree": 3}, -0.01, 1))
    assert OneStandardError({"degree": "ascending"})(results) == 1


@pytest.mark.parametrize("value", [math.nan, None])
def test_no_number_is_complex(value):
    results = results_of(({"a": value}, 0, 1), ({"a": np.int64(3)}, -0.01, 1))
    assert OneStandardError({"a": "ascending"})(results) == 1
    assert OneStandardError({"a": "descending"})(results) == 1


def test_one_fold_has_no_error():
    results = {
        "split0_test_score": [0.5, 0.6, 0.6],
        "mean_test_score": [0.5, 0.6, 0.6],
        "params": [{"a": 0}, {"a": 2}, {"a": 1}],
    }
    assert OneStandardError({"a": "ascending"})(results) == 2


def test_an_unknown_fit_time_is_slow():
    assert OneStandardError()(results_of(({}, 0, math.nan), ({}, -0.01, 9))) == 1


def test_several_scores_need_a_name():
    results = {**results_of(({"a": 1}, 0, 1), ({"a": 0}, -1, 1), name="good"), **DEPTHS}
    results["params"] = [{"a": 1}, {"a": 0}]
    assert OneStandardError({"a": "ascending"}, scoring="good")(results) == 0
    with pytest.raises(ValueError, match="scoring must be one of"):
        OneStandardError({"a": "ascending"})(results)


RULES = [
    BestPosteriorMean(),
    BestPosteriorMean(scoring="accuracy"),
    OneStandardError(),
    OneStandardError({"n_neighbors": "descending"}),
    OneStandardError(
        (("kernel", ["linear", "rbf"]), ("C", "ascending")), scoring="accuracy", n_errors=2
    ),
]


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_a_value(rule):
    for twin in (
        pickle.loads(pickle.dumps(rule)),
        copy.deepcopy(rule),
        clone(rule, safe=False),
        eval(repr(rule)),
    ):
        assert twin == rule
        assert hash(twin) == hash(rule)
    with pytest.raises(FrozenInstanceError):
        rule.scoring = "f1"


def test_a_rule_does_not_follow_the_dict_it_was_made_from():
    order = {"a": [1, 2]}
    rule = OneStandardError(order)
    order["a"].append(3)
    order["b"] = "ascending"
    assert rule == OneStandardError({"a": [1, 2]})


GRID = {"n_neighbors": list(range(1, 16))}


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(KNeighborsClassifier(), GRID, refit=RULES[3]),
        SearchCV(KNeighborsClassifier(), GRID, n_iter=15, refit=RULES[3], random_state=0),
    ],
    ids=lambda search: type(search).__name__,
)
def test_any_search_takes_a_rule(search):
    search = clone(search).fit(*load_wine(return_X_y=True))
    assert search.best_index_ == RULES[3](search.cv_results_)
    assert search.best_params_ == {"n_neighbors": 15}
    assert search.best_estimator_.n_neighbors == 15


def test_the_largest_resource_of_a_halving():
    # scikit-learn's halving does not ask a rule, but its results can be judged by one.
    grid = {"n_neighbors": list(range(1, 13))}
    options = {"cv": 3, "min_resources": 45, "factor": 2, "random_state": 0}
    search = HalvingGridSearchCV(KNeighborsClassifier(), grid, **options)
    results = search.fit(*load_wine(return_X_y=True)).cv_results_
    chosen = OneStandardError({"n_neighbors": "ascending"}, n_errors=100)(results)
    last = [params for params, i in zip(results["params"], results["iter"], strict=True) if i]
    assert results["iter"].max() == results["iter"][chosen] == 1
    assert results["params"][chosen] == min(last, key=lambda params: params["n_neighbors"])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore:One or more of the test scores")
def test_a_failed_candidate_is_never_refitted():
    grid = {"max_depth": [-1, 3, 4, 5]}
    rule = OneStandardError({"max_depth": "ascending"}, n_errors=100)
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid, refit=rule)
    assert search.fit(*load_wine(return_X_y=True)).best_params_ == {"max_depth": 3}


@pytest.mark.parametrize(
    "order", [None, {}, "time", 3, {"a": "up"}, {"a": 3}, {"a": {"b": 1}}, ["a"], {"a": None}]
)
def test_an_order_that_is_none(order):
    with pytest.raises(ValueError, match="order must be"):
        OneStandardError(order)


@pytest.mark.parametrize("n_errors", [-1, None, "1", math.nan])
def test_a_number_of_errors_that_is_none(n_errors):
    with pytest.raises(ValueError, match="n_errors must be a number of at least 0"):
        OneStandardError(n_errors=n_errors)


def test_a_name_that_no_candidate_has():
    with pytest.raises(ValueError, match=r"name parameters .*\['depth'\]; got \['svc__C'\]"):
        OneStandardError({"svc__C": "ascending"})(DEPTHS)


def test_only_numbers_ascend():
    results = results_of(({"kernel": "rbf"}, 0, 1))
    with pytest.raises(ValueError, match="Only numbers are ascending; got kernel='rbf'"):
        OneStandardError({"kernel": "ascending"})(results)


def test_the_row_of_the_best_posterior_mean():
    results = {**DEPTHS, "posterior_mean": np.array([0.1, 0.2, math.nan, 0.4, 0.9, math.nan])}
    assert BestPosteriorMean()(results) == 3


def test_the_column_is_there_for_the_rule_only():
    data = load_wine(return_X_y=True)
    options = {"n_iter": 8, "random_state": 0}
    plain = BayesSearchCV(KNeighborsClassifier(), {"n_neighbors": randint(1, 40)}, **options)
    ruled = clone(plain).set_params(refit=BestPosteriorMean()).fit(*data)
    plain.fit(*data)
    assert "posterior_mean" not in plain.cv_results_
    assert (
        ruled.best_index_ == BestPosteriorMean()(ruled.cv_results_) == plain.best_posterior_index_
    )
    assert ruled.best_params_ == ruled.cv_results_["params"][ruled.best_index_]


def test_the_best_posterior_mean_of_a_halving_is_in_the_last_rung():
    search = HalvingRandomSearchCV(
        KNeighborsClassifier(),
        {"n_neighbors": randint(1, 10)},
        refit=BestPosteriorMean(),
        random_state=0,
        cv=3,
    ).fit(*load_wine(return_X_y=True))
    resources = search.cv_results_["n_resources"]
    assert resources[search.best_index_] == resources.max()


def test_a_search_that_has_no_posterior_mean():
    grid = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 2]}, refit=BestPosteriorMean())
    with pytest.raises(ValueError, match="Use one of these searches"):
        grid.fit(*load_wine(return_X_y=True))


def test_the_best_posterior_index_before_the_fit():
    with pytest.raises(AttributeError, match="not fitted"):
        BayesSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 2]}).best_posterior_index_  # noqa: B018


class TestTheScoreOfARule:
    BOTH: ClassVar = {"scoring": ["accuracy", "neg_log_loss"]}

    @staticmethod
    def search(refit, **settings):
        space = {"n_neighbors": [1, 5, 15]}
        return SearchCV(KNeighborsClassifier(), space, cv=3, refit=refit, **settings)

    @pytest.mark.parametrize("rule", [OneStandardError, BestPosteriorMean])
    def test_guides_the_search(self, rule):
        made = self.search(rule(scoring="neg_log_loss"), **self.BOTH).fit(
            *load_wine(return_X_y=True)
        )
        assert made.history_.metric == "neg_log_loss"
        if rule is BestPosteriorMean:
            found, known = (
                made.cv_results_[name] for name in ("posterior_mean", "mean_test_neg_log_loss")
            )
            assert np.corrcoef(found, known)[0, 1] > 0.9

    @pytest.mark.parametrize(
        ("rule", "settings"),
        [
            (BestPosteriorMean(), BOTH),
            (OneStandardError(scoring="f1"), BOTH),
            (OneStandardError(scoring="accuracy"), {"scoring": "accuracy"}),
        ],
    )
    def test_is_one_of_the_search(self, rule, settings):
        log = Log()
        made = SearchCV(Dial(log=log), {"a": [1, 2]}, refit=rule, **settings)
        with pytest.raises(ValueError, match="scoring of the rule in refit must be one of"):
            made.fit(*load_wine(return_X_y=True))
        assert not log


class Weights:
    """An object that can only draw: a model has nothing to go by."""

    def rvs(self, random_state=None):
        return ["uniform", "distance"][random_state.randint(2)]


def test_objects_that_only_draw_have_no_posterior():
    X, y = load_wine(return_X_y=True)
    search = BayesSearchCV(
        KNeighborsClassifier(),
        {"weights": Weights()},
        n_iter=2,
        cv=2,
        refit=BestPosteriorMean(),
        random_state=0,
    ).fit(X, y)
    scores = search.cv_results_["mean_test_score"]
    np.testing.assert_array_equal(search.cv_results_["posterior_mean"], scores)
    assert search.best_posterior_index_ == search.best_index_ == np.argmax(scores)
