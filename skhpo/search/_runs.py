"""Fits, and the run of a journal that keeps them."""

from __future__ import annotations

import platform
from concurrent.futures import Future
from contextlib import nullcontext
from functools import cached_property
from os import PathLike

import numpy
import scipy
import sklearn

from ..execution._config import is_inside_a_fit
from ..fingerprint import fingerprint
from ..journal import Journal
from ._pointwise import named_by

__all__ = ["Fits", "open_run"]


class _NoLog:
    """What stands in for the log of a run where there is no journal."""

    resumed = False

    def recall(self, task):
        return None

    def append(self, evaluation):
        pass

    def finish(self, n_candidates):
        pass


def open_run(search, job, fit_params):
    """Return the log of this run, a context manager; one that keeps nothing without a journal.

    Parameters
    ----------
    search : BaseSearch
    job : what one call of ``fit`` works on
    fit_params : dict
        Metadata given to ``fit``.
    """
    if search.journal is None:
        return nullcontext(_NoLog())
    # A path has an open method too.
    is_path = isinstance(search.journal, (str, PathLike))
    journal = Journal(search.journal) if is_path else search.journal
    header = {
        "seed": job.seed,
        "window": job.window,
        "n_iter": job.planned["n_iter"] if job.planned else search.n_iter,
        "splits": job.splits,
        "metric": named_by(search.refit),
        "versions": _versions(),
    }
    return journal.open(
        type(search).__name__,
        _parts(search, job, fit_params),
        header,
        inside=is_inside_a_fit(),
    )


def _parts(search, job, fit_params):
    """Digests of everything the answer depends on, by the name a user knows it under."""
    parts = {
        "data": (job.X, job.y),
        "metadata": fit_params,
        "splits": job.cv,
        "estimator": search.estimator,
        "space": search.param_distributions,
        "constraint": search.constraint,
        "initial_params": search.initial_params,
        "optimizer": job.optimizer,
        "scheduler": job.scheduler,
        "fold_stopping": search.fold_stopping,
        "scoring": (
            # The first of several scores may guide: their order matters.
            list(search.scoring.items()) if isinstance(search.scoring, dict) else search.scoring,
            named_by(search.refit),
            search.return_train_score,
        ),
        "error_score": search.error_score,
        "store_predictions": search.store_predictions,
        "seed": search.random_state,
    }
    return {name: fingerprint(value, name) for name, value in parts.items()}


def _versions():
    modules = {"numpy": numpy, "scipy": scipy, "scikit-learn": sklearn}
    versions = {name: module.__version__ for name, module in modules.items()}
    return {"python": platform.python_version(), **versions}


class Fits:
    """Starts fits in the pool unless the journal has them already, and keeps what comes back."""

    def __init__(self, pool, evaluator, log, hooks, history, learn, verbose):
        self._pool = pool
        self._evaluator = evaluator
        self._log = log
        self._hooks = hooks
        self._history = history
        self._learn = learn
        self._verbose = verbose
        self._n_announced = 0
        self._recalled = set()

    @cached_property
    def _reference(self):
        return self._pool.share(self._evaluator)

    def submit(self, task):
        if self._verbose > 0:
            self._announce()
        self._hooks.start(task)
        known = self._log.recall(task)
        if known is None:
            return self._pool.submit(self._reference, task)
        self._recalled.add(task.key)
        self._history.recall(task)
        future = Future()
        future.set_result(known)
        return future

    def _announce(self):
        """Print the rungs that have begun since the last fit."""
        for rung in self._history.begun[self._n_announced :]:
            known = ((name, value) for name, value in rung.items() if value is not None)
            print(", ".join(f"{name}: {value}" for name, value in known))
        self._n_announced = len(self._history.begun)

    def record(self, evaluation):
        if evaluation.task.key not in self._recalled:
            self._log.append(evaluation)
        self._learn(evaluation)
