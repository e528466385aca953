"""The single door to private names of scikit-learn and joblib.

What a release renames or moves is mended here and nowhere else.
"""

import signal
import warnings
from contextlib import contextmanager, nullcontext
from copy import copy
from inspect import signature

from joblib._utils import eval_expr
from joblib.parallel import ParallelBackendBase
from sklearn.base import _fit_context
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.model_selection._validation import (
    _fit_and_score,
    _warn_or_raise_about_fit_failures,
)
from sklearn.utils import _safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import _check_method_params

try:
    from joblib.externals import cloudpickle
except ImportError:  # joblib 1.6 depends on it instead of shipping it
    import cloudpickle

__all__ = [
    "BaseSearchCV",
    "CloudPickler",
    "HasMethods",
    "Interval",
    "MultimetricScorer",
    "PassthroughScorer",
    "StrOptions",
    "bare_context",
    "bins_kept",
    "by_value_modules",
    "callback_context",
    "check_method_params",
    "epochs_at_once",
    "eval_expr",
    "fit_and_score",
    "fit_context",
    "has_stalled",
    "safe_indexing",
    "safe_split",
    "scorer_parts",
    "start_process",
    "terminated_worker_error",
    "warn_or_raise_about_fit_failures",
    "warning_filters",
    "with_config_and_filters",
    "worker_env",
]

CloudPickler = cloudpickle.CloudPickler
MultimetricScorer = _MultimetricScorer
PassthroughScorer = _PassthroughScorer
by_value_modules = cloudpickle.list_registry_pickle_by_value
check_method_params = _check_method_params
fit_and_score = _fit_and_score
fit_context = _fit_context
safe_indexing = _safe_indexing
safe_split = _safe_split
worker_env = ParallelBackendBase._prepare_worker_env
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


def scorer_parts(scorer):
    """Return metric, its arguments, sign and methods asked of a scorer; None if it is another's."""
    if not isinstance(scorer, _BaseScorer):
        return None
    methods = scorer._response_method
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    return scorer._score_func, scorer._kwargs, scorer._sign, methods


def callback_context(estimator, max_subtasks):
    """Return the root of the tree of callback contexts of an estimator's fit."""
    if not hasattr(estimator, "_init_callback_context"):
        return _NullContext()
    return estimator._init_callback_context(max_subtasks=max_subtasks)


def bare_context(context):
    """Return a callback context that knows its ancestors, but no siblings, children or callbacks.

    It is what a worker can have of the tree: enough for callbacks of an estimator to tell which
    fit of which search they are called in. None where scikit-learn has no callbacks.
    """
    if isinstance(context, _NullContext):
        return None
    bare = copy(context)
    bare._callbacks, bare._children_map = [], {}
    bare.parent = None if context.parent is None else bare_context(context.parent)
    return bare


def warning_filters():
    """Return the warning filters that hold here and now."""
    # Python 3.14 may keep them in a context variable.
    filters = getattr(warnings, "_get_filters", lambda: warnings.filters)()
    # scikit-learn takes none for a mistake; this is what none means.
    return list(filters) or [("default", None, Warning, None, 0)]


def with_config_and_filters(function, config, filters):
    """Return `function` such that it runs under a configuration and warning filters."""
    wrapper, _, _ = delayed(function)()
    return wrapper.with_config_and_warning_filters(config, filters)


def start_process(target, args, env):
    """Start a process of loky's kind, which does not import ``__main__``.

    Its environment has the variables `env` on top, set before any module is loaded.
    """
    # Where processes cannot be had, nobody comes here.
    from joblib.externals.loky.backend import get_context, resource_tracker

    resource_tracker.ensure_running()
    process = get_context("loky").Process(target=target, args=args, env=env)
    with _interrupts_blocked():
        process.start()
    return process


@contextmanager
def _interrupts_blocked():
    """A process that starts inherits the mask: Ctrl-C finds it already deaf."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def epochs_at_once(estimator, n_epochs):
    """Let ``partial_fit`` do many epochs in one call, where it can; give how many it does."""
    inner = getattr(estimator, "_partial_fit", None)
    if inner is None or "max_iter" not in signature(inner).parameters:
        yield 1
        return
    # Of stochastic gradient descent, where the public method says max_iter=1.
    estimator._partial_fit = lambda *args, **kwargs: inner(
        *args, **{**kwargs, "max_iter": n_epochs}
    )
    try:
        yield n_epochs
    finally:
        del estimator._partial_fit


@contextmanager
def bins_kept(estimator):
    """Let gradient boosting on histograms fit again with the bins that it has, for the same X."""
    bins = getattr(estimator, "_bin_mapper", None)
    if bins is None:
        yield
        return
    inner = estimator._bin_data

    def bin_data(X, *args, is_training_data, **kwargs):
        estimator._bin_mapper = bins
        if is_training_data:
            return bins.transform(X)
        return inner(X, *args, is_training_data=False, **kwargs)

    estimator._bin_data = bin_data
    try:
        yield
    finally:
        del estimator._bin_data


def has_stalled(estimator):
    """Whether an estimator's own rule against useless iterations would end its fit here."""
    if getattr(estimator, "do_early_stopping_", False):  # gradient boosting on histograms
        validated = estimator._use_validation_data
        scores = estimator.validation_score_ if validated else estimator.train_score_
        return bool(estimator._should_stop(scores))
    if hasattr(estimator, "_no_improvement_count"):  # multi-layer perceptrons
        return estimator._no_improvement_count > estimator.n_iter_no_change
    return False


def terminated_worker_error(message):
    """Return what joblib raises when a worker dies."""
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    return TerminatedWorkerError(message)
