"""Errors name the parameter, what must hold, what was got and what to do."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from skhpo.space import SearchSpace


class Draws:
    def rvs(self, random_state=None):
        return 1


@pytest.mark.parametrize(
    ("distributions", "error", "match"),
    [
        (None, TypeError, "must be a dict or a list of dicts, got None of type NoneType"),
        (3, TypeError, "must be a dict or a list of dicts, got 3"),
        ("C", TypeError, "must be a dict or a list of dicts, got 'C'"),
        ({"a", "b"}, TypeError, "of type set"),
        ([], ValueError, r"at least one dict, got \[\]"),
        ([{"a": [1]}, ["a"]], TypeError, r"a list that holds \['a'\] of type list"),
        ({1: [1]}, TypeError, "must be names of parameters, got 1 of type int"),
        ([{"a": [1]}, {None: [1]}], TypeError, "got None of type NoneType"),
        ({"a": 1}, TypeError, "'a' must have a list of values .* got 1 of type int; put a single"),
        ({"a": "rbf"}, TypeError, "'a' must have a list of values .* got 'rbf' of type str"),
        ({"a": b"rbf"}, TypeError, "'a' must have a list"),
        ({"a": None}, TypeError, "'a' must have a list"),
        ({"a": {"b": 1}}, TypeError, "'a' must have a list .* of type dict"),
        ({"a": {1, 2}}, TypeError, "'a' must have a list .* of type set"),
        ({"a": (x for x in [1, 2])}, TypeError, "'a' must have a list .* of type generator"),
        ({"a": object()}, TypeError, "'a' must have a list of values or a distribution with `rvs`"),
        ({"a": Draws}, TypeError, "'a' must have a list .* of type type"),
        ({"a": SVC()}, TypeError, "'a' must have a list .* of type SVC"),
        ({"a": RandomForestClassifier()}, TypeError, "of type RandomForestClassifier"),
        ({"a": make_pipeline(SVC())}, TypeError, "of type Pipeline"),
        ({"a": []}, ValueError, r"'a' must have at least one value, got \[\]"),
        ({"a": np.array([])}, ValueError, "'a' must have at least one value"),
        ({"a": np.array(3)}, ValueError, r"'a' must have a one-dimensional array .* shape \(\)"),
        ({"a": np.eye(2)}, ValueError, r"'a' must have a one-dimensional array .* shape \(2, 2\)"),
        ({"a": pd.DataFrame({"x": [1]})}, ValueError, "'a' must have a one-dimensional"),
        ({"a": stats.loguniform(0, 1)}, ValueError, "'a' .* valid arguments, .*loguniform"),
        ({"a": stats.uniform(0, -1)}, ValueError, "'a' .* valid arguments"),
        ({"a": stats.randint(5, 5)}, ValueError, "'a' .* valid arguments"),
        ({"a": stats.norm([0, 1])}, ValueError, r"'a' .* one number, got one of shape \(2,\)"),
        ({"a": (1e-3, 10, "log-uniform")}, ValueError, r"pass scipy.stats.loguniform\(0.001, 10\)"),
        ({"a": (2, 5, "uniform")}, ValueError, r"pass scipy.stats.uniform\(2, 5 - 2\)"),
        ({"a": stats.loguniform}, ValueError, "'a' .* with its arguments, .*loguniform"),
    ],
)
def test_what_the_distributions_must_be(distributions, error, match):
    with pytest.raises(error, match=match):
        SearchSpace(distributions)


def test_the_constraint_must_be_a_function():
    with pytest.raises(TypeError, match="`constraint` must be None or a function"):
        SearchSpace({"a": [1]}, constraint=True)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 3],
        (1, 2, 3),
        range(1, 4),
        np.array([1, 2, 3]),
        pd.Series([1, 2, 3], index=[7, 8, 9]),
        pd.Index([1, 2, 3]),
    ],
    ids=lambda values: type(values).__name__,
)
def test_every_kind_of_list_will_do(values):
    space = SearchSpace({"a": values})
    assert [params["a"] for params in space.grid()] == [1, 2, 3]


def test_the_arguments_are_left_alone():
    values = [3, 1, 2, 1]
    distributions = [{"b": values, "a": np.array([2.0, 1.0])}, {}]
    SearchSpace(distributions)
    assert values == [3, 1, 2, 1]
    assert list(distributions[0]) == ["b", "a"]
    np.testing.assert_array_equal(distributions[0]["a"], [2.0, 1.0])


def test_two_numbers_in_a_tuple_may_have_been_meant_as_a_range():
    with pytest.warns(UserWarning, match="'a' has two values, 1 and 9, .*no other.* write a list"):
        space = SearchSpace({"a": (1, 9)})
    assert space.size == 2
    for values in ([1, 9], (1, 5, 9), (1, 9, (2,)), ("x", "y"), (True, False), (None, 3)):
        assert SearchSpace({"a": values}).size == len(values)


@pytest.mark.skipif(not hasattr(stats, "Normal"), reason="scipy has no such distributions yet")
def test_distributions_of_the_newer_kind():
    with pytest.raises(TypeError, match=r"older kind, such as scipy.stats.norm\(0, 1\)"):
        SearchSpace({"a": stats.Normal()})
