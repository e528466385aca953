"""The log-uniform integers, and scipy's quantiles without its checks."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.datasets import load_iris
from sklearn.model_selection import RandomizedSearchCV
from sklearn.neighbors import KNeighborsClassifier

from skhpo.space import SearchSpace, loguniform_int
from skhpo.space._distributions import arguments, unchecked

quick = settings(derandomize=True, database=None, deadline=None, max_examples=60)
bounds = st.tuples(st.integers(1, 10**6), st.integers(0, 10**6)).map(lambda b: (b[0], b[0] + b[1]))


@quick
@given(bounds, st.floats(0, 1))
def test_the_quantile_is_the_smallest_value_that_has_the_mass(bounds, q):
    distribution = loguniform_int(*bounds)
    k = distribution.ppf(max(q, 2**-53))
    assert bounds[0] <= k <= bounds[1]
    assert distribution.cdf(k) >= q
    assert distribution.cdf(k - 1) < max(q, 2**-53)


@quick
@given(bounds, st.integers(0, 2**32 - 1))
def test_draws_are_integers_inside_the_bounds(bounds, seed):
    draw = loguniform_int(*bounds).rvs(random_state=seed)
    assert draw == int(draw)
    assert bounds[0] <= draw <= bounds[1]


@pytest.mark.parametrize("bounds", [(1, 1), (1, 2), (3, 50), (1, 1000)])
def test_the_masses_are_those_of_a_rounded_log_uniform_number(bounds):
    distribution = loguniform_int(*bounds)
    k = np.arange(bounds[0], bounds[1] + 1)
    numbers = stats.loguniform(bounds[0] - 0.5, bounds[1] + 0.5)
    np.testing.assert_allclose(distribution.pmf(k), numbers.cdf(k + 0.5) - numbers.cdf(k - 0.5))
    np.testing.assert_allclose(distribution.pmf(k).cumsum(), distribution.cdf(k))
    np.testing.assert_allclose(distribution.pmf(k).sum(), 1)
    assert distribution.pmf(bounds[1] + 1) == 0
    assert distribution.cdf(bounds[0] - 1) == 0


def test_it_is_a_frozen_scipy_distribution():
    distribution = loguniform_int(2, np.int64(50))
    assert isinstance(distribution, type(stats.randint(0, 2)))
    assert repr(distribution) == "loguniform_int(2, 50)"
    assert tuple(distribution.support()) == (2, 50)
    assert distribution.rvs(size=3, random_state=0).shape == (3,)


def test_it_is_compared_by_its_bounds():
    assert loguniform_int(1, 9) == loguniform_int(1, 9)
    assert hash(loguniform_int(1, 9)) == hash(loguniform_int(1, 9))
    assert loguniform_int(1, 9) != loguniform_int(1, 10)
    assert loguniform_int(1, 9) != stats.randint(1, 9)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_a_copy_is_equal_and_draws_the_same(duplicate):
    distribution = loguniform_int(1, 100)
    assert duplicate(distribution) == distribution
    assert duplicate(distribution).rvs(random_state=1) == distribution.rvs(random_state=1)


@pytest.mark.parametrize("bounds", [(0, 5), (5, 4), (1.0, 5), (True, 5), (1, "5"), (1, np.inf)])
def test_bounds_must_be_integers_from_1_on(bounds):
    with pytest.raises(ValueError, match="needs integers with 1 <= low <= high, got low="):
        loguniform_int(*bounds)


def test_randomized_search_takes_it():
    search = RandomizedSearchCV(
        KNeighborsClassifier(),
        {"n_neighbors": loguniform_int(1, 30)},
        n_iter=3,
        cv=2,
        random_state=0,
    )
    assert search.fit(*load_iris(return_X_y=True)).best_params_["n_neighbors"] in range(1, 31)


def test_arguments_have_names():
    expected = {"a": 1, "b": 10, "loc": 0, "scale": 1}
    assert arguments(stats.loguniform(1, 10)) == expected
    assert arguments(stats.loguniform(1, b=10)) == expected
    assert arguments(stats.norm(3, 4)) == {"loc": 3, "scale": 4}
    assert arguments(stats.expon(scale=2)) == {"loc": 0, "scale": 2}


@pytest.mark.parametrize(
    "frozen",
    [
        stats.uniform(2, 3),
        stats.loguniform(1e-3, 1e3),
        stats.loguniform(1, 10, loc=2, scale=3),
        stats.norm(1, 2),
        stats.beta(2, 3, loc=-1, scale=5),
        stats.t(3),
        stats.truncnorm(-1, 2),
    ],
    ids=lambda frozen: frozen.dist.name,
)
def test_the_fast_twin_has_the_same_quantiles(frozen):
    twin = unchecked(frozen)
    assert twin is not frozen
    for u in np.random.default_rng(0).random(20):
        assert twin.ppf(u) == frozen.ppf(u)
        assert twin.cdf(twin.ppf(u)) == frozen.cdf(frozen.ppf(u))


class Doubled(stats.rv_continuous):
    """Changes what scipy's check calls, so that the short cut is wrong."""

    def _cdf(self, x):
        return np.clip(x, 0, 1)

    def ppf(self, q, *args, **kwds):
        return 2 * np.asarray(q)

    def cdf(self, x, *args, **kwds):
        return np.asarray(x) / 2


def test_a_family_with_quantiles_of_its_own_has_no_twin():
    frozen = Doubled(a=0, b=2, name="doubled")()
    assert unchecked(frozen) is frozen
    space = SearchSpace({"a": frozen})
    assert space.from_unit([0.75]) == {"a": 1.5}
    assert space.to_unit({"a": 1.5}) == [0.75]
