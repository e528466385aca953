"""Laws of the Sobol sequence."""

import numpy as np
import pytest
from scipy.stats import qmc, uniform

from skhpo.optimizers import Sobol
from skhpo.space import SearchSpace


def points_of(space, n, seed=0):
    running = Sobol().start(space, seed=seed, n_iter=n)
    return np.array([running.ask((), index=k, rng=None).point for k in range(n)])


@pytest.mark.parametrize("n_dims", [1, 3, 20])
def test_every_interval_is_hit_once(n_dims):
    """Each coordinate of the first 2^m points has one of them in each interval of 2^-m."""
    space = SearchSpace({f"x{j:02}": uniform(0, 1) for j in range(n_dims)})
    cells = np.sort((64 * points_of(space, 64)).astype(int), axis=0)
    np.testing.assert_array_equal(cells, np.arange(64)[:, None].repeat(n_dims, axis=1))


def test_fills_more_evenly_than_chance():
    space = SearchSpace({f"x{j}": uniform(0, 1) for j in range(4)})
    chance = np.random.default_rng(0).random((32, 4))
    assert qmc.discrepancy(points_of(space, 32)) < 0.5 * qmc.discrepancy(chance)


def test_any_order_of_reading():
    space = SearchSpace({"x": uniform(0, 1), "a": list("abc")})
    running = Sobol().start(space, seed=5, n_iter=40)
    late = running.ask((), index=37, rng=None).point
    np.testing.assert_array_equal(late, points_of(space, 40, seed=5)[37])


def test_dicts_take_turns():
    space = SearchSpace([{"a": ["x"], "b": list("uv")}, {"a": ["y"]}, {"a": ["z"]}])
    branches = space.branch(points_of(space, 12)).reshape(4, 3)
    assert all(sorted(row) == [0, 1, 2] for row in branches)


def test_seeds_differ():
    space = SearchSpace({"x": uniform(0, 1)})
    assert not np.allclose(points_of(space, 8), points_of(space, 8, seed=1))


@pytest.mark.parametrize("n_dicts", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("shared", [True, False])
def test_each_dict_has_the_whole_range_of_its_parameters(n_dicts, shared):
    """Of one sequence the parity of the index is a bit of the second coordinate."""
    dicts = [
        {"kind": [k], ("x" if shared else f"x{k}"): uniform(0, 1), f"y{k}": uniform(0, 1)}
        for k in range(n_dicts)
    ]
    space = SearchSpace(dicts)
    points = points_of(space, 32 * n_dicts)
    for k in range(n_dicts):
        own = points[space.branch(points) == k][:, space.active[k]][:, 1:]
        cells = np.sort((32 * own).astype(int), axis=0)
        np.testing.assert_array_equal(cells, np.arange(32)[:, None].repeat(2, axis=1))
