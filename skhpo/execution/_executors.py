"""Where a fit runs: here, in threads, in processes.

An executor shares an evaluator once (``share`` returns a reference) and then takes tasks:
``submit(reference, task)`` returns a future. ``n_workers`` says how many run at a time.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from joblib import effective_n_jobs, parallel
from joblib.externals.loky import ProcessPoolExecutor

__all__ = ["ProcessExecutor", "SerialExecutor", "ThreadExecutor", "make_executor"]


def make_executor(n_jobs):
    """Return the executor that `n_jobs` and the active joblib backend ask for.

    Parameters
    ----------
    n_jobs : int or None
        As in scikit-learn: None means 1 unless in a ``joblib.parallel_config``, -1 all cores.
    """
    n_workers = effective_n_jobs(n_jobs)
    if n_workers == 1:
        return SerialExecutor()
    backend, _ = parallel.get_active_backend()
    kind = ThreadExecutor if getattr(backend, "uses_threads", False) else ProcessExecutor
    return kind(n_workers)


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
        self._pool = ThreadPoolExecutor(n_workers)

    def share(self, evaluator):
        """Return a reference to the evaluator."""
        return evaluator

    def submit(self, reference, task):
        """Return the future of a task."""
        return self._pool.submit(reference, task)

    def close(self):
        """Drop fits that have not started, wait for those that run."""
        self._pool.shutdown(cancel_futures=True)


class ProcessExecutor:
    """Run fits in processes.

    Parameters
    ----------
    n_workers : int
    """

    def __init__(self, n_workers):
        self.n_workers = n_workers
        self._pool = ProcessPoolExecutor(n_workers)

    def share(self, evaluator):
        """Return a reference to the evaluator."""
        return evaluator

    def submit(self, reference, task):
        """Return the future of a task."""
        return self._pool.submit(reference, task)

    def close(self):
        """End the processes."""
        self._pool.shutdown(kill_workers=True)
