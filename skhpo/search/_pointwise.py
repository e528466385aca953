"""Scores that are means over samples, sample by sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from sklearn import metrics
from sklearn.base import is_classifier, is_regressor
from sklearn.pipeline import Pipeline

from .._sklearn import PassthroughScorer, scorer_parts

__all__ = [
    "POINTWISE_NAMES",
    "Pointwise",
    "guiding_scorer",
    "named_by",
    "own_scoring",
    "pointwise_of",
    "response_methods",
    "score_names",
]


def _right(y, predicted, classes):
    right = y == predicted
    return right.all(axis=1) if right.ndim > 1 else right


def _wrong(y, predicted, classes):
    return ~_right(y, predicted, classes)


def _squared(y, predicted, classes):
    return _per_sample((y - predicted) ** 2)


def _absolute(y, predicted, classes):
    return _per_sample(abs(y - predicted))


def _log_loss(y, predicted, classes):
    eps = np.finfo(predicted.dtype).eps
    return -_rows(xlogy(_indicator(y, classes), np.clip(_both(predicted), eps, 1 - eps)))


def _brier(y, predicted, classes):
    loss = _rows((_indicator(y, classes) - _both(predicted)) ** 2)
    return loss / 2 if len(classes) == 2 else loss


def _flat(table):
    """A column as what it holds: beside a vector it would spread out."""
    return table[:, 0] if table.ndim == 2 and table.shape[1] == 1 else table


def _per_sample(loss):
    return _rows(loss) / loss.shape[1] if loss.ndim > 1 else loss


def _rows(table):
    return table.sum(axis=1)


def _indicator(y, classes):
    return (y[:, None] == classes).astype(float)


def _both(probability):
    """Probabilities of two classes from that of the second one; of more classes as they are."""
    if probability.ndim > 1:
        return probability
    return np.column_stack([1 - probability, probability])


# Metric: what it takes of an estimator, and its value for each sample.
_METRICS = {
    metrics.accuracy_score: ("predict", _right),
    metrics.zero_one_loss: ("predict", _wrong),
    metrics.mean_squared_error: ("predict", _squared),
    metrics.mean_absolute_error: ("predict", _absolute),
    metrics.log_loss: ("predict_proba", _log_loss),
    metrics.brier_score_loss: ("predict_proba", _brier),
}
POINTWISE_NAMES = (
    "accuracy, neg_log_loss, neg_brier_score, neg_mean_squared_error, neg_mean_absolute_error"
)


@dataclass(frozen=True)
class Pointwise:
    """A score whose value on some samples is the mean of its values on each.

    Parameters
    ----------
    method : str
        What it takes of an estimator.
    function : callable
    sign : int
        -1 where the metric is a loss.
    """

    method: str
    function: object
    sign: int

    def __call__(self, y, predicted, classes):
        """Return the score of each sample; larger is better.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        predicted : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Labels, numbers, or probabilities: of two classes that of the second.
        classes : ndarray of shape (n_classes,) or None
        """
        if self.method == "predict":
            predicted = _flat(predicted)
        return self.sign * self.function(_flat(y), predicted, classes).astype(float)


def pointwise_of(scorer, estimator):
    """Return how a scorer scores single samples, None when it does not.

    Parameters
    ----------
    scorer : callable
        One of scikit-learn's, else the answer is None.
    estimator : estimator
        What it scores.
    """
    if isinstance(scorer, PassthroughScorer):
        return Pointwise("predict", _right, 1) if _default_score(estimator) == "accuracy" else None
    metric, arguments, sign, methods = scorer_parts(scorer) or (None, None, None, ())
    method, function = _METRICS.get(metric, (None, None))
    return None if arguments or method not in methods else Pointwise(method, function, sign)


def response_methods(scorer):
    """Return the methods of an estimator that a scorer asks, in its order of preference."""
    parts = scorer_parts(scorer)
    return ("predict",) if parts is None else parts[-1]


def guiding_scorer(scorer, metric):
    """Return the one of several scorers that goes by the name of a metric, else the first."""
    scorers = getattr(scorer, "_scorers", scorer)
    if not isinstance(scorers, dict):
        return scorers
    return scorers[metric] if metric in scorers else next(iter(scorers.values()))


def own_scoring(search):
    """Return what a search goes by: a name where it has one, also for scikit-learn's ``score``.

    Parameters
    ----------
    search : BaseSearchCV

    Returns
    -------
    str, callable or None
    """
    if search.scoring is None:
        return _default_score(search.estimator)
    name = None if isinstance(search.scoring, str) else named_by(search.refit)
    return search.scoring if name is None else name


def score_names(scoring, scorer):
    """Return the names of the scores; None where a callable tells them when it is called."""
    return None if callable(scoring) else list(getattr(scorer, "_scorers", ["score"]))


def named_by(refit):
    """Return the name of the score that ``refit`` gives, a rule perhaps; None when it does not."""
    name = refit if isinstance(refit, str) else getattr(refit, "scoring", None)
    return name if isinstance(name, str) else None


def _default_score(estimator):
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    score = getattr(type(estimator), "score", None)
    if not getattr(score, "__module__", "").startswith("sklearn."):
        return None
    return "accuracy" if is_classifier(estimator) else "r2" if is_regressor(estimator) else None
