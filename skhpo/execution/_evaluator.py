"""One fit: a task goes in, an evaluation comes out."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import wraps
from traceback import format_exc

import numpy as np
from sklearn.base import clone

from .._records import Evaluation
from .._sklearn import (
    MultimetricScorer,
    bare_context,
    fit_and_score,
    safe_split,
    terminated_worker_error,
)
from ._config import inside_a_fit

__all__ = ["FIT", "Evaluator", "indices_of", "number_of"]

FIT = "candidate-split-evaluation"  # scikit-learn's name of a fit, for callbacks


class Evaluator:
    """Clone, set the parameters, fit, score, with scikit-learn's own conventions.

    Parameters
    ----------
    estimator : estimator
        Never fitted or changed.
    X, y : array-like
    splits : list of (train, test)
        Index arrays.
    scorer : callable
        What ``BaseSearchCV`` makes of ``scoring``.
    fit_params, score_params : dict
    error_score : "raise" or float
    return_train_score : bool
    verbose : int
    n_candidates : int
        For the lines that ``verbose`` prints.
    keep : callable, default=None
        ``keep(estimator, task, X_test, y_test)``: what to keep of a fitted estimator.
    predict : callable, default=None
        ``predict(estimator, X_test)``: predictions to keep, an array of floats.
    limit : callable, default=None
        ``limit(params, task, train, test)``: holds a fit to its amount of the resource.
    continuation : Continuation, default=None
        Lets fits go on with the models of others.
    context : callback context, default=None
        Of the search, bare.
    """

    def __init__(
        self,
        estimator,
        X,
        y,
        splits,
        *,
        scorer,
        fit_params,
        score_params,
        error_score,
        return_train_score,
        verbose,
        n_candidates,
        keep=None,
        predict=None,
        limit=None,
        continuation=None,
        context=None,
    ):
        self.estimator = estimator
        self.X = X
        self.y = y
        self.splits = splits
        self.scorer = scorer
        self.fit_params = fit_params
        self.score_params = score_params
        self.error_score = error_score
        self.return_train_score = return_train_score
        self.verbose = verbose
        self.n_candidates = n_candidates
        self.keep = keep
        self.predict = predict
        self.limit = limit
        self.continuation = continuation
        self.context = context

    def __call__(self, task):
        """Return the evaluation of a task; raise only with ``error_score="raise"``."""
        try:
            # The values are cloned as well: they may be estimators themselves.
            params = clone(task.candidate.params, safe=False)
            params, train, test = self._limited(params, task)
            estimator = clone(self.estimator).set_params(**params)
        except Exception:
            if self.error_score == "raise":
                raise
            return Evaluation(task, {}, 0.0, 0.0, "failed", format_exc())
        with inside_a_fit():
            if task.continues is None and not task.goes_on:
                return self._fit_and_score(estimator, params, task, train, test)
            fit = self.continuation.begin(estimator, task)
            evaluation = self._fit_and_score(fit.model, params, task, train, test)
            if task.goes_on and evaluation.scores:
                fit.save()
            return evaluation

    def _limited(self, params, task):
        train, test = self.splits[task.split]
        if task.resource is None:
            return params, train, test
        return self.limit(params, task, train, test)

    def lost(self, task, status, error):
        """Return the evaluation of a task whose fit was killed; raise with "raise"."""
        if self.error_score == "raise":
            raise terminated_worker_error(error)
        return Evaluation(task, {}, 0.0, 0.0, status, error)

    def _fit_and_score(self, estimator, params, task, train, test):
        errors = []
        out = fit_and_score(
            estimator,
            self.X,
            self.y,
            scorer=_recording(self.scorer, errors),
            train=train,
            test=test,
            verbose=self.verbose,
            # Set already; scikit-learn prints them. What was set may have changed by that.
            parameters={**params, **task.candidate.params} if self.verbose > 1 else None,
            fit_params=self.fit_params,
            score_params=self.score_params,
            return_train_score=self.return_train_score,
            return_times=True,
            split_progress=(task.split, len(self.splits)),
            candidate_progress=(task.candidate.id, self.n_candidates),
            error_score=_error_score(self.error_score),
            **self._callbacks(task),
        )
        evaluation = _evaluation(task, out, errors)
        if out["fit_error"] or (self.keep is None and self.predict is None):
            return evaluation
        test_data = safe_split(estimator, self.X, self.y, test, train)
        if self.keep is not None:
            evaluation = replace(evaluation, kept=self.keep(estimator, task, *test_data))
        if self.predict is not None:
            evaluation = self._with_predictions(evaluation, estimator, test_data[0], test)
        return evaluation

    def _callbacks(self, task):
        if self.context is None:
            return {}
        # Each fit has a branch of its own: what it adds to the tree is gone with it.
        number = number_of(task, len(self.splits))
        leaf = bare_context(self.context).subcontext(task_name=FIT, task_id=number)
        return {"callback_ctx": leaf}

    def _with_predictions(self, evaluation, estimator, X_test, test):
        try:
            predictions = self.predict(estimator, X_test)
        except Exception:
            if self.error_score == "raise":
                raise
            return replace(evaluation, status="failed", error=format_exc())
        whole = self.splits[evaluation.task.split][1]
        return replace(evaluation, predictions=_spread(predictions, test, whole))


def number_of(task, n_splits):
    """Return the number of a fit among those of its search, for callbacks."""
    level = 0 if task.resource is None else int(task.resource)
    return (level << 32) + task.candidate.id * n_splits + task.split


def _spread(predictions, part, whole):
    """Lay out predictions of a part of the test samples like all of them, NaN for the others."""
    if part is whole:
        return predictions
    part, whole = indices_of(part), indices_of(whole)
    order = np.argsort(whole)
    table = np.full((len(whole), *predictions.shape[1:]), math.nan)
    table[order[np.searchsorted(whole, part, sorter=order)]] = predictions
    return table


def indices_of(samples):
    """Return what a splitter gave, a mask perhaps, as indices."""
    samples = np.asarray(samples)
    return np.flatnonzero(samples) if samples.dtype == bool else samples


class _ErrorScore(float):
    """The user's error_score, told apart from the same number as an honest score."""


