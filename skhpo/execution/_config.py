"""How to run is a context, not an argument of a search."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

__all__ = ["current_config", "inside_a_fit", "is_inside_a_fit", "run_config"]


@dataclass(frozen=True)
class _Config:
    executor: object = None
    in_order: bool = True


_CONFIG = ContextVar("skhpo.run_config")
_INSIDE = ContextVar("skhpo.inside_a_fit", default=False)
_DEFAULT = _Config()


def is_inside_a_fit():
    """Return whether this is code of a fit that a search has started."""
    return _INSIDE.get()


@contextmanager
def inside_a_fit():
    """Mark what runs inside as a fit that a search has started."""
    token = _INSIDE.set(True)
    try:
        yield
    finally:
        _INSIDE.reset(token)


def current_config():
    """Return the settings that hold here and now."""
    return _CONFIG.get(_DEFAULT)


@contextmanager
def run_config(*, executor=None, in_order=None):
    """Say how the searches inside run. What is not given stays as it is.

    Parameters
    ----------
    executor : concurrent.futures.Executor, default=None
        Where fits run: anything whose ``submit`` returns futures, such as the pools of the
        standard library or of ``mpi4py``. It stays open. A search takes its number of workers
        from `n_jobs`, or from the executor when it has no `n_jobs` and the executor tells.
    in_order : bool, default=None
        True (the default outside): results are learned from in the order the fits were started,
        which makes a search reproducible. False: as they finish, which keeps workers busy when
        fits differ much in length; then two runs may differ.

    Yields
    ------
    None
        Searches that start in the body of ``with`` run so.

    See Also
    --------
    joblib.parallel_config : Chooses threads, processes or a cluster for scikit-learn and for
        the searches of this package alike.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpo import SearchCV, run_config
    >>> X, y = load_iris(return_X_y=True)
    >>> search = SearchCV(SVC(), {"C": [0.1, 1, 10]}, n_iter=3)
    >>> with ThreadPoolExecutor(2) as pool, run_config(executor=pool):
    ...     search.fit(X, y).best_params_
    {'C': 10}
    """
    given = {"executor": executor, "in_order": in_order}
    changes = {name: value for name, value in given.items() if value is not None}
    _check(**changes)
    token = _CONFIG.set(replace(current_config(), **changes))
    try:
        yield
    finally:
        _CONFIG.reset(token)


def _check(executor=None, in_order=True):
    is_pool = callable(getattr(executor, "submit", None)) and not isinstance(executor, type)
    if executor is not None and not is_pool:
        raise TypeError(
            "executor must have a submit method that returns futures, as concurrent.futures has "
            f"it; got {executor!r}. Pass a pool, not the class of a pool."
        )
    if not isinstance(in_order, bool):
        raise TypeError(
            f"in_order must be True, False, or None for what holds outside; got {in_order!r}. "
            "Pass False to use results as they come."
        )
