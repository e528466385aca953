"""Laws of the inputs that a Gaussian process sees."""

import numpy as np
import pytest
from scipy.stats import uniform

from skhpo.space import SearchSpace
from skhpo.surrogates._encoding import MIDDLE, Encoding
from skhpo.surrogates._gaussian_process import squared_distances


def encode(space, *settings):
    """Inputs of the settings, and the squared distances by group."""
    points = space.snap(np.array([space.to_unit(params) for params in settings]))
    encoding = Encoding(space)
    X = encoding(points)
    return X, squared_distances(X, encoding.groups)


def test_a_number_is_its_quantile():
    space = SearchSpace({"a": uniform(0, 10)})
    X, _ = encode(space, {"a": 2.0}, {"a": 7.5})
    np.testing.assert_allclose(X, [[0.2], [0.75]])


def test_choices_differ_by_one_whatever_the_levels():
    space = SearchSpace({"a": list("xyz")})
    _, D = encode(space, {"a": "x"}, {"a": "y"}, {"a": "z"}, {"a": "x"})
    np.testing.assert_allclose(
        D[0], [[0, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1], [0, 1, 1, 0]], atol=1e-12
    )


def test_none_is_a_number_and_a_mismatch():
    space = SearchSpace({"a": [None, 1, 2, 3]})
    _, D = encode(space, {"a": None}, {"a": 1}, {"a": 3})
    assert D.shape[0] == 2
    assert D[1, 0, 1] == D[1, 0, 2] == 1
    assert D[1, 1, 2] == 0 < D[0, 1, 2]


def test_settings_do_not_differ_by_what_they_do_not_use():
    space = SearchSpace([{"k": ["a"], "x": uniform(0, 1)}, {"k": ["b"], "c": ["u", "v"]}])
    point = space.to_unit({"k": "b", "c": "u"})
    filled = np.where(np.isnan(point), 0.9, point)
    encoding = Encoding(space)
    first, second = encoding(space.snap(np.array([point, filled])))
    np.testing.assert_array_equal(first, second)


def test_inactive_is_a_level_of_its_own():
    space = SearchSpace([{"a": ["p"], "x": uniform(0, 1)}, {"a": ["q"], "c": ["u", "v"]}])
    _, D = encode(space, {"a": "p", "x": 0.5}, {"a": "q", "c": "u"}, {"a": "q", "c": "v"})
    branch, choice = D[1], D[2]
    np.testing.assert_allclose(branch, [[0, 1, 1], [1, 0, 0], [1, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(choice, [[0, 1, 1], [1, 0, 1], [1, 1, 0]], atol=1e-12)


class OnlyDraws:
    def rvs(self, random_state=None):
        return random_state.random()


@pytest.mark.parametrize("extra", [{}, {"b": uniform(0, 1)}])
def test_seeds_have_no_column(extra):
    encoding = Encoding(SearchSpace({"a": OnlyDraws(), **extra}))
    assert len(encoding.groups) == len(extra)


def test_only_what_is_inactive_lies_exactly_in_the_middle():
    space = SearchSpace([{"x": [1, 2, 3]}, {"c": ["u", "v"]}])
    X, _ = encode(space, {"x": 2}, {"c": "u"})
    used, unused = X[:, 0]
    assert used != MIDDLE == unused
    assert used == pytest.approx(MIDDLE)


def test_what_may_move():
    space = SearchSpace([{"x": uniform(0, 1), "d": [None, 1, 2]}, {"c": ["u", "v"]}])
    points = [{"x": 0.1, "d": None}, {"x": 0.1, "d": 2}, {"c": "u"}]
    points = space.snap(np.array([space.to_unit(params) for params in points]))
    moves = Encoding(space).moves(points)
    names = [space.dims[j].name for j in Encoding(space).numeric]
    assert moves[:, names.index("x")].tolist() == [True, True, False]
    assert moves[:, names.index("d")].tolist() == [False, True, False]
