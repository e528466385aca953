"""The interval of nested cross-validation: Bates, Hastie and Tibshirani."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from ._intervals import Interval, around, check_confidence

__all__ = ["NestedInterval", "fold_numbers", "ncv_interval", "ncv_scores", "ncv_splits"]


@dataclass(frozen=True)
class NestedInterval(Interval):
    """The interval of nested cross-validation.

    Parameters
    ----------
    estimate, low, high, standard_error, confidence : float
        As in `Interval`.
    bias : float
        What was taken off the mean of the inner scores, whose models saw fewer samples.
    inflation : float
        The standard error over the naive one, which takes folds for independent; from 1 to the
        root of the number of folds.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.statistics import ncv_interval
    >>> folds = np.arange(12) % 3
    >>> interval = ncv_interval(np.random.default_rng(0).normal(size=(12, 3)), folds)
    >>> 1 <= interval.inflation <= 3**0.5
    True
    """

    bias: float
    inflation: float


def fold_numbers(splits, n_samples):
    """Which fold tests each sample.

    Parameters
    ----------
    splits : sequence of (train, test) index arrays
    n_samples : int

    Returns
    -------
    ndarray of shape (n_samples,)
        From 0.

    Raises
    ------
    ValueError
        When the test sets do not hold every sample exactly once, as in k-fold cross-validation.

    Examples
    --------
    >>> from sklearn.model_selection import KFold
    >>> from skhpo.statistics import fold_numbers
    >>> fold_numbers(KFold(3).split([0] * 6), 6).tolist()
    [0, 0, 1, 1, 2, 2]
    """
    folds, times = np.zeros(n_samples, dtype=int), np.zeros(n_samples, dtype=int)
    for k, (_, test) in enumerate(splits):
        folds[test] = k
        times[test] += 1
    if (times != 1).any():
        sample = np.flatnonzero(times != 1)[0]
        raise ValueError(
            "The test sets must hold every sample exactly once, as in k-fold cross-validation; got "
            f"sample {sample} in {times[sample]} of them. Use such a splitter, one repeat at a "
            "time."
        )
    return folds


def ncv_splits(folds):
    """Return the splits that `ncv_interval` needs: each fold left out, then each two of them.

    Parameters
    ----------
    folds : array-like of shape (n_samples,)
        Fold of each sample, from 0; see `fold_numbers`.

    Returns
    -------
    list of (train, test) index arrays
        The K splits of the cross-validation itself, then K (K - 1) / 2 that test two folds.

    Examples
    --------
    >>> from skhpo.statistics import ncv_splits
    >>> splits = ncv_splits([0, 0, 1, 1, 2, 2])
    >>> len(splits), [indices.tolist() for indices in splits[-1]]
    (6, [[0, 1], [2, 3, 4, 5]])
    """
    folds, n_folds = _check_folds(folds)
    left_out = [np.isin(folds, pair) for pair in _pairs(n_folds)]
    return [(np.flatnonzero(~test), np.flatnonzero(test)) for test in left_out]


def ncv_scores(folds, scores):
    """Lay out scores on `ncv_splits` as `ncv_interval` wants them.

    Parameters
    ----------
    folds : array-like of shape (n_samples,)
        Fold of each sample, from 0.
    scores : sequence of array-like
        For each of the splits, the scores of the samples it tests.

    Returns
    -------
    ndarray of shape (n_samples, n_folds)
        Column k has the scores of models that saw neither the sample's own fold nor fold k.

    Examples
    --------
    Squared error of the mean, as a score:

    >>> import numpy as np
    >>> from skhpo.statistics import ncv_interval, ncv_scores, ncv_splits
    >>> y = np.random.default_rng(0).normal(size=60)
    >>> folds = np.arange(60) % 5
    >>> scores = [-((y[test] - y[train].mean()) ** 2) for train, test in ncv_splits(folds)]
    >>> table = ncv_scores(folds, scores)
    >>> table.shape
    (60, 5)
    >>> interval = ncv_interval(table, folds)
    >>> interval.low < -1 < interval.high
    True
    """
    folds, n_folds = _check_folds(folds)
    table = np.full((len(folds), n_folds), math.nan)
    for (j, k), split_scores in zip(_pairs(n_folds), scores, strict=True):
        test = np.flatnonzero(np.isin(folds, (j, k)))
        table[test, np.where(folds[test] == j, k, j)] = split_scores
    return table


def ncv_interval(scores, folds, *, confidence=0.95):
    """Interval of a cross-validated mean score that allows for the dependence of the folds.

    Every sample trains and is tested, so the scores are correlated and the naive interval, the
    standard deviation over the root of the number of samples, is too short. Nested
    cross-validation leaves out each two folds as well, and estimates the mean squared error of
    the cross-validated score from how far the score on a fold is from the score that a
    cross-validation of the rest foretold.

    Parameters
    ----------
    scores : array-like of shape (n_samples, n_folds) or (n_repeats, n_samples, n_folds)
        Score of each sample, as made by `ncv_scores`: column k is of a model that saw neither the
        sample's own fold nor fold k; where k is its own fold, this is ordinary cross-validation.
        Losses do as well: only the signs change. Repeats with other folds make it steadier.
    folds : array-like of shape (n_samples,) or (n_repeats, n_samples)
        Fold of each sample, from 0.
    confidence : float, default=0.95

    Returns
    -------
    NestedInterval
        For the score, on new samples, of the model trained on all of these.

    Notes
    -----
    Only for scores that are means over samples, such as accuracy: not for the area under the ROC
    curve, nor for R2. And only for independent samples: where they come in large groups that are
    alike, the interval is much too short.

    With e_in the mean score of the samples outside fold k in column k, and e_out, v_out and n_k
    the mean, the variance and the number of those in fold k, the estimate of the mean squared
    error is (K - 1) / K times the mean over folds and repeats of ``(e_in - e_out)**2 - v_out /
    n_k``; its root is clipped to between the naive standard error and the root of K times that.
    More repeats make that estimate less noisy.

    The models of column k saw (K - 2) / K of the samples, those of ordinary cross-validation
    (K - 1) / K. If the expected score falls off as one over the number of samples, the bias of
    the inner mean against a model of all samples is 1 + (K - 2) / K times the difference of the
    two means; that is taken off.

    References
    ----------
    Bates, S., Hastie, T. and Tibshirani, R. (2024). Cross-validation: what does it estimate and
    how well does it do it? Journal of the American Statistical Association 119, 1434-1445.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.statistics import ncv_interval
    >>> rng = np.random.default_rng(0)
    >>> folds = np.arange(40) % 4
    >>> right = rng.integers(0, 2, size=(40, 4))  # a classifier that guesses
    >>> interval = ncv_interval(right, folds)
    >>> interval.low < 0.5 < interval.high
    True
    """
    check_confidence(confidence)
    scores, own = _check_nested(scores, folds)
    _, n, K = scores.shape
    inner, outer = scores[~own], scores[own]
    naive = outer.std(ddof=1) / math.sqrt(n)
    mse = (K - 1) / K * _squared_error(scores, own)
    error = math.sqrt(np.clip(mse, naive**2, K * naive**2))
    bias = (1 + (K - 2) / K) * (inner.mean() - outer.mean())
    half = stats.norm.ppf((1 + confidence) / 2) * error
    return NestedInterval(
        **around(inner.mean() - bias, half, error, confidence),
        bias=float(bias),
        inflation=float(error / naive) if naive else 1.0,
    )


def _squared_error(scores, own):
    """Of the mean over (K - 1) / K of the samples; Alg. 1 of Bates et al., without clipping."""
    n_own = own.sum(axis=1)  # (n_repeats, K), as all below
    e_out = np.where(own, scores, 0).sum(axis=1) / n_own
    e_in = np.where(own, 0, scores).sum(axis=1) / (own.shape[1] - n_own)
    deviations = np.where(own, scores - e_out[:, None], 0)
    v_out = (deviations**2).sum(axis=1) / (n_own - 1)
    return np.mean((e_in - e_out) ** 2 - v_out / n_own)


def _pairs(n_folds):
    """Folds left out: one alone, written twice, then two."""
    return [*((k, k) for k in range(n_folds)), *combinations(range(n_folds), 2)]


def _check_folds(folds):
    folds = np.asarray(folds)
    numbered = folds.ndim == 1 and folds.dtype.kind in "iu" and folds.min(initial=0) >= 0
    counts = np.bincount(folds) if numbered else []
    if len(counts) < 3 or min(counts) < 2:
        raise ValueError(
            "folds must number the folds of the samples from 0, at least 3 folds of at least 2 "
            f"samples; got folds of {list(map(int, counts))} samples in an array of shape "
            f"{folds.shape}. Use k-fold cross-validation with 3 folds or more."
        )
    return folds, len(counts)


def _check_nested(scores, folds):
    """Scores with an axis of repeats, and where a column is of the sample's own fold."""
    scores, folds = np.asarray(scores, dtype=float), np.asarray(folds)
    if scores.ndim == 2:
        scores, folds = scores[None], folds[None]
    checked = [_check_folds(fold) for fold in np.atleast_2d(folds)]
    shapes = {(len(fold), n_folds) for fold, n_folds in checked}
    if shapes != {scores.shape[1:]} or scores.shape[0] != len(checked):
        raise ValueError(
            "scores must have a row for each sample and a column for each fold, in each repeat; "
            f"got shape {scores.shape} with {len(checked)} repeats of (samples, folds) "
            f"{sorted(shapes)}. Make them with ncv_scores."
        )
    if not np.isfinite(scores).all():
        raise ValueError(
            f"scores must be finite; got {np.count_nonzero(~np.isfinite(scores))} that are not. "
            "Mend what failed: a fold cannot be left out."
        )
    return scores, folds[:, :, None] == np.arange(scores.shape[2])
