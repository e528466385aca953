"""HyperbandSearchCV: brackets in the results, budgets, optimisers, errors."""

import numpy as np
import pytest
from _estimators import Dial
from scipy.stats import loguniform, randint, uniform
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from skhpo import HyperbandSearchCV, SearchCV
from skhpo.schedulers import Hyperband, SuccessiveHalving
from skhpo.stopping import MaxResources, NoImprovement

X, y = make_classification(240, 5, random_state=0)
pytestmark = pytest.mark.filterwarnings("ignore:Each rung fits its models from zero")


def search(**settings):
    settings = {"resource": "b", "max_resources": 27, "min_resources": 1, "cv": 2, **settings}
    return HyperbandSearchCV(Dial(), {"a": uniform(0, 1)}, random_state=0, **settings)


def test_brackets_in_the_results():
    made = search(return_train_score=False).fit(X, y)
    table = made.cv_results_
    assert made.brackets_ == [(27, 1), (12, 3), (6, 9), (4, 27)]
    counts = [int((table["bracket"] == k).sum()) for k in range(4)]
    assert counts == [27 + 9 + 3 + 1, 12 + 4 + 1, 6 + 2, 4]
    assert made.n_resources_used_ == (table["n_resources"]).sum() == 423
    assert table["rank_test_score"][made.best_index_] == 1
    assert table["n_resources"][made.best_index_] == 27 == made.best_params_["b"]
    assert made.best_estimator_.b == 27


@pytest.mark.parametrize("optimizer", ["bayes", "de", "tpe"])
def test_a_model_proposes(optimizer):
    made = search(optimizer=optimizer, max_resources=9).fit(X, y)
    assert optimizer[:2] in "".join(made.history_.to_dict()["source"]) or optimizer == "bayes"
    assert made.best_score_ > 9.9


class Misleading(Dial):
    """Its score is -a until b has come to 81, then a."""

    def score(self, X, y):
        return self.a if self.b == 81 else -self.a


@pytest.mark.parametrize("promotion", ["synchronous", "asynchronous"])
@pytest.mark.parametrize("window", [1, 6])
@pytest.mark.parametrize(
    "space", [{"a": [0, 1, 2, 3, 4]}, {"a": randint(0, 5)}], ids=["grid", "drawn"]
)
def test_a_small_space_has_whole_fits_in_later_brackets(space, window, promotion):
    """With little of the resource the worst looks best: only the last bracket sees through it."""
    made = HyperbandSearchCV(
        Misleading(),
        space,
        resource="b",
        min_resources=1,
        max_resources=81,
        promotion=promotion,
        n_sweeps=2,
        cv=2,
        random_state=0,
        pre_dispatch=window,
    ).fit(X, y)
    assert made.best_params_ == {"a": 4, "b": 81}
    assert len(made.history_.candidates) == 5
    keys = [evaluation.task.key for evaluation in made.history_.evaluations]
    assert len(set(keys)) == len(keys)
    results = made.cv_results_
    assert set(results["bracket"]) == {0, 1, 2, 3, 4}
    whole = results["n_resources"] == 81
    assert sorted(params["a"] for params in np.array(results["params"])[whole]) == [0, 1, 2, 3, 4]


def test_few_settings_have_their_bracket_too():
    made = HyperbandSearchCV(
        Dial(), {"a": list(range(8))}, resource="b", max_resources=27, cv=2, random_state=0
    ).fit(X, y)
    assert made.best_params_ == {"a": 7, "b": 27}
    # With the amount of the second bracket all were known: the probe had it.
    assert set(made.cv_results_["bracket"]) == {-1, 0, 2, 3}


def test_a_budget():
    made = search(stopping=MaxResources(100) | NoImprovement(99), n_sweeps=5).fit(X, y)
    assert 100 <= made.n_resources_used_ <= 127


@pytest.mark.parametrize("promotion", ["synchronous", "asynchronous"])
def test_workers_change_nothing(promotion):
    made = search(promotion=promotion, max_resources=9, pre_dispatch=3)
    one, two = (clone(made).set_params(n_jobs=n).fit(X, y) for n in (1, 2))
    assert one.cv_results_["params"] == two.cv_results_["params"]


def test_samples():
    made = HyperbandSearchCV(
        LogisticRegression(), {"C": loguniform(1e-3, 1e3)}, cv=2, random_state=0
    ).fit(X, y)
    assert made.min_resources_ in (8, 24, 72)
    assert made.max_resources_ == 240


@pytest.mark.parametrize("scheduler", [SuccessiveHalving(), Hyperband(), "halving", "hyperband"])
def test_any_search_may_have_rungs(scheduler):
    made = SearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2, 3, 4, 5, 6]},
        scheduler=scheduler,
        n_iter=6,
        cv=2,
        random_state=0,
    ).fit(X, y)
    assert len(made.history_.candidates) == 6
    assert set(made.cv_results_) >= {"iter", "bracket", "n_resources"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"resource": "n_estimators"}, "resource must name parameters"),
        ({"resource": "a"}, "resource must not be searched"),
        ({"max_resources": "auto"}, "max_resources must be an int"),
        ({"min_resources": 28}, "max_resources=27 and min_resources=28"),
        ({"min_resources": "exhaust"}, "min_resources"),
        ({"min_resources": 0}, "min_resources"),
        ({"max_resources": 2.5}, "max_resources"),
        ({"resource": "n_samples", "max_resources": 241}, "at most the number of samples, 240"),
        ({"resource": "n_samples", "max_resources": 9, "min_resources": 10}, "at least min_res"),
        ({"initial_params": [{"b": 1}]}, "resource must not be searched"),
        ({"factor": 1}, "factor"),
        ({"promotion": "at once"}, "promotion"),
    ],
)
def test_errors_before_any_fit(settings, message):
    made = search(**settings)
    with pytest.raises(ValueError, match=message):
        made.fit(X, y)
    assert not hasattr(made, "history_")


def test_journal(tmp_path):
    made = search(journal=tmp_path / "a.db", max_resources=9)
    stopped = clone(made).set_params(stopping=MaxResources(30)).fit(X, y)
    whole, again = clone(made).fit(X, y), search(max_resources=9).fit(X, y)
    assert stopped.n_resources_used_ < whole.n_resources_used_ == again.n_resources_used_
    np.testing.assert_array_equal(
        whole.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"]
    )


def test_a_line_a_rung(capsys):
    made = HyperbandSearchCV(
        Dial(), {"a": uniform(0, 1)}, resource="b", min_resources=1, max_resources=9, verbose=1
    ).fit(*make_classification(20, random_state=0))
    expected = [
        f"bracket: {bracket}, iter: {k}, n_candidates: {n}, n_resources: {amount}"
        for bracket, k, n, amount in (
            *((0, 0, 9, 1), (0, 1, 3, 3), (0, 2, 1, 9)),
            *((1, 0, 5, 3), (1, 1, 1, 9), (2, 0, 3, 9)),
        )
    ]
    assert sorted(capsys.readouterr().out.splitlines()) == expected
    assert [rung["n_candidates"] for rung in made.history_.begun] == [9, 3, 1, 5, 1, 3]
