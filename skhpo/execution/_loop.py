"""The one loop of the package."""

from __future__ import annotations

import contextlib
import time
from collections import deque

__all__ = ["run"]


def run(scheduler, submit, history, *, window, stopping=None, listeners=()):
    """Ask for fits, start them, and tell of those that finish, in the order they were started.

    Parameters
    ----------
    scheduler : running scheduler
    submit : callable
        Starts a task, returns its future.
    history : History
        Gets every finished fit, also when an exception ends the loop.
    window : float
        How many fits may be in flight. What is in flight is what the next suggestion does not
        know yet, so the answer depends on the seed and on the window, never on timing.
    stopping : callable, default=None
        ``stopping(history)`` is True when no further fit should start.
    listeners : sequence of callable, default=()
        Get each evaluation before the scheduler does.
    """
    start = time.monotonic()
    pending = deque()

    def goes_on():
        history.elapsed = time.monotonic() - start
        return stopping is None or not stopping(history)

    try:
        while True:
            while len(pending) < window and goes_on() and (task := scheduler.ask()) is not None:
                pending.append(submit(task))
            if not pending:
                return
            evaluation = pending[0].result()
            pending.popleft()
            history.append(evaluation)
            for listener in listeners:
                listener(evaluation)
            scheduler.tell(evaluation)
    except BaseException:
        _keep_finished(pending, history)
        raise
    finally:
        history.elapsed = time.monotonic() - start


def _keep_finished(pending, history):
    """Cancel what has not started; what has finished is not lost."""
    for future in pending:
        future.cancel()
    for future in pending:
        if future.done() and not future.cancelled():
            with contextlib.suppress(BaseException):
                history.append(future.result())
