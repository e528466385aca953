"""Every candidate gets every fold, unless it is lost: what GridSearchCV does, and less."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from heapq import heappop, heappush

import numpy as np

from .._records import Task
from ._fold_effects import FoldEffects

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
        return _RunningCrossValidation(proposer, history, fold_sizes, fold_stopping, seed)


class _RunningCrossValidation:
    def __init__(self, proposer, history, fold_sizes, fold_stopping, seed):
        self._proposer = proposer
        self._history = history
        self._rule = fold_stopping
        self._order = np.arange(history.n_splits)
        if getattr(fold_stopping, "shuffle", False):
            self._order = np.random.default_rng(seed).permutation(self._order)
        self._weights = _frozen(np.asarray(fold_sizes, dtype=float)[self._order])
        self._open = {}  # id -> candidate that is not concluded
        self._started = {}  # id -> number of folds started
        self._ready = []  # heap of (id, candidate) of which a fold may start now
        self._effects = FoldEffects(history.n_splits)
        self._incumbent_score = -math.inf
        self._incumbent = None  # scores of the best complete candidate, in the common order

    def ask(self):
        """Next fit, None when there is none to start; older candidates go first."""
        if not self._ready:
            self._open_candidate()
        if not self._ready:
            return None
        id_, candidate = self._ready[0]
        fold = self._started[id_]
        self._started[id_] += 1
        # A rule decides on a fold when it knows the folds before: one at a time.
        if self._rule is not None or fold + 1 == len(self._order):
            heappop(self._ready)
        return Task(candidate, int(self._order[fold]))

    def tell(self, evaluation):
        """Learn of a finished fit; pass a concluded candidate on to the optimiser."""
        candidate = evaluation.task.candidate
        observation = self._history.observation(candidate)
        if observation.status == "partial" and self._rule is not None:
            observation = self._judge(candidate, observation)
        if observation.status != "partial":
            self._conclude(candidate, observation)
        elif self._rule is not None:
            heappush(self._ready, (candidate.id, candidate))

    def _open_candidate(self):
        pending = (
            self._fair(candidate, self._history.observation(candidate))
            for candidate in self._open.values()
        )
        candidate = self._proposer.ask(list(pending))
        if candidate is not None:
            self._open[candidate.id] = candidate
            self._started[candidate.id] = 0
            heappush(self._ready, (candidate.id, candidate))

    def _judge(self, candidate, observation):
        """A candidate is stopped when the rule says so, and when a fold has failed."""
        scores = self._scores(candidate)
        if math.isnan(observation.score):
            observation = replace(observation, status="failed")
        elif self._incumbent is not None and self._stops(scores):
            observation = replace(observation, status="stopped")
        if observation.status != "partial":
            self._history.conclude(observation)
        return observation

    def _stops(self, scores):
        answer = self._rule.stops(scores, self._incumbent, self._weights)
        if not isinstance(answer, bool | np.bool_):
            raise TypeError(
                f"stops of a fold-stopping rule must return True or False; {self._rule!r} returned "
                f"{answer!r}. Compare numbers, not arrays: means over the folds, for example."
            )
        return bool(answer)

    def _conclude(self, candidate, observation):
        del self._open[candidate.id], self._started[candidate.id]
        if observation.status == "complete" and self._rule is not None:
            self._challenge(candidate, observation.score)
        self._proposer.tell(self._fair(candidate, observation))

    def _fair(self, candidate, observation):
        """What the optimiser may compare: a mean over a few folds is freed of their difficulty."""
        few = 0 < observation.n_folds < len(self._order) and observation.status != "failed"
        if self._rule is None or not few:
            return observation
        return replace(observation, score=self._effects.fair_mean(self._scores(candidate)))

    def _challenge(self, candidate, score):
        scores = self._scores(candidate)
        self._effects.add(scores)
        if self._incumbent is None or score > self._incumbent_score:
            self._incumbent, self._incumbent_score = _frozen(scores), score

    def _scores(self, candidate):
        """Scores of a candidate's finished folds, in the common order."""
        folds, metric = self._history.folds(candidate.id), self._history.metric
        finished = (folds[split] for split in self._order if split in folds)
        return np.array([fold.scores.get(metric, math.nan) for fold in finished])


def _frozen(array):
    """Every question of a rule is about these arrays: a rule must not write to them."""
    array.setflags(write=False)
    return array
