"""Searches inside a search: all their fits go to its workers."""

from __future__ import annotations

from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar, copy_context
from threading import RLock

from sklearn import config_context, get_config

__all__ = ["LentExecutor", "NestingExecutor", "lender", "turn"]

_LENDER = ContextVar("skhpo.lender")


def lender():
    """Return the `NestingExecutor` whose task this is, None outside of one."""
    return _LENDER.get(None)


def turn():
    """Wait for the turn of work that is done beside the workers: one search at a time."""
    return nullcontext() if lender() is None else lender().beside


class NestingExecutor:
    """Run tasks that are searches: each in a thread, its fits in the workers of all.

    Parameters
    ----------
    workers : executor
        Closed with this one.
    """

    def __init__(self, workers):
        self.workers = workers
        self.n_workers = workers.n_workers
        self.beside = RLock()
        self.is_closed = False
        # Threads only wait: more of them than workers, that all are busy when one search ends.
        self._threads = ThreadPoolExecutor(2 * self.n_workers, thread_name_prefix="skhpo-nested")

    def share(self, evaluator):
        """Return a reference to the evaluator."""
        config = get_config()

        def evaluate(task):
            with config_context(**config), self._lent():
                return evaluator(task)

        return evaluate

    def submit(self, reference, task):
        """Return the future of a task."""
        return self._threads.submit(copy_context().run, reference, task)

    def close(self):
        """Drop what has not started, and the fits of what has."""
        self.is_closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.workers.close()
        self._threads.shutdown()

    @contextmanager
    def _lent(self):
        token = _LENDER.set(self)
        try:
            yield
        finally:
            _LENDER.reset(token)


class LentExecutor:
    """The workers of a search, lent to one inside it.

    Parameters
    ----------
    lender : NestingExecutor
    """

    def __init__(self, lender):
        self.n_workers = lender.n_workers
        self._lender = lender
        self._workers = lender.workers
        self._futures = set()
        if hasattr(self._workers, "kill"):
            self.kill = self._workers.kill

    def share(self, evaluator):
        """Return a reference to the evaluator."""
        return self._workers.share(evaluator)

    def submit(self, reference, task):
        """Return the future of a task."""
        if self._lender.is_closed:
            raise CancelledError
        future = self._workers.submit(reference, task)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def close(self):
        """Drop the fits of this search; the workers stay."""
        for future in list(self._futures):
            if not future.cancel() and hasattr(self, "kill"):
                self.kill(future)
