"""The corrected resampled t: laws, edges, and its word kept on models that are alike."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skhpo.statistics import Interval, corrected_t_interval, optimism, paired_comparison

SCORES = [0.8, 0.9, 0.7, 0.85, 0.75]

folds = st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30)


def test_the_formula():
    s = np.array(SCORES)
    error = math.sqrt((1 / 5 + 1 / 4) * s.var(ddof=1))
    half = stats.t.ppf(0.975, 4) * error
    interval = corrected_t_interval(SCORES)
    assert interval.standard_error == pytest.approx(error)
    assert (interval.low, interval.estimate, interval.high) == pytest.approx(
        (s.mean() - half, s.mean(), s.mean() + half)
    )


@pytest.mark.parametrize(
    ("n_folds", "n_repeats", "ratio"), [(5, 1, 1 / 4), (10, 2, 1 / 4), (100, 10, 1 / 9)]
)
def test_the_ratio_follows_from_the_folds(n_folds, n_repeats, ratio):
    scores = np.random.default_rng(0).normal(size=n_folds)
    expected = corrected_t_interval(scores, test_train_ratio=ratio)
    assert corrected_t_interval(scores, n_repeats=n_repeats) == expected


@given(folds)
def test_laws(scores):
    interval = corrected_t_interval(scores)
    assert interval.low <= interval.estimate <= interval.high
    mirrored = corrected_t_interval(np.negative(scores))
    assert (mirrored.low, mirrored.high) == (-interval.high, -interval.low)
    wider = corrected_t_interval(scores, confidence=0.99)
    assert wider.low <= interval.low
    assert wider.high >= interval.high


@given(folds, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_test_and_the_interval_agree(first, confidence):
    second = np.zeros(len(first))
    found = paired_comparison(first, second, confidence=confidence)
    if abs(found.p_value - (1 - confidence)) > 1e-6:
        assert (found.p_value < 1 - confidence) == (not found.low <= 0 <= found.high)


def test_a_comparison_is_the_interval_of_the_difference():
    first, second = np.random.default_rng(0).normal(size=(2, 20))
    found = paired_comparison(first, second, n_repeats=2)
    expected = corrected_t_interval(first - second, n_repeats=2)
    assert all(value == getattr(found, name) for name, value in vars(expected).items())
    swapped = paired_comparison(second, first, n_repeats=2)
    assert (swapped.estimate, swapped.p_value) == (-found.estimate, found.p_value)


@pytest.mark.parametrize(("shift", "p_value"), [(0, 1), (0.5, 0)])
def test_a_difference_that_does_not_vary(shift, p_value):
    scores = np.array([0.5, 0.25, 0.75])
    found = paired_comparison(scores + shift, scores)
    assert (found.low, found.high, found.p_value) == (shift, shift, p_value)


def test_optimism_is_what_the_inner_scores_promise_too_much():
    found = optimism([0.9, 0.95, 0.92], [0.8, 0.9, 0.85])
    assert found.estimate == pytest.approx(0.22 / 3)


def test_an_interval_prints():
    assert str(Interval(0.912345, 0.85, 0.95, 0.02, 0.95)) == "0.9123 [0.85, 0.95]"


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        ([0.5], {}, "scores must have one score for each of at least 2 folds.*\\(1,\\)"),
        ([[0.5, 0.6]], {}, "scores must have one score.*\\(1, 2\\)"),
        ([0.5, math.nan, 0.7], {}, "scores must be finite; got nan on folds \\[1\\]"),
        ([0.5, 0.6], {"confidence": 95}, "confidence must lie between 0 and 1; got 95"),
        ([0.5, 0.6, 0.7], {"n_repeats": 2}, "n_repeats must be .* divides .*, 3; got 2"),
        ([0.5, 0.6], {"n_repeats": 2}, "at least 2 folds; got 2 folds in 2 repeats"),
        ([0.5, 0.6], {"n_repeats": 0}, "n_repeats must be a positive integer"),
        ([0.5, 0.6], {"test_train_ratio": 0}, "test_train_ratio must be a positive number.*got 0"),
        ([0.5, 0.6], {"test_train_ratio": math.nan}, "test_train_ratio must be.*got nan"),
    ],
)
def test_errors(scores, options, message):
    with pytest.raises(ValueError, match=message):
        corrected_t_interval(scores, **options)


def test_scores_on_other_folds_cannot_be_compared():
    with pytest.raises(ValueError, match="on the same folds; got 2 and 3 of them"):
        paired_comparison([0.5, 0.6], [0.5, 0.6, 0.7])


def fold_scores(X, y, tests):
    """Negative mean squared error of least squares on every fold; `tests` is (n_folds, n)."""
    weights = (~tests).astype(float)
    gram = np.einsum("fn,np,nq->fpq", weights, X, X, optimize=True)
    coef = np.linalg.solve(gram, (weights @ (X * y[:, None]))[..., None])[..., 0]
    return -((y - coef @ X.T) ** 2 * tests).sum(axis=1) / tests.sum(axis=1)


def test_models_that_are_alike_are_rarely_told_apart():
    # Two blocks of features that count alike, 10 x 10 folds. 2,000 simulations give .59 for the
    # naive and .05 for the corrected test at .05; here 4 standard errors of 300 are .05 for the
    # latter and .11 for the former.
    rng = np.random.default_rng(0)
    naive, corrected = [], []
    for _ in range(300):
        X = rng.normal(size=(100, 6))
        y = X.sum(axis=1) + 0.7 * rng.normal(size=100)
        orders = [rng.permutation(100) % 10 for _ in range(10)]
        tests = np.concatenate([order == np.arange(10)[:, None] for order in orders])
        a, b = fold_scores(X[:, :3], y, tests), fold_scores(X[:, 3:], y, tests)
        naive.append(stats.ttest_rel(a, b).pvalue < 0.05)
        corrected.append(paired_comparison(a, b, n_repeats=10).p_value < 0.05)
    assert np.mean(naive) > 0.45
    assert 0.005 <= np.mean(corrected) <= 0.1


def test_what_only_rounding_tells_apart_is_equal():
    found = paired_comparison([0.1 + 0.2] * 3, [0.3] * 3)
    assert (found.estimate, found.p_value) == (0.0, 1.0)
    assert paired_comparison([0.3 + 1e-9] * 3, [0.3] * 3).p_value == 0.0
