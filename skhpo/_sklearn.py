"""The single door to private names of scikit-learn and joblib.

What a release renames or moves is mended here and nowhere else.
"""

from contextlib import nullcontext

from joblib._utils import eval_expr
from sklearn.base import _fit_context
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import (
    _fit_and_score,
    _warn_or_raise_about_fit_failures,
)
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _check_method_params

__all__ = [
    "BaseSearchCV",
    "HasMethods",
    "Interval",
    "MultimetricScorer",
    "StrOptions",
    "callback_context",
    "check_method_params",
    "eval_expr",
    "fit_and_score",
    "fit_context",
    "warn_or_raise_about_fit_failures",
]

MultimetricScorer = _MultimetricScorer
check_method_params = _check_method_params
fit_and_score = _fit_and_score
fit_context = _fit_context
warn_or_raise_about_fit_failures = _warn_or_raise_about_fit_failures


class _NullContext:
    """What stands in for a callback context where scikit-learn has none (before 1.9)."""

    def subcontext(self, **kwargs):
        return self

    def call_on_fit_task_begin(self, **kwargs):
        return self

    def call_on_fit_task_end(self, **kwargs):
        return False

    def propagate_callback_context(self, estimator):
        return nullcontext()


def callback_context(estimator, max_subtasks):
    """Return the root of the tree of callback contexts of an estimator's fit."""
    if not hasattr(estimator, "_init_callback_context"):
        return _NullContext()
    return estimator._init_callback_context(max_subtasks=max_subtasks)
