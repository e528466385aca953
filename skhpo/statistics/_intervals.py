"""Means over folds, whose training sets overlap: the corrected resampled t."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from scipy import stats

__all__ = [
    "Comparison",
    "Interval",
    "corrected_t_interval",
    "optimism",
    "paired_comparison",
    "ratio_of",
]

ROUNDING = 1e-12  # of a score: a smaller difference is one of the order of summing


@dataclass(frozen=True)
class Interval:
    """An estimate and where the truth may lie.

    Parameters
    ----------
    estimate : float
    low, high : float
        Ends of the interval.
    standard_error : float
        Standard error of the estimate; of a bootstrap, the standard deviation of its values.
    confidence : float
        Nominal probability that the interval covers the truth.

    Examples
    --------
    >>> from skhpo.statistics import Interval
    >>> print(Interval(0.9, 0.85, 0.95, standard_error=0.025, confidence=0.95))
    0.9 [0.85, 0.95]
    """

    estimate: float
    low: float
    high: float
    standard_error: float
    confidence: float

    def __str__(self):
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}]"


@dataclass(frozen=True)
class Comparison(Interval):
    """A difference on shared folds.

    Parameters
    ----------
    estimate, low, high, standard_error, confidence : float
        As in `Interval`, of the first minus the second.
    p_value : float
        Two-sided, of no difference.

    Examples
    --------
    >>> from skhpo.statistics import paired_comparison
    >>> paired_comparison([0.8, 0.9, 0.7], [0.8, 0.9, 0.7]).p_value
    1.0
    """

    p_value: float


def corrected_t_interval(scores, *, n_repeats=1, test_train_ratio=None, confidence=0.95):
    """Interval of a mean over folds by the corrected resampled t.

    Training sets overlap, so the scores on J folds are not independent and their variance over J
    is too small a variance of their mean: with ten-fold cross-validation repeated ten times, a
    test at 5 % so made may reject a true null hypothesis half of the time. The correction
    replaces 1/J by 1/J + n_test/n_train.

    Parameters
    ----------
    scores : array-like of shape (n_folds,)
        One score a fold, of all repeats.
    n_repeats : int, default=1
        How often the k-fold cross-validation was repeated.
    test_train_ratio : float, default=None
        Size of a test set over that of a training set. None means 1 / (k - 1), as in k-fold
        cross-validation with k = n_folds / n_repeats. Shuffled splits must give it.
    confidence : float, default=0.95

    Returns
    -------
    Interval

    Notes
    -----
    A heuristic: no unbiased estimate of that variance exists. The interval is of the score of
    models trained on that many samples, not of the one model that is refitted.

    References
    ----------
    Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error. Machine Learning
    52, 239-281.

    Examples
    --------
    >>> from skhpo.statistics import corrected_t_interval
    >>> print(corrected_t_interval([0.90, 0.94, 0.88, 0.92, 0.91]))
    0.91 [0.8684, 0.9516]
    """
    scores = _fold_vector("scores", scores)
    error, half = _corrected_t(scores, n_repeats, test_train_ratio, confidence)
    return Interval(**around(scores.mean(), half, error, confidence))


def paired_comparison(first, second, *, n_repeats=1, test_train_ratio=None, confidence=0.95):
    """Difference of two models scored on the same folds, by the corrected resampled t.

    Parameters
    ----------
    first, second : array-like of shape (n_folds,)
        Scores of both, fold by fold.
    n_repeats : int, default=1
        How often the k-fold cross-validation was repeated.
    test_train_ratio : float, default=None
        As in `corrected_t_interval`.
    confidence : float, default=0.95

    Returns
    -------
    Comparison
        Of ``first - second``, with its interval and p-value.

    Notes
    -----
    With several comparisons the p-values are of each alone; and the best of several, chosen by
    these scores, is chosen again: see `selection_bias`.

    References
    ----------
    Nadeau, C. and Bengio, Y. (2003). Inference for the generalization error. Machine Learning
    52, 239-281.

    Examples
    --------
    >>> from skhpo.statistics import paired_comparison
    >>> difference = paired_comparison([0.90, 0.94, 0.88, 0.92], [0.88, 0.91, 0.87, 0.90])
    >>> print(difference)
    0.02 [0.000154, 0.03985]
    >>> round(difference.p_value, 3)
    0.049
    """
    first, second = _fold_vector("first", first), _fold_vector("second", second)
    if len(first) != len(second):
        raise ValueError(
            "first and second must be scores on the same folds; got "
            f"{len(first)} and {len(second)} of them. Score both on one list of splits."
        )
    d = first - second
    d[abs(d) <= ROUNDING * np.maximum(abs(first), abs(second))] = 0.0
    error, half = _corrected_t(d, n_repeats, test_train_ratio, confidence)
    p_value = _two_sided(d.mean(), error, len(d) - 1)
    return Comparison(**around(d.mean(), half, error, confidence), p_value=p_value)


def optimism(inner, outer, *, n_repeats=1, confidence=0.95):
    """How much better a search thinks it did than it did: inner minus outer scores.

    Parameters
    ----------
    inner : array-like of shape (n_folds,)
        Best inner score of the search on each outer training set.
    outer : array-like of shape (n_folds,)
        Score of its model on the outer test set.
    n_repeats : int, default=1
        How often the outer cross-validation was repeated.
    confidence : float, default=0.95

    Returns
    -------
    Comparison
        Positive where the inner scores promise too much.

    Examples
    --------
    >>> from skhpo.statistics import optimism
    >>> print(optimism([0.95, 0.94, 0.96], [0.91, 0.92, 0.90]))
    0.04 [-0.03856, 0.1186]
    """
    return paired_comparison(inner, outer, n_repeats=n_repeats, confidence=confidence)


def _corrected_t(values, n_repeats, ratio, confidence):
    """Standard error and half width; Nadeau & Bengio, section 5.1."""
    check_confidence(confidence)
    n = len(values)
    ratio = _ratio(n, n_repeats) if ratio is None else _check_ratio(ratio)
    error = math.sqrt((1 / n + ratio) * values.var(ddof=1))
    return error, stats.t.ppf((1 + confidence) / 2, n - 1) * error


def _ratio(n_folds, n_repeats):
    """n_test / n_train of repeated k-fold cross-validation."""
    if not isinstance(n_repeats, Integral) or n_repeats < 1 or n_folds % n_repeats:
        raise ValueError(
            f"n_repeats must be a positive integer that divides the number of folds, {n_folds}; "
            f"got {n_repeats!r}. Pass test_train_ratio when the splits are not repeated k-fold."
        )
    k = n_folds // n_repeats
    if k < 2:
        raise ValueError(
            f"A repeat must have at least 2 folds; got {n_folds} folds in {n_repeats} repeats. "
            "Pass test_train_ratio when these are shuffled splits."
        )
    return 1 / (k - 1)


def _check_ratio(ratio):
    if not (isinstance(ratio, Real) and 0 < ratio < math.inf):
        raise ValueError(
            "test_train_ratio must be a positive number, the size of a test set over that of a "
            f"training set; got {ratio!r}. For 5 folds pass 0.25."
        )
    return ratio


def _two_sided(mean, error, df):
    if error == 0:
        return float(mean == 0)
    return float(2 * stats.t.sf(abs(mean) / error, df))


def around(estimate, half, error, confidence):
    estimate, half = float(estimate), float(half)
    return {
        "estimate": estimate,
        "low": estimate - half,
        "high": estimate + half,
        "standard_error": float(error),
        "confidence": confidence,
    }


def check_confidence(confidence):
    if not (isinstance(confidence, Real) and 0 < confidence < 1):
        raise ValueError(
            f"confidence must lie between 0 and 1; got {confidence!r}. For 95 % pass 0.95."
        )


def _fold_vector(name, scores):
    scores = np.asarray(scores, dtype=float)
    if scores.ndim != 1 or len(scores) < 2:
        raise ValueError(
            f"{name} must have one score for each of at least 2 folds; got an array of shape "
            f"{scores.shape}. Pass a list of numbers, one a fold."
        )
    if not np.isfinite(scores).all():
        raise ValueError(
            f"{name} must be finite; got {scores[~np.isfinite(scores)][0]} on folds "
            f"{np.flatnonzero(~np.isfinite(scores)).tolist()}. Mend what failed there, or leave "
            "these folds out of everything that is compared."
        )
    return scores


def ratio_of(splits):
    """Mean size of a test set over that of its training set; masks do as well as indices."""
    return float(np.mean([_size(test) / _size(train) for train, test in splits]))


def _size(part):
    part = np.asarray(part)
    return np.count_nonzero(part) if part.dtype == bool else len(part)
