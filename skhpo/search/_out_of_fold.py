"""Out-of-fold predictions: kept of every fit, and scored again on bootstraps."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, field

import numpy as np
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier, is_regressor
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from .._sklearn import check_method_params
from ..execution._evaluator import indices_of
from ..statistics import bbc_interval, bbc_interval_from_predictions
from ..statistics._best import default_row
from ._pointwise import guiding_scorer, pointwise_of, response_methods

__all__ = ["OutOfFold", "Predict", "bbc_of", "make_predict", "out_of_fold"]


@dataclass(frozen=True)
class Predict:
    """Ask a fitted estimator; its answer as plain floats.

    Parameters
    ----------
    methods : tuple of str
        The first one that the estimator has is asked.
    classes : ndarray of shape (n_classes,) or None
        All labels. A label becomes its place among them; columns that a model lacks, because
        its training part lacked the class, are filled with the least that they can be.
    """

    methods: tuple
    classes: np.ndarray | None

    def __call__(self, estimator, X):
        """Return the predictions.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs), dtype float
            Of probabilities and decisions between two classes, those of the second.
        """
        method = self.method_of(estimator)
        answer = getattr(estimator, method)(X)
        if self.classes is None:
            return np.asarray(_side_by_side(answer), dtype=float)
        if method == "predict":
            return _codes(np.asarray(answer), self.classes)
        least = 0.0 if method == "predict_proba" else np.finfo(float).min
        table = _table(np.asarray(answer, dtype=float), estimator.classes_, self.classes, least)
        return table[:, 1] if len(self.classes) == 2 else table

    def method_of(self, estimator):
        """Return the method that is asked."""
        return next((m for m in self.methods if hasattr(estimator, m)), self.methods[0])


def _side_by_side(answer):
    """One table of the probabilities of several outputs, of binary ones those of the second."""
    if not isinstance(answer, list) or not answer or np.ndim(answer[0]) != 2:
        return answer
    if max(part.shape[1] for part in answer) <= 2:
        answer = [part[:, -1:] for part in answer]
    return np.hstack(answer)


def _codes(labels, classes):
    places = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    return np.where(classes[places] == labels, places, math.nan)


def _table(answer, own, classes, least):
    """A column for each class."""
    if answer.ndim == 1:
        answer = np.column_stack([-answer, answer])
    table = np.full((len(answer), len(classes)), least)
    table[:, np.searchsorted(classes, own)] = answer
    return table


def make_predict(search, job):
    """Return what asks for the predictions to keep, None when none are.

    Parameters
    ----------
    search : BaseSearch
        Its history knows which score guides.
    job : Job

    Raises
    ------
    ValueError
        When the estimator cannot be asked.
    """
    if search.store_predictions is False:
        return None
    methods = (search.store_predictions,)
    if search.store_predictions is True:
        methods = response_methods(guiding_scorer(job.scorer, search.history_.metric))
    if not any(hasattr(job.estimator, method) for method in methods):
        raise ValueError(
            f"store_predictions needs an estimator with {' or '.join(methods)}; got "
            f"{search.store_predictions!r} with {job.estimator!r}. Set it to False, or to a "
            "method that the estimator has."
        )
    return Predict(methods, _classes(job))


def _classes(job):
    y = None if job.y is None else np.asarray(job.y)
    if y is None or not is_classifier(job.estimator) or y.shape[1:] not in ((), (1,)):
        return None
    return np.unique(y)


@dataclass(frozen=True)
class OutOfFold:
    """What every candidate predicted for the samples that its models had not seen.

    Attributes
    ----------
    samples : ndarray of shape (n_predictions,)
        Which sample each prediction is of, by its place in the data.
    folds : ndarray of shape (n_predictions,)
        Number of the split it was a test sample of.
    y : ndarray of shape (n_predictions,) or (n_predictions, n_outputs)
        Its target.
    groups : ndarray of shape (n_predictions,) or None
        Its group.
    classes : ndarray of shape (n_classes,) or None
        Labels of a classifier: predicted labels are places among them, columns are in their
        order, and of two classes there are the probabilities of the second only.
    method : str
        "predict", "predict_proba" or "decision_function".
    predictions : ndarray of shape (n_rows, n_predictions) or (n_rows, n_predictions, n_outputs)
        A row for each of ``cv_results_``; NaN where a fit failed or was spared. It is laid out
        anew each time.
    """

    samples: np.ndarray
    folds: np.ndarray
    y: np.ndarray | None
    groups: np.ndarray | None
    classes: np.ndarray | None
    method: str
    score_params: dict = field(repr=False)
    history: object = field(repr=False)

    @property
    def predictions(self):
        found = [_predictions_of(self.history, rung) for rung, _ in self.history.rows]
        known = (part for parts in found for part in parts.values())
        shape = next((part.shape[1:] for part in known), ())
        table = np.full((len(found), len(self.samples), *shape), math.nan)
        for row, parts in zip(table, found, strict=True):
            for split, part in parts.items():
                row[self.folds == split] = part
        return table

    @property
    def scores(self):
        """Score on each fold that guided the search: (n_rows, n_splits)."""
        metric, splits = self.history.metric, range(self.history.n_splits)
        nothing = {}
        table = [
            [folds[s].scores.get(metric, math.nan) if s in folds else math.nan for s in splits]
            for folds in (self.history.folds(*rung) or nothing for rung, _ in self.history.rows)
        ]
        return np.array(table)


def _predictions_of(history, rung):
    folds = history.folds(*rung).items()
    return {split: fold.predictions for split, fold in folds if fold.predictions is not None}


def out_of_fold(history, job, predict):
    """Return what is kept beside the predictions themselves, which stand in the history."""
    tests = [indices_of(test) for _, test in job.splits]
    samples = np.concatenate(tests)
    folds = np.repeat(np.arange(len(tests)), [len(test) for test in tests])
    groups = job.routed.splitter.split.get("groups")
    return OutOfFold(
        samples,
        folds,
        None if job.y is None else np.asarray(job.y)[samples],
        None if groups is None else np.asarray(groups)[samples],
        predict.classes,
        predict.method_of(job.estimator),
        check_method_params(job.X, job.routed.scorer.score, indices=samples),
        history,
    )


# The score of a tuned model

_HASTE = {"assume_finite": True, "skip_parameter_validation": True}  # half of a metric's time


def bbc_of(search, *, baseline, n_bootstraps, confidence, random_state):
    """Return the interval of `BaseSearch.bbc_interval`."""
    kept = getattr(search, "out_of_fold_", None)
    if kept is None:
        raise ValueError(
            "bbc_interval needs out-of-fold predictions; this search has kept none. Fit it with "
            "store_predictions=True."
        )
    if callable(search.refit):
        raise ValueError(
            "bbc_interval is about the candidate with the best score; got a search whose refit, "
            f"{search.refit!r}, chooses otherwise. Use NestedCV for its score."
        )
    if kept.y is None:
        raise ValueError("bbc_interval needs a target to score predictions; got y=None in fit.")
    settings = {"confidence": confidence, "random_state": random_state}
    settings["baseline"] = _baseline_row(search) if baseline == "default" else baseline
    settings["samples"] = kept.samples if kept.groups is None else kept.groups
    settings["folds"] = kept.folds
    predictions = _contenders(search, kept)
    scorer = guiding_scorer(search.scorer_, kept.history.metric)
    scores = _sample_scores(kept, predictions, pointwise_of(scorer, search.estimator))
    if n_bootstraps is None:
        n_bootstraps = 200 if scores is None else 1000
    settings["n_bootstraps"] = n_bootstraps
    if scores is not None:
        return bbc_interval(scores, **settings)
    metric = _Again(scorer, kept, get_tags(search.estimator))
    with warnings.catch_warnings(), config_context(**_HASTE):
        warnings.simplefilter("ignore")  # of classes that a bootstrap lacks
        metric.check(predictions)
        return bbc_interval_from_predictions(
            metric,
            np.arange(len(kept.samples)),
            predictions,
            **settings,
        )


def _baseline_row(search):
    row = default_row(search)
    if row is None:
        raise ValueError(
            'baseline="default" needs a candidate that is the estimator\'s own setting; got none. '
            "Search with {} among the initial_params, or pass a row of cv_results_."
        )
    return row


def _contenders(search, kept):
    """Predictions of the candidates that may be chosen; NaN for those of lower rungs."""
    predictions = kept.predictions
    resources = search.cv_results_.get("n_resources")
    if resources is not None:
        predictions[np.asarray(resources) < np.max(resources)] = math.nan
    return predictions


def _sample_scores(kept, predictions, pointwise):
    """Score of each prediction; None when they do not make up the scores of the folds."""
    if pointwise is None or pointwise.method != kept.method or kept.score_params:
        return None
    y = kept.y if kept.classes is None else np.searchsorted(kept.classes, kept.y.ravel())
    classes = None if kept.classes is None else np.arange(len(kept.classes))
    scores = np.array([pointwise(y, row, classes) for row in predictions])
    missing = np.isnan(predictions).any(axis=tuple(range(2, predictions.ndim)))
    scores[missing] = math.nan
    return scores if _agree(_fold_means(scores, kept), kept.scores) else None


def _fold_means(scores, kept):
    folds = [scores[:, kept.folds == k] for k in range(kept.history.n_splits)]
    counts = np.column_stack([(~np.isnan(fold)).sum(axis=1) for fold in folds])
    sums = np.column_stack([np.nansum(fold, axis=1) for fold in folds])
    return np.where(counts, sums / np.maximum(counts, 1), math.nan)


def _agree(found, known):
    both = ~(np.isnan(found) | np.isnan(known))
    return np.allclose(found[both], known[both])


class _Again:
    """Ask a scorer for the score of predictions that were kept.

    Parameters
    ----------
    scorer : callable
    kept : OutOfFold
    tags : Tags
        Of the estimator that predicted.
    """

    def __init__(self, scorer, kept, tags):
        self._scorer = scorer
        self._kept = kept
        self._tags = tags

    def __call__(self, places, predictions):
        """Return the score of predictions at some places; NaN when there is none."""
        kept = self._kept
        classes = _outputs_classes(kept.y) if kept.classes is None else kept.classes
        estimator = _Remembered(kept.method, predictions, classes, self._tags)
        params = check_method_params(kept.samples, kept.score_params, indices=places)
        try:
            score = self._scorer(estimator, np.arange(len(places)), kept.y[places], **params)
        except (ValueError, AttributeError):  # such a score asks for something else
            return math.nan
        return score[kept.history.metric] if isinstance(score, dict) else score

    def check(self, predictions):
        """Raise unless the predictions make up the scores of the folds."""
        kept = self._kept
        folds = [np.flatnonzero(kept.folds == k) for k in range(kept.history.n_splits)]
        found = np.full(kept.scores.shape, math.nan)
        for row, own in zip(found, predictions, strict=True):
            known = ~np.isnan(own).any(axis=tuple(range(1, own.ndim)))
            for k, places in enumerate(fold[known[fold]] for fold in folds):
                if len(places):
                    row[k] = self(places, own[places])
        if np.isnan(found).all() or not _agree(found, kept.scores):
            raise ValueError(
                f"The score must follow from the predictions that were kept, of {kept.method}, and "
                f"from y; that of {self._scorer!r} does not. Set scoring to a metric of such "
                "predictions, or store_predictions to the method that it asks."
            )


def _outputs_classes(y):
    """Labels of each of several outputs, as estimators have them; None of a single one."""
    return [np.unique(column) for column in y.T] if y.ndim == 2 else None


def _is_kept(method):
    return available_if(lambda self: self.method == method)


class _Remembered(BaseEstimator):
    """An estimator that predicts what another one did; its samples are numbers of rows."""

    def __init__(self, method, values, classes, tags):
        self.method = method
        self.values = values
        self.classes_ = classes
        self.tags = tags

    def __sklearn_tags__(self):
        return self.tags

    def __sklearn_is_fitted__(self):
        return True

    @_is_kept("predict")
    def predict(self, X):
        """Return labels or numbers."""
        if not isinstance(self.classes_, np.ndarray):
            return self.values[X]
        return self.classes_[self.values[X].astype(int)]

    @_is_kept("predict_proba")
    def predict_proba(self, X):
        """Return probabilities of all classes."""
        values = self.values[X]
        return values if values.ndim > 1 else np.column_stack([1 - values, values])

    @_is_kept("decision_function")
    def decision_function(self, X):
        """Return decisions."""
        return self.values[X]

    def score(self, X, y, **params):
        """Return what scikit-learn's classifiers and regressors do."""
        mixin = ClassifierMixin if is_classifier(self) else RegressorMixin
        if not (is_classifier(self) or is_regressor(self)):
            raise ValueError("There is no default score of predictions alone.")
        return mixin.score(self, X, y, **params)
