"""Where a fit runs: here, in threads, in processes, on a cluster.

An executor shares an evaluator once (``share`` returns a reference) and then takes tasks:
``submit(reference, task)`` returns a ``concurrent.futures.Future``. ``n_workers`` says how many
run at a time; ``close`` drops what has not finished. Where fits can be killed one by one there
is also ``kill(future)``.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from joblib import effective_n_jobs, parallel

from ._config import current_config
from ._context import WithContext
from ._nesting import LentExecutor, lender

__all__ = ["SerialExecutor", "ThreadExecutor", "make_executor"]


def make_executor(n_jobs):
    """Return the executor that the run config, the active joblib backend and `n_jobs` ask for.

    Parameters
    ----------
    n_jobs : int or None
        As in scikit-learn: None means 1 unless in a ``joblib.parallel_config``, -1 all cores.
    """
    backend, _ = parallel.get_active_backend()
    if backend.nesting_level:
        # A worker has one core's worth of the machine.
        return SerialExecutor()
    if lender() is not None:
        return LentExecutor(lender())
    if current_config().executor is not None:
        return _pool_executor(n_jobs)
    n_workers = effective_n_jobs(n_jobs)
    if n_workers == 1:
        return SerialExecutor()
    make = _BACKENDS.get(type(backend).__name__, _batch_executor)
    return make(n_workers)


class SerialExecutor:
    """Run each fit in this thread, at once."""

    n_workers = 1

    def share(self, evaluator):
        """Return a reference to the evaluator."""
        return evaluator

    def submit(self, reference, task):
        """Return the future of a task, done."""
        future = Future()
        try:
            future.set_result(reference(task))
        except Exception as error:
            future.set_exception(error)
        return future

    def close(self):
        """Free what the executor holds."""


class ThreadExecutor:
    """Run fits in threads of this process.

    Parameters
    ----------
    n_workers : int
    """

    def __init__(self, n_workers):
        self.n_workers = n_workers
        self._threads = ThreadPoolExecutor(n_workers)

    def share(self, evaluator):
        """Return a reference to the evaluator."""
        return WithContext(evaluator, filters=False)

    def submit(self, reference, task):
        """Return the future of a task."""
        return self._threads.submit(reference, task)

    def close(self):
        """Drop fits that have not started, wait for those that run."""
        self._threads.shutdown(cancel_futures=True)


# Imported when needed: not every system has processes.


def _process_executor(n_workers):
    from ._local import ProcessExecutor

    return ProcessExecutor(n_workers)


def _dask_executor(n_workers):
    from ._foreign import DaskExecutor, is_in_dask_task

    # A task that waits for others holds the place that they need.
    return SerialExecutor() if is_in_dask_task() else DaskExecutor(n_workers)


def _batch_executor(n_workers):
    from ._foreign import BatchExecutor

    return BatchExecutor(n_workers)


def _pool_executor(n_jobs):
    from ._foreign import PoolExecutor

    return PoolExecutor(current_config().executor, n_jobs)


_BACKENDS = {  # by the class of the active joblib backend; other ones get batches
    "ThreadingBackend": ThreadExecutor,
    "LokyBackend": _process_executor,
    "MultiprocessingBackend": _process_executor,
    "DaskDistributedBackend": _dask_executor,
}
