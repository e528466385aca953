"""A nested cross-validation in words."""

from __future__ import annotations

import html
import math

import numpy as np
from sklearn.pipeline import Pipeline

from .._sklearn import BaseSearchCV, scorer_parts
from ._pointwise import own_scoring

__all__ = ["as_html", "summarise"]

_METHODS = {
    "corrected_t": "corrected resampled t",
    "ncv": "by nested cross-validation, around {estimate:.4g}",
}


def summarise(nested, search):
    """Return the lines of ``NestedCV.summary``."""
    lines = [
        _title(nested),
        _score_line(nested, search),
        _optimism_line(nested),
        _choices_line(nested),
        _refit_line(nested),
    ]
    return "\n".join(line for line in lines if line)


def as_html(text):
    """Return text as HTML that keeps its lines."""
    return f"<pre>{html.escape(text)}</pre>"


def _title(nested):
    folds = f"{nested.n_splits_} outer folds"
    if nested.n_repeats > 1:
        folds += f" in {nested.n_repeats} repeats"
    return f"Nested cross-validation of {_called(nested.estimator)}, {folds}"


def _called(estimator):
    if isinstance(estimator, Pipeline):
        return f"{_called(estimator.steps[-1][1])} in a Pipeline"
    if isinstance(estimator, BaseSearchCV):
        return f"{type(estimator).__name__} of {_called(estimator.estimator)}"
    return type(estimator).__name__


def _score_line(nested, search):
    scores = nested.outer_results_["outer_score"]
    missing = np.flatnonzero(np.isnan(scores))
    if len(missing):
        return f"No score: of {len(scores)} outer folds {_how_missing(nested, missing)}"
    text = f"Score of the tuned model ({_name(nested, search)}): {scores.mean():.4g}"
    interval = nested.score_interval_
    if interval is None:
        return text
    method = _METHODS[nested.interval].format(estimate=interval.estimate)
    return (
        f"{text}, {100 * interval.confidence:.4g} % interval "
        f"[{interval.low:.4g}, {interval.high:.4g}] ({method})"
    )


def _how_missing(nested, splits):
    done = nested.history_.folds(0)
    n_failed = sum(split in done for split in splits)
    parts = (n_failed, "the search failed on"), (len(splits) - n_failed, "it was not run on")
    return ", ".join(f"{words} {n}" for n, words in parts if n)


def _optimism_line(nested):
    optimism = nested.optimism_
    if optimism is None:
        return ""
    inner = nested.outer_results_["inner_score"].mean()
    verb, excess, low, high = "exceeds", optimism.estimate, optimism.low, optimism.high
    if excess < 0:
        verb, excess, low, high = "is below", -excess, -high, -low
    return (
        f"Best inner score: {inner:.4g}, which was chosen; it {verb} the score by "
        f"{excess:.4g} [{low:.4g}, {high:.4g}]"
    )


def _choices_line(nested):
    columns = ("param", "mode", "share", "low", "high", "n_folds")
    rows = zip(*(nested.stability_[column] for column in columns), strict=True)
    choices = [_choice(*row) for row in rows]
    return f"Chosen on the outer folds: {'; '.join(choices)}" if choices else ""


def _choice(name, mode, share, low, high, n_folds):
    n_times = round(share * n_folds)
    if n_times == 1 < n_folds:
        text = f"{name} another on each of {n_folds}"
    else:
        text = f"{name}={_short(mode)} on {n_times} of {n_folds}"
    if math.isnan(low) or low == high:
        return text
    return f"{text} (from {low:.4g} to {high:.4g})"


def _refit_line(nested):
    params = getattr(nested, "best_params_", None)
    if not params:
        return ""
    chosen = ", ".join(f"{name}={_short(value)}" for name, value in params.items())
    return f"Chosen on all samples, in the model to use: {chosen}"


def _short(value):
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    return str(value)


def _name(nested, search):
    """How the score is called."""
    if nested.multimetric_:
        return nested.history_.metric
    scoring = own_scoring(search) if nested.scoring is None else nested.scoring
    if scoring is None:
        return "the default score"
    return scoring if isinstance(scoring, str) else _name_of(scoring)


def _name_of(scorer):
    """Name of the function that a scorer calls."""
    metric, _, sign, _ = scorer_parts(scorer) or (scorer, None, 1, ())
    name = getattr(metric, "__name__", type(metric).__name__)
    return f"neg_{name}" if sign < 0 else name
