"""Laws of candidates and mutations."""

import numpy as np
import pytest
from scipy.stats import expon, loguniform, norm, uniform

from skhpo.optimizers._candidates import Candidates
from skhpo.space import SearchSpace

SPACES = {
    "cube": SearchSpace({f"x{j}": uniform(0, 1) for j in range(5)}),
    "mixed": SearchSpace({"x": uniform(0, 1), "a": list("abc"), "d": [None, 1, 2], "n": [1, 2]}),
    "dicts": SearchSpace(
        [{"x": uniform(0, 1), "a": list("ab")}, {"y": uniform(0, 1)}, {"a": list("ab")}]
    ),
}


@pytest.mark.parametrize("name", SPACES)
def test_both_are_snapped(name):
    space, rng = SPACES[name], np.random.default_rng(0)
    points = Candidates(space).sample(100, rng)
    np.testing.assert_array_equal(points, space.snap(points))
    children = Candidates(space).mutate(points, 0.2, rng)
    np.testing.assert_array_equal(children, space.snap(children))


def test_children_differ_from_their_parents():
    space, rng = SPACES["cube"], np.random.default_rng(0)
    parents = Candidates(space).sample(500, rng)
    changed = (Candidates(space).mutate(parents, 0.2, rng) != parents).sum(axis=1)
    assert np.mean(changed >= 1) > 0.9  # a jump to the bound one is on changes nothing
    assert 1 < changed.mean() < 2.5


def test_faces_and_corners_are_reached():
    space, rng = SPACES["cube"], np.random.default_rng(0)

    def on_bound(points):
        return ((points < 1e-9) | (points > 1 - 1e-9)).sum(axis=1)

    counts = on_bound(Candidates(space).sample(1000, rng))
    assert np.mean(counts == 0) > 0.4
    assert set(counts) == set(range(6))
    inside = np.full((1000, 5), 0.5)
    assert 0.05 < np.mean(on_bound(Candidates(space).mutate(inside, 0.01, rng)) > 0) < 0.5


def test_every_dict_can_be_reached_from_any():
    space, rng = SPACES["dicts"], np.random.default_rng(0)
    parents = space.snap(np.tile([0.1, 0.5, 0.5, 0.5], (300, 1)))
    assert set(space.branch(Candidates(space).mutate(parents, 0.1, rng))) == {0, 1, 2}


def test_endless_tails_are_left_alone():
    distributions = [uniform(0, 1), loguniform(1e-5, 1e5), norm(0, 1), expon(scale=3)]
    space = SearchSpace({f"x{j}": one for j, one in enumerate(distributions)})
    np.testing.assert_array_equal(Candidates(space).low, [0, 0, 1e-3, 1e-3])
    np.testing.assert_array_equal(Candidates(space).high, [1, 1, 1 - 1e-3, 1 - 1e-3])
