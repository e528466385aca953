"""What a search leaves behind: its results, and what has to be said about failures."""

from __future__ import annotations

import math
import warnings
from threading import Lock

import numpy as np

from .._sklearn import warn_or_raise_about_fit_failures
from ..results import fold_table, partial_columns, posterior_means, ranks, rung_columns
from ..space import SearchSpace
from ._pointwise import named_by

__all__ = ["any_success", "check_success", "tabulate", "warn_non_finite"]

_FILTERS = Lock()  # threads share the warning filters


def tabulate(search):
    """Return ``cv_results_``: scikit-learn's columns, our ranking, and what features add."""
    history = search.history_
    candidate_params, out = fold_table(
        history, error_score=search.error_score, train=search.return_train_score
    )
    with _FILTERS, warnings.catch_warnings(), np.errstate(invalid="ignore", over="ignore"):
        # Said by `warn_non_finite`, once it is known that the search succeeded.
        warnings.filterwarnings("ignore", "One or more of the (test|train) scores")
        results = search._format_results(candidate_params, search.n_splits_, out)
    names = list(out[0]["test_scores"])
    results.update({f"rank_test_{name}": ranks(history, name) for name in names})
    if search.fold_stopping is not None:
        results.update(partial_columns(history, names))
    if any(about for _, about in history.rows):
        results.update(rung_columns(history))
    if "posterior_mean" in getattr(search.refit, "columns", ()):
        space = SearchSpace(search.param_distributions, constraint=search.constraint)
        results["posterior_mean"] = posterior_means(history, space)
    return results


def check_success(search):
    """Warn of fits that failed; raise when nothing succeeded."""
    evaluations = search.history_.evaluations
    # A failed scorer is not a failed fit: scikit-learn has warned of it already.
    outcomes = [{"fit_error": None if e.scores else e.error} for e in evaluations]
    if not evaluations:
        raise ValueError(
            "No fits were performed: stopping must let at least one fit start, got "
            f"stopping={search.stopping!r}. Loosen it."
        )
    warn_or_raise_about_fit_failures(outcomes, search.error_score)
    if not any_success(search):
        errors = [e.error for e in evaluations if e.error] or ["The scorer returned NaN."]
        raise ValueError(
            f"No candidate got a score: all {len(evaluations)} fits or their scoring "
            'failed. Set error_score="raise" to debug. The first failure:\n' + errors[0]
        )


def warn_non_finite(search):
    """Warn of means that are not finite although no fold is missing; or that each lacks one."""
    history = search.history_
    whole = [len(history.folds(*rung)) == history.n_splits for rung, _ in history.rows]
    if not any(whole):
        warnings.warn(
            f"No candidate was evaluated on all {history.n_splits} splits before the search was "
            "stopped: best_params_ are the best of what is known, and mean scores are NaN.",
            stacklevel=3,
        )
    for column, means in search.cv_results_.items():
        kind = column.removeprefix("mean_")
        if column.startswith(("mean_test_", "mean_train_")) and not np.isfinite(means[whole]).all():
            kind = kind.partition("_")[0]
            warnings.warn(f"One or more of the {kind} scores are non-finite: {means}", stacklevel=3)


def any_success(search):
    """Whether any candidate got the score that matters."""
    scored = [e.scores for e in search.history_.evaluations]
    if search.multimetric_ and (name := named_by(search.refit)) is not None:
        scored = [{name: scores.get(name, math.nan)} for scores in scored]
    return any(not math.isnan(score) for scores in scored for score in scores.values())
