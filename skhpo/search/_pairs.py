"""Searches that leave out two outer folds: what the interval of nested cross-validation needs."""

from __future__ import annotations

import warnings

import numpy as np

from ..history import History
from ..statistics import fold_numbers, ncv_interval, ncv_scores, ncv_splits
from ._outer import inner_of

__all__ = ["first_splits", "nested_interval", "pair_splits"]


def pair_splits(splits, n_repeats, n_samples):
    """Splits that the interval needs besides the outer ones.

    Parameters
    ----------
    splits : list of (train, test)
        The outer ones: those of a k-fold cross-validation in each repeat.
    n_repeats, n_samples : int

    Returns
    -------
    list of (train, test)
        K (K - 1) / 2 a repeat, which leave out two folds each.

    Raises
    ------
    ValueError
        When the splits are none of a k-fold cross-validation.
    """
    spared = [n_samples - len(train) - len(test) for train, test in splits]
    if any(spared):
        raise ValueError(
            'interval="ncv" needs outer folds that train on all samples they do not test; got a cv '
            f"that leaves {max(spared, key=abs)} of {n_samples} out. Use k-fold cross-validation, "
            'or interval="corrected_t".'
        )
    pairs = []
    for repeat in _by_repeat(splits, n_repeats):
        pairs += ncv_splits(fold_numbers(repeat, n_samples))[len(repeat) :]
    return pairs


def first_splits(history, n_splits):
    """Return the history of the first splits only."""
    if history.n_splits == n_splits:
        return history
    first = History(n_splits, history.metric)
    first.elapsed = history.elapsed
    for evaluation in history.evaluations:
        if evaluation.task.split < n_splits:
            first.append(evaluation)
    return first


def nested_interval(history, splits, n_repeats, confidence):
    """Interval of nested cross-validation, None where a search failed.

    Parameters
    ----------
    history : History
        Of the outer splits and those of `pair_splits`.
    splits : list of (train, test)
        The outer ones.
    n_repeats : int
    confidence : float

    Returns
    -------
    NestedInterval or None
    """
    scores = _sample_scores(history)
    if scores is None:
        return None
    n_outer, n_samples = len(splits), sum(map(len, splits[0]))
    # Samples stand in their order, as in the pairs.
    outer = [s[np.argsort(test)] for s, (_, test) in zip(scores[:n_outer], splits, strict=True)]
    parts = (_by_repeat(items, n_repeats) for items in (splits, outer, scores[n_outer:]))
    folds, tables = [], []
    for repeat, alone, pairs in zip(*parts, strict=True):
        folds.append(fold_numbers(repeat, n_samples))
        tables.append(ncv_scores(folds[-1], alone + pairs))
    return ncv_interval(np.array(tables), np.array(folds), confidence=confidence)


def _by_repeat(items, n_repeats):
    n = len(items) // n_repeats
    return [items[i : i + n] for i in range(0, len(items), n)]


def _sample_scores(history):
    """Scores of the samples of each split; None where they do not make up its score."""
    folds = history.folds(0)
    failed = [fold for fold in folds.values() if not _is_whole(fold, history.metric)]
    if failed:
        warnings.warn(
            f"There is no interval: on {len(failed)} of {len(folds)} splits the search failed, or "
            "its score is not the mean of those of the samples.",
            stacklevel=7,  # the caller of fit
        )
    if failed or len(folds) < history.n_splits:
        return None
    return [folds[split].kept.sample_scores for split in range(history.n_splits)]


def _is_whole(fold, metric):
    scores = inner_of(fold).sample_scores
    return scores is not None and np.isclose(scores.mean(), fold.scores.get(metric, np.nan))
