"""The single door to private names of scikit-learn and joblib.

What a release renames or moves is mended here and nowhere else.
"""

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
