"""The table of what was chosen on each fold."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import loguniform, randint, uniform
from sklearn.linear_model import LogisticRegression, Ridge

from skhpo.space import SearchSpace
from skhpo.statistics import parameter_stability


def rows_of(table):
    return {row["param"]: row for row in pd.DataFrame(table).to_dict("records")}


def test_the_table():
    best = [
        {"C": 1.0, "kernel": "rbf", "depth": None},
        {"C": 10.0, "kernel": "rbf", "depth": 5},
        {"C": 0.1, "kernel": "linear", "depth": 5},
    ]
    space = SearchSpace(
        {"C": loguniform(1e-2, 1e2), "kernel": ["linear", "rbf"], "depth": [None, 3, 4, 5]}
    )
    rows = rows_of(parameter_stability(best, space=space))
    assert list(rows) == ["C", "kernel", "depth"]
    assert rows["C"]["share"] == pytest.approx(1 / 3)
    assert (rows["C"]["low"], rows["C"]["high"]) == (0.1, 10)
    assert rows["C"]["spread"] == pytest.approx(0.5)
    assert (rows["kernel"]["mode"], rows["kernel"]["share"]) == ("rbf", pytest.approx(2 / 3))
    assert np.isnan([rows["kernel"][c] for c in ("low", "high", "spread")]).all()
    assert (rows["depth"]["mode"], rows["depth"]["low"], rows["depth"]["high"]) == (5, 5, 5)
    assert rows["depth"]["spread"] == pytest.approx(0.75)


def test_folds_that_agree():
    space = SearchSpace({"a": uniform(), "n": randint(1, 9)})
    rows = rows_of(parameter_stability([{"a": 0.5, "n": 3}] * 4, space=space))
    assert {(row["share"], row["spread"], row["n_folds"]) for row in rows.values()} == {(1, 0, 4)}


def test_a_parameter_that_only_some_folds_have():
    space = SearchSpace([{"kernel": ["linear"]}, {"kernel": ["rbf"], "gamma": loguniform(0.1, 10)}])
    best = [
        {"kernel": "linear"},
        {"kernel": "rbf", "gamma": 1.0},
        {"kernel": "rbf", "gamma": 10**0.5},
    ]
    rows = rows_of(parameter_stability(best, space=space))
    assert (rows["gamma"]["n_folds"], rows["kernel"]["n_folds"]) == (2, 3)
    assert rows["gamma"]["share"] == 0.5
    assert rows["gamma"]["spread"] == pytest.approx(0.25)


def test_scales_that_cannot_be_compared():
    space = SearchSpace([{"a": uniform(0, 1)}, {"a": uniform(1, 100)}])
    rows = rows_of(parameter_stability([{"a": 0.5}, {"a": 50.0}], space=space))
    assert np.isnan(rows["a"]["spread"])
    rows = rows_of(parameter_stability([{"a": 0.5}, {"a": 0.25}], space=space))
    assert rows["a"]["spread"] == pytest.approx(0.25)


def test_a_setting_outside_the_space_has_no_place_on_its_scale():
    space = SearchSpace({"a": uniform()})
    rows = rows_of(parameter_stability([{"a": 0.5}, {"a": 7.0}, {"a": 0.75}], space=space))
    assert rows["a"]["spread"] == pytest.approx(0.25)
    assert rows["a"]["high"] == 7
    assert np.isnan(parameter_stability([{"a": 7.0}], space=space)["spread"]).all()


def test_no_space_no_scale():
    table = parameter_stability([{"a": 1, "b": True}, {"a": 2, "b": True}])
    assert np.isnan(table["spread"]).all()
    assert table["low"][0] == 1
    assert np.isnan(table["low"][1])  # a flag is no number


def test_values_of_any_type():
    best = [{"model": Ridge(alpha=2), "w": np.ones(2)}, {"model": Ridge(alpha=2), "w": np.ones(2)}]
    best.append({"model": LogisticRegression(), "w": np.zeros(2)})
    assert parameter_stability(best)["share"] == [2 / 3, 2 / 3]


def test_the_first_of_several_modes():
    assert parameter_stability([{"a": 2}, {"a": 1}])["mode"] == [2]


def test_nothing_was_tuned():
    assert parameter_stability([]) == parameter_stability([{}, {}])
    assert parameter_stability([{}])["param"] == []
    assert parameter_stability([{}], space=SearchSpace({"a": uniform()}))["param"] == []
