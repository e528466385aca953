"""Scores with different amounts of a resource are made comparable."""

import numpy as np
import pytest
from scipy.stats import uniform

from skhpo._records import Observation
from skhpo.optimizers import GaussianProcess
from skhpo.optimizers._resource_effects import ResourceEffects
from skhpo.space import SearchSpace


def told(*rows):
    """Points and observations of (place, score, resource)."""
    points = np.array([[place] for place, *_ in rows])
    pairs = zip(points, rows, strict=True)
    return points, [Observation(p, score, resource=amount) for p, (_, score, amount) in pairs]


def test_gains_add_up_from_amount_to_amount():
    rows = (0.1, 0.2, 1), (0.1, 0.5, 3), (0.2, 0.4, 3), (0.2, 0.5, 9), (0.3, 0.1, 1)
    points, observations = told(*rows)
    effects = ResourceEffects(points, observations)
    expected = [0.2 + 0.4, 0.5 + 0.1, 0.4 + 0.1, 0.5, 0.1 + 0.4]
    assert effects.whole_scores(observations) == pytest.approx(expected)
    assert effects.lacks(observations) == pytest.approx([1, 0.5, 0.5, 0, 1])


def test_the_gain_is_the_middle_one_and_failures_have_none():
    rows = [(0.1 * k, 0.0, 1) for k in range(5)]
    rows += [(0.0, 0.1, 9), (0.1, 0.2, 9), (0.2, 9.0, 9), (0.1 * 3, np.nan, 9)]
    points, observations = told(*rows)
    assert ResourceEffects(points, observations).whole_scores(observations)[0] == 0.2


def test_amounts_that_were_not_seen_lie_between():
    points, observations = told((0.1, 0.0, 1), (0.1, 1.0, 9))
    effects = ResourceEffects(points, observations)
    others = told((0.5, 0.0, 3), (0.5, 0.0, 27), (0.5, 0.0, None))[1]
    assert effects.whole_scores(others) == pytest.approx([0.5, 0, 0])
    assert effects.lacks(others) == pytest.approx([0.5, 0, 0])


@pytest.mark.parametrize("amount", [None, 7])
def test_one_amount_is_the_whole(amount):
    points, observations = told((0.1, 0.2, amount), (0.3, np.nan, amount))
    effects = ResourceEffects(points, observations)
    np.testing.assert_array_equal(effects.whole_scores(observations), [0.2, np.nan])
    np.testing.assert_array_equal(effects.lacks(observations), [0, 0])


def test_what_all_gain_does_not_matter_to_the_gaussian_process():
    space = SearchSpace({"x": uniform(), "y": uniform()})

    def suggestion(gain):
        running = GaussianProcess().start(space, seed=0, n_iter=40)
        rng = np.random.default_rng(0)
        for k, point in enumerate(space.snap(rng.random((12, 2)))):
            score = -np.sum((point - 0.4) ** 2)
            running.tell(Observation(point, score - gain, resource=3, n_folds=5, id=k))
            if k % 3 == 0:
                running.tell(Observation(point, score, resource=9, n_folds=5, id=k))
        return running.ask((), index=20, rng=np.random.default_rng(1)).point

    np.testing.assert_allclose(suggestion(0.0), suggestion(0.75), atol=1e-6)
