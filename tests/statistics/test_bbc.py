"""BBC-CV: against loops, with NaN, groups and folds, and on guesses whose truth is known."""

import math

import numpy as np
import pytest

from skhpo.statistics import _bbc, bbc_interval, bbc_interval_from_predictions

FEW = {"n_bootstraps": 40, "random_state": 0}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def accuracy(y, predictions):
    return np.mean(y == predictions)


def mean_of(y, predictions):
    return np.mean(predictions)


def auc(y, decisions):
    """Area under the ROC curve, NaN without two classes."""
    pairs = np.subtract.outer(decisions[y == 1], decisions[y == 0])
    return np.mean((pairs > 0) + (pairs == 0) / 2) if pairs.size else math.nan


def by_loops(score, n_candidates, samples, baseline=None):
    """The same by loops: (n_bootstraps,) scores, ``score(candidate, places)``, of the chosen."""
    rng = np.random.default_rng(FEW["random_state"])
    units = np.unique(samples)

    def places(drawn):
        return np.concatenate([np.flatnonzero(samples == unit) for unit in drawn])

    found = []
    for drawn in rng.integers(len(units), size=(FEW["n_bootstraps"], len(units))):
        left_out = places(units[np.setdiff1d(np.arange(len(units)), drawn)])
        best = int(np.argmax([score(c, places(units[drawn])) for c in range(n_candidates)]))
        against = 0 if baseline is None else score(baseline, left_out)
        found.append(score(best, left_out) - against)
    return np.array(found)


def check_interval(interval, values):
    assert interval.estimate == pytest.approx(values.mean())
    assert interval.standard_error == pytest.approx(values.std(ddof=1))
    assert (interval.low, interval.high) == pytest.approx(
        tuple(np.quantile(values, [0.025, 0.975]))
    )


SETTINGS = [
    {},
    {"folds": np.arange(30) % 3},
    {"samples": np.arange(30) % 15},  # each sample twice, as in repeated cross-validation
    {"samples": np.repeat(np.arange(10), 3) + 7, "folds": np.arange(30) // 9},
    {"baseline": 3},
]


@pytest.mark.parametrize("options", SETTINGS)
def test_it_is_what_loops_give(options, rng):
    scores = rng.normal(size=(5, 30))
    folds = options.get("folds", np.zeros(30, dtype=int))
    share = 1 / np.bincount(folds)[folds]

    def of_samples(candidate, places):
        return np.average(scores[candidate, places], weights=share[places])

    def of_folds(candidate, places):
        by_fold = [places[folds[places] == fold] for fold in np.unique(folds[places])]
        return np.mean([scores[candidate, i].mean() for i in by_fold])

    given = 5, options.get("samples", np.arange(30)), options.get("baseline")
    check_interval(bbc_interval(scores, **options, **FEW), by_loops(of_samples, *given))
    found = bbc_interval_from_predictions(mean_of, np.zeros(30), scores, **options, **FEW)
    check_interval(found, by_loops(of_folds, *given))


def test_folds_of_one_size_change_nothing(rng):
    right = rng.integers(0, 2, size=(1, 30))
    twice = np.concatenate([right, right[:, ::-1]])
    folds = np.arange(30) // 10
    assert bbc_interval(twice, folds=folds, **FEW) == bbc_interval(twice, **FEW)


def test_blocks_do_not_matter(rng, monkeypatch):
    scores = rng.normal(size=(7, 30))
    whole = bbc_interval(scores, **FEW)
    monkeypatch.setattr(_bbc, "_BLOCK", 90)
    assert vars(bbc_interval(scores, **FEW)) == pytest.approx(vars(whole))


def test_seeds(rng):
    scores = rng.normal(size=(7, 30))
    assert bbc_interval(scores, random_state=1) == bbc_interval(scores, random_state=1)
    assert bbc_interval(scores, random_state=1) != bbc_interval(scores, random_state=2)
    assert bbc_interval(scores, random_state=1) == bbc_interval(
        scores, random_state=np.random.default_rng(1)
    )


def test_what_failed_and_what_nobody_predicted_is_left_out(rng):
    scores = rng.normal(size=(4, 30))
    padded = np.full((6, 35), math.nan)
    padded[[0, 2, 3, 5], 5:] = scores
    padded[4, 5:20] = 9.0  # stopped after some folds
    expected = bbc_interval(scores, baseline=2, **FEW)
    assert bbc_interval(padded, baseline=3, **FEW) == expected

    found = bbc_interval_from_predictions(mean_of, np.zeros(35), padded, **FEW)
    assert vars(found) == pytest.approx(vars(bbc_interval(scores, **FEW)))
    folds = np.arange(35) // 12  # the first of which loses five
    expected = bbc_interval(scores, folds=folds[5:], **FEW)
    assert bbc_interval(padded, folds=folds, **FEW) == expected


def test_folds_of_different_sizes_count_alike():
    right = np.repeat([0.0, 1.0], [20, 180])  # nothing on the small fold, all on the large one
    assert bbc_interval([right], **FEW).estimate == pytest.approx(0.9, abs=0.01)
    found = bbc_interval([right], folds=right, **FEW)
    assert found.estimate == pytest.approx(0.5, abs=0.05)


def test_probabilities(rng):
    y = rng.integers(0, 3, size=60)
    predictions = rng.dirichlet(np.ones(3), size=(3, 60))
    predictions[1] = 0.8 * np.eye(3)[y] + 0.2 / 3
    predictions[2, 5, 1] = math.nan

    def metric(y, predictions):
        return np.mean(np.log(np.take_along_axis(predictions, y[:, None], axis=1)))

    found = bbc_interval_from_predictions(metric, y, predictions, **FEW)
    assert found.estimate == pytest.approx(math.log(0.8 + 0.2 / 3))


def test_labels_need_not_be_numbers():
    y = np.array(["a", "b"] * 10)
    found = bbc_interval_from_predictions(accuracy, y, [y, y[::-1]], **FEW)
    assert found.estimate == 1


def test_folds_on_which_the_metric_is_undefined_are_left_out(rng):
    y = np.array([0, 1] * 15)
    decisions = rng.normal(size=(3, 30)) + 9 * y

    found = bbc_interval_from_predictions(auc, y, decisions, folds=np.arange(30) // 3, **FEW)
    assert found.estimate == 1
    with pytest.raises(ValueError, match="must be defined on the samples"):
        bbc_interval_from_predictions(auc, np.zeros(30), decisions, **FEW)


def test_a_bootstrap_that_leaves_nothing_out_is_no_bootstrap():
    assert bbc_interval([[1.0, 1.0]], n_bootstraps=50, random_state=0).estimate == 1


def test_ranking_on_several_scales():
    # The models of the two folds put the samples on different scales.
    y = np.array([0, 1] * 20)
    folds = np.arange(40) // 20
    decision = y + 10.0 * folds
    pooled = bbc_interval_from_predictions(auc, y, [decision], **FEW)
    averaged = bbc_interval_from_predictions(auc, y, [decision], folds=folds, **FEW)
    assert pooled.estimate < 0.9
    assert averaged.estimate == 1


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        ([0.5, 0.6], {}, r"a row for each candidate.*\(2,\)"),
        ([[math.nan, 1.0], [1.0, math.nan]], {}, "At least one candidate must have"),
        ([[math.nan, math.nan]], {}, "At least one candidate must have"),
        ([[1.0, 0.0], [1.0, math.nan]], {"baseline": 1}, r"baseline .*got 1. Such rows are \[0\]"),
        ([[1.0, 0.0]], {"folds": [1]}, r"folds must have one entry for each of the 2 .*\(1,\)"),
        ([[1.0, 0.0]], {"samples": [1, 2, 3]}, "samples must have one entry for each of the 2"),
        ([[1.0, 0.0]], {"n_bootstraps": 0}, "n_bootstraps must be a positive integer; got 0"),
        ([[1.0, 0.0]], {"confidence": 1}, "confidence must lie between 0 and 1; got 1"),
    ],
)
def test_errors(scores, options, message):
    with pytest.raises(ValueError, match=message):
        bbc_interval(scores, **options)