def _error_score(error_score):
    return error_score if error_score == "raise" else _ErrorScore(error_score)


def _evaluation(task, out, errors):
    error = out["fit_error"] or "\n".join(errors) or None
    failed_fit = out["fit_error"] is not None
    train_scores = out.get("train_scores")
    return Evaluation(
        task,
        {} if failed_fit else _scores(out["test_scores"]),
        out["fit_time"],
        out["score_time"],
        "ok" if error is None else "failed",
        error,
        None if failed_fit or train_scores is None else _scores(train_scores),
        multimetric=isinstance(out["test_scores"], dict),
    )


def _scores(scores):
    """Scores by name, NaN where scoring failed."""
    by_name = scores if isinstance(scores, dict) else {"score": scores}
    return {
        name: math.nan if isinstance(score, _ErrorScore) else float(score)
        for name, score in by_name.items()
    }


def _recording(scorer, errors):
    """Return a scorer that notes the tracebacks scikit-learn only warns about."""
    if isinstance(scorer, MultimetricScorer):
        return _RecordingMultimetricScorer(scorer, errors)

    @wraps(scorer, updated=())  # errors name the user's
    def recording_scorer(estimator, *args, **kwargs):
        try:
            return scorer(estimator, *args, **kwargs)
        except Exception:
            errors.append(format_exc())
            raise

    return recording_scorer


class _RecordingMultimetricScorer(MultimetricScorer):
    def __init__(self, scorer, errors):
        vars(self).update(vars(scorer))
        self._errors = errors

    def __call__(self, estimator, *args, **kwargs):
        scores = super().__call__(estimator, *args, **kwargs)
        self._errors.extend(score for score in scores.values() if isinstance(score, str))
        return scores
