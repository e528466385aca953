"""What the outer folds of a nested cross-validation say: pure functions of what they left."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..space import SearchSpace
from ..statistics import corrected_t_interval, paired_comparison, parameter_stability
from ..statistics._intervals import ratio_of

__all__ = [
    "Keep",
    "inner_of",
    "inner_score",
    "optimism_of",
    "outer_table",
    "score_interval",
    "stability",
]


@dataclass(frozen=True)
class Inner:
    """What is kept of a search that was fitted on an outer training set."""

    results: dict | None = None
    best_params: dict | None = None
    score: float = math.nan
    estimator: object = None
    predictions: np.ndarray | None = None
    sample_scores: np.ndarray | None = None


@dataclass(frozen=True)
class Keep:
    """Take from a fitted search what the report needs, where it was fitted.

    Parameters
    ----------
    search_of : callable
        Finds the search in an estimator.
    n_splits : int
        Of a split from this number on only scores of samples are kept.
    estimators, predictions : bool
    pointwise : Pointwise or None
    """

    search_of: object
    n_splits: int
    estimators: bool
    predictions: bool
    pointwise: object = None

    def __call__(self, estimator, task, X_test, y_test):
        """Return what is kept."""
        scores = None
        if self.pointwise is not None:
            scores = _sample_scores(self.pointwise, estimator, X_test, y_test)
        if task.split >= self.n_splits:
            return Inner(sample_scores=scores)
        search = self.search_of(estimator)
        return Inner(
            getattr(search, "cv_results_", None),
            getattr(search, "best_params_", None),
            inner_score(search),
            estimator if self.estimators else None,
            estimator.predict(X_test) if self.predictions else None,
            scores,
        )


def _sample_scores(pointwise, estimator, X, y):
    predicted = np.asarray(getattr(estimator, pointwise.method)(X))
    classes = estimator.classes_ if pointwise.method == "predict_proba" else None
    return pointwise(np.asarray(y), predicted, classes)


def inner_score(search):
    """Score that made a search choose; NaN when it does not tell."""
    score = getattr(search, "best_score_", None)
    if score is None:  # with a callable refit
        means = getattr(search, "cv_results_", {}).get("mean_test_score")
        score = math.nan if means is None else means[search.best_index_]
    return float(score)


def outer_table(folds, n_splits, metric, *, comparable, keep):
    """Lay out the outer folds, one entry each.

    Parameters
    ----------
    folds : dict of int -> Evaluation
    n_splits : int
    metric : str
        The outer score.
    comparable : bool
        Whether the inner score is of the same kind.
    keep : Keep

    Returns
    -------
    dict of str -> list or ndarray
    """
    inner = [inner_of(folds.get(split)) for split in range(n_splits)]
    outer_scores = np.array([_score(folds.get(split), metric) for split in range(n_splits)])
    inner_scores = np.array([fold.score for fold in inner])
    table = {
        "outer_score": outer_scores,
        "inner_score": inner_scores,
        "optimism": inner_scores - outer_scores if comparable else np.full(n_splits, math.nan),
        "best_params": [fold.best_params for fold in inner],
        "inner_results": [fold.results for fold in inner],
    }
    if keep.estimators:
        table["estimator"] = [fold.estimator for fold in inner]
    if keep.predictions:
        table["predictions"] = [fold.predictions for fold in inner]
    return table


def inner_of(fold):
    """Return what was kept of a fold, nothing where it failed."""
    return Inner() if fold is None or fold.kept is None else fold.kept


def _score(fold, metric):
    return math.nan if fold is None else fold.scores.get(metric, math.nan)


def score_interval(table, splits, confidence):
    """Corrected t interval of the outer scores, None where there is none."""
    scores = table["outer_score"]
    if len(scores) < 2 or not np.isfinite(scores).all():
        return None
    ratio = ratio_of(splits)
    return corrected_t_interval(scores, test_train_ratio=ratio, confidence=confidence)


def optimism_of(table, splits, confidence):
    """Inner minus outer scores with an interval, None where there is none."""
    if len(splits) < 2 or not np.isfinite(table["optimism"]).all():
        return None
    return paired_comparison(
        table["inner_score"],
        table["outer_score"],
        test_train_ratio=ratio_of(splits),
        confidence=confidence,
    )


def stability(table, search):
    """Table of the parameters chosen on the outer folds."""
    chosen = [params for params in table["best_params"] if params is not None]
    return parameter_stability(chosen, space=_space(search))


def _space(search):
    """The space of a search, None when it is not one of ours."""
    searched = getattr(search, "param_distributions", getattr(search, "param_grid", None))
    try:
        return SearchSpace(searched)
    except (TypeError, ValueError, AttributeError):
        return None