def test_a_target_for_each_prediction():
    with pytest.raises(ValueError, match="y must have one entry for each of the 2"):
        bbc_interval_from_predictions(accuracy, [1], [[1, 0]])


@pytest.mark.parametrize(
    ("n_candidates", "n_samples", "best"), [(50, 40, 0.326), (100, 100, 0.376)]
)
def test_guesses(n_candidates, n_samples, best, rng):
    # Four standard errors of 200 simulations with standard deviations of .035 and .051.
    right = rng.integers(0, 2, size=(200, n_candidates, n_samples))
    losses = 1 - right.mean(axis=2).max(axis=1)
    found = [bbc_interval(r, n_bootstraps=200, random_state=rng) for r in right]
    assert np.mean(losses) == pytest.approx(best, abs=0.01)
    assert 1 - np.mean([interval.estimate for interval in found]) == pytest.approx(0.5, abs=0.015)
    assert np.mean([interval.low <= 0.5 <= interval.high for interval in found]) >= 0.9


def test_candidates_of_different_worth(rng):
    # 2,000 simulations give a bias of -.08 for the best score and +.006 for this; four standard
    # errors of 200 are .01.
    losses = np.linspace(0.25, 0.5, 100)
    right = rng.random((200, 100, 100)) >= losses[:, None]
    best = right.mean(axis=2).argmax(axis=1)
    found = [bbc_interval(r, n_bootstraps=200, random_state=rng).estimate for r in right]
    assert np.mean(right.mean(axis=2).max(axis=1)) > np.mean(1 - losses[best]) + 0.06
    assert abs(np.mean(found) - np.mean(1 - losses[best])) < 0.017


def test_a_gain_over_a_baseline_that_guesses_as_well(rng):
    right = rng.integers(0, 2, size=(100, 30, 50))
    gains = [bbc_interval(r, baseline=0, n_bootstraps=100, random_state=rng) for r in right]
    best = right.mean(axis=2).max(axis=1) - right[:, 0].mean(axis=1)
    assert np.mean(best) > 0.1
    assert abs(np.mean([gain.estimate for gain in gains])) < 0.03
