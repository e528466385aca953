"""Every candidate gets every fold: what GridSearchCV and RandomizedSearchCV do."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from .._records import Task

__all__ = ["CrossValidation"]


@dataclass(frozen=True)
class CrossValidation:
    """Evaluate every candidate on every fold.

    Examples
    --------
    >>> from skhpo.schedulers import CrossValidation
    >>> CrossValidation()
    CrossValidation()
    """

    def start(self, proposer, history):
        """Return the running scheduler.

        Parameters
        ----------
        proposer : Proposer
            Where candidates come from.
        history : History
            Where finished fits stand before the scheduler is told of them.
        """
        return _RunningCrossValidation(proposer, history)


class _RunningCrossValidation:
    def __init__(self, proposer, history):
        self._proposer = proposer
        self._history = history
        self._queue = deque()
        self._open = {}

    def ask(self):
        """Next fit, None when there is none to start."""
        if not self._queue:
            self._enqueue()
        return self._queue.popleft() if self._queue else None

    def tell(self, evaluation):
        """Learn of a finished fit; pass a finished candidate on to the optimiser."""
        candidate = evaluation.task.candidate
        observation = self._history.observation(candidate)
        if observation.status != "partial":
            del self._open[candidate.id]
            self._proposer.tell(observation)

    def _enqueue(self):
        pending = [self._history.observation(candidate) for candidate in self._open.values()]
        candidate = self._proposer.ask(pending)
        if candidate is not None:
            self._open[candidate.id] = candidate
            self._queue.extend(Task(candidate, split) for split in range(self._history.n_splits))
