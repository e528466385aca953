"""What the rules and corrections read from ``cv_results_``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Field", "field_of"]


@dataclass(frozen=True)
class Field:
    """The candidates that may be chosen: finished on all folds, at the largest resource."""

    rows: np.ndarray  # (n,) of cv_results_
    means: np.ndarray  # (n,)
    scores: np.ndarray  # (n, n_folds)


def field_of(search, scoring):
    """Read the candidates and one score from a fitted search or its ``cv_results_``."""
    results = getattr(search, "cv_results_", search)
    if not hasattr(results, "keys"):
        raise ValueError(
            "search must be a fitted search or its cv_results_; got an object of type "
            f"{type(search).__name__}. Call fit first."
        )
    name = _score_name(search, results, scoring)
    scores = _split_scores(results, name)
    rows = np.flatnonzero(np.isfinite(scores).all(axis=1))
    if "n_resources" in results and len(rows):
        resources = np.asarray(results["n_resources"])[rows]
        rows = rows[resources == resources.max()]
    means = np.asarray(results[f"mean_test_{name}"], dtype=float)
    rows = rows[_has_succeeded(results, name, rows, means[rows])]
    if not len(rows):
        raise ValueError(
            f"At least one candidate must have a finite {name!r} on every fold; got none of "
            f"{len(scores)}. Look at the failures, or stop fewer folds."
        )
    return Field(rows, means[rows], scores[rows])


def _has_succeeded(results, name, rows, means):
    """Whether rows rank by their means: our searches rank failures last, whatever error_score."""
    if (key := f"rank_test_{name}") not in results:
        return np.full(len(rows), True)
    ranks = np.asarray(results[key])[rows]
    lowest = {rank: means[ranks < rank].min(initial=np.inf) for rank in np.unique(ranks)}
    return means <= [lowest[rank] for rank in ranks]


def _score_name(search, results, scoring):
    prefix = "mean_test_"
    names = [name.removeprefix(prefix) for name in results if name.startswith(prefix)]
    refit = getattr(search, "refit", None)
    if scoring is None and isinstance(refit, str) and refit in names:
        return refit
    if scoring is None and len(names) == 1:
        return names[0]
    if scoring not in names:
        raise ValueError(
            f"scoring must be one of the scores of the search, {names}; got {scoring!r}. Name one."
        )
    return scoring


def _split_scores(results, name):
    columns = []
    while (key := f"split{len(columns)}_test_{name}") in results:
        columns.append(np.asarray(results[key], dtype=float))
    if not columns:
        raise ValueError(
            f"cv_results_ must hold the scores of the folds; got no column {key!r}. Pass all "
            "columns."
        )
    return np.column_stack(columns)
