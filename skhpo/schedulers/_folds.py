"""The folds that a candidate gets: in one order for all, until a rule finds that it is lost."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ._fold_effects import FoldEffects

__all__ = ["Folds"]


class Folds:
    """Which folds come next, and what a rule of ``skhpo.fold_stopping`` makes of the scores.

    Parameters
    ----------
    history : History
        Where finished fits stand.
    fold_sizes : array-like of shape (n_splits,)
        Number of samples in each test fold.
    rule : rule of ``skhpo.fold_stopping`` or None
    seed : int
        Of the order of the folds, if the rule shuffles them.
    """

    def __init__(self, history, fold_sizes, rule, seed):
        self.rule = rule
        self._history = history
        self._order = np.arange(history.n_splits)
        if getattr(rule, "shuffle", False):
            self._order = np.random.default_rng(seed).permutation(self._order)
        self._weights = _frozen(np.asarray(fold_sizes, dtype=float)[self._order])
        self._effects = {}  # by amount of the resource

    def due(self, n_done, *, at_once=False):
        """Folds to run now of a candidate that has so many: a rule decides on one at a time.

        Parameters
        ----------
        n_done : int
        at_once : bool, default=False
            Whether the candidate gets all folds, whatever the rule says.
        """
        n_due = n_done + 1 if self.rule is not None and not at_once else len(self._order)
        return [int(split) for split in self._order[n_done:n_due]]

    def decide(self, candidate, resource=None):
        """Whether there is something to decide on: after each fold by a rule, else at the end."""
        n_done = len(self._history.folds(candidate.id, resource))
        return self.rule is not None or n_done == len(self._order)

    def judge(self, candidate, observation, rival):
        """Return the observation, concluded when the candidate failed or is lost.

        Parameters
        ----------
        candidate : Candidate
        observation : Observation
        rival : Candidate or None
            With all folds, at the same amount of the resource: who has to be beaten.
        """
        if self.rule is None or observation.status != "partial":
            return observation
        if math.isnan(observation.score):
            observation = replace(observation, status="failed")
        elif rival is not None and self._stops(candidate, rival, observation.resource):
            observation = replace(observation, status="stopped")
        if observation.status != "partial":
            self._history.conclude(observation)
        return observation

    def learn(self, candidate, observation):
        """Learn from a candidate with all folds how hard each of them is."""
        if self.rule is not None and observation.status == "complete":
            amount = observation.resource
            effects = self._effects.setdefault(amount, FoldEffects(len(self._order)))
            effects.add(self._scores(candidate, amount))

    def fair(self, candidate, observation):
        """What an optimiser may compare: a mean over a few folds, freed of their difficulty."""
        few = 0 < observation.n_folds < len(self._order) and observation.status != "failed"
        effects = self._effects.get(observation.resource)
        if effects is None or not few:
            return observation
        scores = self._scores(candidate, observation.resource)
        return replace(observation, score=effects.fair_mean(scores))

    def _stops(self, candidate, rival, resource):
        scores, best = self._scores(candidate, resource), _frozen(self._scores(rival, resource))
        answer = self.rule.stops(scores, best, self._weights)
        if not isinstance(answer, bool | np.bool_):
            raise TypeError(
                f"stops of a fold-stopping rule must return True or False; {self.rule!r} returned "
                f"{answer!r}. Compare numbers, not arrays: means over the folds, for example."
            )
        return bool(answer)

    def _scores(self, candidate, resource):
        """Scores of a candidate's finished folds, in the common order."""
        folds, metric = self._history.folds(candidate.id, resource), self._history.metric
        finished = (folds[split] for split in self._order if split in folds)
        return np.array([fold.scores.get(metric, math.nan) for fold in finished])


def _frozen(array):
    """Every question of a rule is about these arrays: a rule must not write to them."""
    array.setflags(write=False)
    return array
