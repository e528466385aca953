"""Our ranking, from a history: pure, computed once, at the end."""

from __future__ import annotations

import math
from itertools import groupby

import numpy as np

from .optimizers import GaussianProcess

__all__ = ["fold_table", "partial_columns", "posterior_means", "ranks", "rung_columns"]


def rung_columns(history):
    """Return what rungs add to the results: ``iter``, ``bracket``, ``n_resources``, ``resumed``.

    Parameters
    ----------
    history : History

    Returns
    -------
    dict of str -> ndarray of shape (n_rows,)
    """
    table = [
        {**about, "n_resources": rung[1], "resumed": _is_resumed(history, rung)}
        for rung, about in history.rows
    ]
    return {name: np.array([row[name] for row in table]) for name in table[0]}


def fold_table(history, *, error_score=math.nan, train=False):
    """Lay out finished fits as scikit-learn's results want them: every split of every candidate.

    Parameters
    ----------
    history : History
    error_score : float, default=nan
        Shown as the score of a failed fit.
    train : bool, default=False
        Whether there are train scores.

    Returns
    -------
    candidate_params : list of dict
    out : list of dict
        ``n_splits`` entries a candidate; a fold that was not evaluated is NaN throughout.
    """
    names = _score_names(history)
    shown = math.nan if error_score == "raise" else float(error_score)
    missing = _entry(None, names, train, math.nan)
    out = []
    for rung, _ in history.rows:
        folds = history.folds(*rung)
        out.extend(
            _entry(folds[split], names, train, shown) if split in folds else missing
            for split in range(history.n_splits)
        )
    return [_params(history, *rung) for rung, _ in history.rows], out


def ranks(history, name):
    """Rank the rows of `fold_table` by one score: 1 is best, equal rows share a rank.

    The rule: not failed, then all folds finished, then more resource, then more finished folds,
    then the mean score.

    Parameters
    ----------
    history : History
    name : str
        Name of the score.

    Returns
    -------
    ndarray of shape (n_rows,), dtype int32
    """
    keys = [_rank_key(history, rung, name) for rung, _ in history.rows]
    order = sorted(range(len(keys)), key=keys.__getitem__, reverse=True)
    rank = np.empty(len(keys), dtype=np.int32)
    position = 1
    for _, group in groupby(order, key=keys.__getitem__):
        equal = list(group)
        rank[equal] = position
        position += len(equal)
    return rank


def partial_columns(history, names):
    """Return what fold stopping adds to the results.

    Parameters
    ----------
    history : History
    names : iterable of str
        Names of the scores.

    Returns
    -------
    dict of str -> ndarray of shape (n_rows,)
        ``n_splits_evaluated``, and ``partial_mean_test_<name>``: the mean over these splits.
    """
    rungs = [rung for rung, _ in history.rows]
    columns = {"n_splits_evaluated": np.array([len(history.folds(*rung)) for rung in rungs])}
    for name in names:
        means = [_mean(history, rung, name) for rung in rungs]
        columns[f"partial_mean_test_{name}"] = np.array(means)
    return columns


def posterior_means(history, space):
    """Return the score that a Gaussian process expects of each row, given all of them.

    A mean over folds is right by luck in part, and the best of many most of all; what the model
    expects at a setting rests on its neighbours too.

    Parameters
    ----------
    history : History
    space : SearchSpace

    Returns
    -------
    ndarray of shape (n_rows,)
        NaN for a setting that failed or lies outside the space.
    """
    told = [history.observation(history.candidates[i], amount) for (i, amount), _ in history.rows]
    means = np.array([o.score if o.point is not None else math.nan for o in told], dtype=float)
    usable = np.flatnonzero(np.isfinite(means))
    model = GaussianProcess().start(space, seed=0, n_iter=len(told))
    for k in usable:
        model.tell(told[k])
    is_modelled = any(dim.kind != "opaque" for dim in space.dims)
    if len(usable) > 1 and is_modelled:
        means[usable] = model.posterior(np.array([told[k].point for k in usable]))
    return means


def _is_resumed(history, rung):
    """Whether fits went on with the models of a rung below."""
    return any(fold.task.continues is not None for fold in history.folds(*rung).values())


def _params(history, candidate_id, amount):
    params = history.candidates[candidate_id].params
    return params if history.resource is None else {**params, history.resource: amount}


def _rank_key(history, rung, name):
    mean = _mean(history, rung, name)
    if math.isnan(mean):
        return (False,)
    resource = math.inf if rung[1] is None else rung[1]
    n_folds = len(history.folds(*rung))
    return True, n_folds == history.n_splits, resource, n_folds, mean


def _mean(history, rung, name):
    folds = history.folds(*rung)
    scores = [folds[split].scores.get(name, math.nan) for split in sorted(folds)]
    with np.errstate(invalid="ignore", over="ignore"):
        # numpy's mean, as scikit-learn's column has it: ties must be the same ties.
        return float(np.average(scores))


def _score_names(history):
    scored = (evaluation.scores for evaluation in history.evaluations if evaluation.scores)
    return tuple(next(scored, {"score": math.nan}))


def _entry(evaluation, names, train, failed_score):
    if evaluation is None:
        scores = train_scores = dict.fromkeys(names, math.nan)
        fit_time = score_time = math.nan
    else:
        failed_score = math.nan if evaluation.status == "ok" else failed_score
        scores = _fill(evaluation.scores, names, failed_score)
        train_scores = _fill(evaluation.train_scores or {}, names, failed_score) if train else {}
        fit_time, score_time = evaluation.fit_time, evaluation.score_time
    entry = {"fit_time": fit_time, "score_time": score_time, "test_scores": scores}
    return {**entry, "train_scores": train_scores} if train else entry


def _fill(scores, names, failed_score):
    values = ((name, scores.get(name, math.nan)) for name in names)
    return {name: failed_score if math.isnan(score) else score for name, score in values}
