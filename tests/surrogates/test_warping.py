"""Laws of the map from scores to what a Gaussian process can model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skhpo.surrogates import Warping

SCORES = {
    "left tail": 1 - np.random.default_rng(0).lognormal(size=40),
    "right tail": np.random.default_rng(1).lognormal(size=40),
    "normal": np.random.default_rng(2).normal(size=40),
    "two": np.array([0.3, 0.4]),
    "ties": np.repeat([0.1, 0.9], [3, 9]),
}


@pytest.mark.parametrize("power", [True, False])
@pytest.mark.parametrize("name", SCORES)
class TestLaws:
    def test_mean_and_variance(self, name, power):
        y = Warping.learn(SCORES[name], power=power)(SCORES[name])
        np.testing.assert_allclose([y.mean(), y.std()], [0, 1], atol=1e-9)

    def test_order_is_kept(self, name, power):
        scores = np.sort(SCORES[name])
        y = Warping.learn(scores, power=power)(scores)
        assert np.all(np.diff(y) >= 0)
        assert y[-1] == y.max() > y[0]

    def test_unit_of_the_score_does_not_matter(self, name, power):
        scores = SCORES[name]
        y = Warping.learn(scores, power=power)(scores)
        other = Warping.learn(1e4 * scores - 7.0, power=power)(1e4 * scores - 7.0)
        np.testing.assert_allclose(y, other, atol=1e-6)

    def test_inverse(self, name, power):
        scores = SCORES[name]
        warping = Warping.learn(scores, power=power)
        back = warping.inverse(warping(scores))
        np.testing.assert_allclose(back, np.maximum(scores, warping.floor), rtol=1e-6)


def test_failed_is_the_worst_seen():
    scores = np.array([0.5, np.nan, 0.9, 0.8, -np.inf, np.inf])
    y = Warping.learn(scores)(scores)
    assert y[1] == y[4] == y[5] == y[0] == y.min()


@pytest.mark.parametrize("power", [True, False])
@pytest.mark.parametrize("known", [[0.9], [0.9, 0.9], [0.0], [0.8, 0.81, 0.82], [0.1, 0.9, 0.9]])
def test_failed_is_worse_than_scores_alike(known, power):
    """Also where all that is known is one score, or the best."""
    scores = np.array([*known, np.nan])
    y = Warping.learn(scores, power=power)(scores)
    assert y[-1] < y[:-1].min() - 0.1
    assert np.all(np.isfinite(y))


def test_a_hopeless_score_hides_nothing():
    scores = np.array([0.80, 0.81, 0.82, 0.83, 0.84, 0.85, -1e30])
    y = Warping.learn(scores)(scores)
    assert np.ptp(y[:6]) > 1


def test_skew_is_removed():
    scores = np.random.default_rng(0).lognormal(sigma=1.5, size=200)

    def skew(a):
        return np.mean(((a - a.mean()) / a.std()) ** 3)

    y = Warping.learn(scores)(scores)
    assert abs(skew(y)) < 1 < 2 < skew(scores)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(), min_size=1, max_size=12))
def test_anything_gives_finite_ordered_numbers(values):
    scores = np.array(values)
    y = Warping.learn(scores)(scores)
    assert np.all(np.isfinite(y))
    known = np.isfinite(scores)
    ordered = y[known][np.argsort(scores[known], kind="stable")]
    assert np.all(np.diff(ordered) >= -1e-9 * (1 + np.abs(ordered[1:])))
