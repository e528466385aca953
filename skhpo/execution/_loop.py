"""The one loop of the package."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from functools import cache
from queue import SimpleQueue
from threading import Lock

from threadpoolctl import ThreadpoolController

__all__ = ["run"]

_LIMITING = Lock()  # the number of threads is one for the process


def run(
    scheduler, submit, history, *, window, in_order=True, stopping=None, record=None, listeners=()
):
    """Ask for fits, start them, and tell of those that finish.

    Parameters
    ----------
    scheduler : running scheduler
    submit : callable
        Starts a task, returns its ``concurrent.futures.Future``.
    history : History
        Gets every finished fit, also when an exception ends the loop.
    window : float
        How many fits may be in flight. What is in flight is what the next suggestion does not
        know yet, so in order the answer depends on the seed and on the window, never on timing.
    in_order : bool, default=True
        Whether fits are told in the order they were started, or as they finish.
    stopping : callable, default=None
        ``stopping(history)`` is True when no further fit should start.
    record : callable, default=None
        Gets each evaluation as soon as it is there, in its turn or not.
    listeners : sequence of callable, default=()
        Get each evaluation in its turn, before the scheduler does.
    """
    start = time.monotonic()
    flight = _Flight(in_order, record or (lambda evaluation: None))

    def next_task():
        history.elapsed = time.monotonic() - start
        if stopping is not None and stopping(history):
            return None
        # The matrices of an optimiser are small: more threads only make them wait on each other.
        with _LIMITING, _blas().limit(limits=1):
            return scheduler.ask()

    try:
        while True:
            while len(flight) < window and (task := next_task()) is not None:
                flight.add(submit(task))
            if not len(flight):
                return
            evaluation = flight.next()
            history.append(evaluation)
            for listener in listeners:
                listener(evaluation)
            scheduler.tell(evaluation)
    except BaseException:
        for evaluation in flight.abandon():
            history.append(evaluation)
        raise
    finally:
        history.elapsed = time.monotonic() - start


@cache
def _blas():
    return ThreadpoolController().select(user_api="blas")


class _Flight:
    """Fits that were started and not told of yet."""

    def __init__(self, in_order, record):
        self._in_order = in_order
        self._record = record
        self._pending = deque()
        self._finished = SimpleQueue()
        self._arrived = {}

    def __len__(self):
        return len(self._pending)

    def add(self, future):
        self._pending.append(future)
        future.add_done_callback(self._finished.put)
        while not self._finished.empty():
            self._arrive(self._finished.get())

    def next(self):
        """Wait for the fit whose turn it is; those that arrive meanwhile are recorded."""
        while (future := self._turn()) not in self._arrived:
            self._arrive(self._finished.get())
        self._pending.remove(future)
        return self._arrived.pop(future)

    def abandon(self):
        """Cancel what has not started; return what has finished, it must not be lost."""
        for future in self._pending:
            future.cancel()
        for future in self._pending:
            done = future.done() and not future.cancelled() and future.exception() is None
            if done and future not in self._arrived:
                with contextlib.suppress(Exception):
                    self._arrive(future)
        return [self._arrived[future] for future in self._pending if future in self._arrived]

    def _turn(self):
        return self._pending[0] if self._in_order else next(iter(self._arrived), None)

    def _arrive(self, future):
        self._arrived[future] = future.result()
        self._record(self._arrived[future])
