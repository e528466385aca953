"""Every candidate gets every fold, unless it is lost: what GridSearchCV does, and less."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from heapq import heappop, heappush

from .._records import Task
from ._folds import Folds

__all__ = ["CrossValidation"]


@dataclass(frozen=True)
class CrossValidation:
    """Evaluate every candidate on every fold, unless fold stopping finds that it is lost.

    Examples
    --------
    >>> from skhpo.schedulers import CrossValidation
    >>> CrossValidation()
    CrossValidation()
    """

    def start(self, proposer, history, *, fold_sizes, fold_stopping=None, seed=0):
        """Return the running scheduler.

        Parameters
        ----------
        proposer : Proposer
            Where candidates come from.
        history : History
            Where finished fits stand before the scheduler is told of them.
        fold_sizes : array-like of shape (n_splits,)
            Number of samples in each test fold.
        fold_stopping : rule of ``skhpo.fold_stopping``, default=None
        seed : int, default=0
            Of the order of the folds, if the rule shuffles them.
        """
        folds = Folds(history, fold_sizes, fold_stopping, seed)
        return _RunningCrossValidation(proposer, history, folds)


class _RunningCrossValidation:
    def __init__(self, proposer, history, folds):
        self._proposer = proposer
        self._history = history
        self._folds = folds
        self._open = {}  # id -> candidate that is not concluded
        self._ready = []  # heap of (id, candidate) of which folds may start now
        self._tasks = deque()
        self._incumbent_score = -math.inf
        self._incumbent = None  # the best complete candidate

    def ask(self):
        """Next fit, None when there is none to start; older candidates go first."""
        if not self._tasks:
            if not self._ready:
                self._open_candidate()
            if self._ready:
                _, candidate = heappop(self._ready)
                due = self._folds.due(len(self._history.folds(candidate.id)))
                self._tasks.extend(Task(candidate, split) for split in due)
        return self._tasks.popleft() if self._tasks else None

    def tell(self, evaluation):
        """Learn of a finished fit; pass a concluded candidate on to the optimiser."""
        candidate = evaluation.task.candidate
        if not self._folds.decide(candidate):
            return
        observation = self._history.observation(candidate)
        observation = self._folds.judge(candidate, observation, self._incumbent)
        if observation.status != "partial":
            self._conclude(candidate, observation)
        else:
            heappush(self._ready, (candidate.id, candidate))

    def _open_candidate(self):
        pending = (
            self._folds.fair(candidate, self._history.observation(candidate))
            for candidate in self._open.values()
        )
        candidate = self._proposer.ask(pending)
        if candidate is not None:
            self._open[candidate.id] = candidate
            heappush(self._ready, (candidate.id, candidate))

    def _conclude(self, candidate, observation):
        del self._open[candidate.id]
        self._folds.learn(candidate, observation)
        complete = observation.status == "complete"
        if complete and (self._incumbent is None or observation.score > self._incumbent_score):
            self._incumbent, self._incumbent_score = candidate, observation.score
        self._proposer.tell(self._folds.fair(candidate, observation))
