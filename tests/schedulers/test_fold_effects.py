"""Means over a few folds are comparable with means over all of them."""

import numpy as np
import pytest

from skhpo.schedulers._fold_effects import FoldEffects


def learned(table):
    """The effects of the folds in a table of complete candidates."""
    effects = FoldEffects(table.shape[1])
    for row in table:
        effects.add(row)
    return effects


def test_effects_that_all_candidates_share_are_taken_off():
    folds = np.array([0.3, -0.1, 0.0, 0.2])
    effects = learned(np.array([0.5, 0.6, 0.9])[:, None] + folds)
    for k in range(1, 5):
        assert effects.fair_mean(0.7 + folds[:k]) == pytest.approx(0.7 + folds.mean())


@pytest.mark.parametrize("table", [np.empty((0, 3)), np.array([[0.9, 0.1, 0.2]])])
def test_one_candidate_tells_nothing_of_the_folds(table):
    assert learned(table).fair_mean(np.array([0.9, 0.4])) == pytest.approx(0.65)


def test_equal_folds_change_nothing():
    table = np.array([[0.5, 0.5, 0.5], [0.8, 0.8, 0.8]])
    assert learned(table).fair_mean(np.array([0.6])) == 0.6


def test_the_mean_over_all_folds_stays():
    table = np.random.default_rng(0).normal(size=(6, 5))
    assert learned(table).fair_mean(table[2]) == pytest.approx(table[2].mean())


def test_huge_scores_fall_back_to_the_plain_mean():
    table = np.array([[1e308, -1e308, 1e308], [1e308, 1e308, -1e308]])
    assert learned(table).fair_mean(np.array([3.0])) == 3.0


@pytest.mark.parametrize("spread", [0.0, 0.5, 2.0])
def test_errors_of_partial_means_are_no_larger_than_those_of_the_ideal_shrinkage(spread):
    """Folds differ by `spread`, and what a fold adds to one candidate only by 1."""
    m, fair, plain = 8, [], []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        table = rng.normal(size=(m + 1, 1)) + spread * rng.normal(size=10)
        table = table + rng.normal(size=table.shape)
        effects, row = learned(table[:m]), table[m]
        for k in (1, 3, 6):
            fair.append(effects.fair_mean(row[:k]) - row.mean())
            plain.append(row[:k].mean() - row.mean())
    # Shrinkage that knows both variances leaves this of the effects' variance: 1, .93, .47.
    left = spread**2 / (1 + m * spread**2)
    ideal = np.sqrt((1 + left) / (1 + spread**2))
    assert np.std(fair) <= 1.03 * ideal * np.std(plain)
