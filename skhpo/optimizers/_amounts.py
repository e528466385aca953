"""Optimisers that know of no resource, where settings have different amounts of one."""

from __future__ import annotations

import math
from dataclasses import replace

__all__ = ["ByAmount", "start"]

ENOUGH = 6  # settings that an amount must have to be asked, or two more than there are coordinates


def start(optimizer, space, **settings):
    """Return the running optimiser; one that does not compare amounts sees one at a time.

    Parameters
    ----------
    optimizer : optimiser of ``skhpo.optimizers``
        ``compares_amounts`` says that it makes sense of settings with different amounts.
    space : SearchSpace
    **settings : dict
        For the optimiser's `start`.
    """
    if getattr(optimizer, "compares_amounts", not optimizer.adaptive):
        return optimizer.start(space, **settings)
    return ByAmount(lambda: optimizer.start(space, **settings), max(ENOUGH, space.n_dims + 2))


class ByAmount:
    """A running optimiser for each amount of a resource.

    Scores of different amounts do not compare. The optimiser of the largest amount that enough
    settings have suggests, and knows of that amount only [1]_.

    Parameters
    ----------
    start : callable
        Returns a running optimiser that was told nothing.
    enough : int
        How many settings are enough.

    References
    ----------
    .. [1] S. Falkner, A. Klein, F. Hutter (2018). "BOHB: robust and efficient hyperparameter
           optimization at scale." ICML.
    """

    def __init__(self, start, enough):
        self._start = start
        self._enough = enough
        self._running = {None: start()}  # amount -> optimiser
        self._n_told = {}  # amount -> how many settings it was told of
        self._known = []  # observations without an amount, which hold for each

    def tell(self, observation):
        """Learn of a setting at its amount; without one, at each."""
        amount = observation.resource
        if amount is None:
            self._known.append(observation)
            for running in self._running.values():
                running.tell(observation)
        else:
            self._of(amount).tell(observation)
            self._n_told[amount] = self._n_told.get(amount, 0) + 1

    def ask(self, pending, *, index, rng):
        """Suggest one point."""
        amount = self._decisive()
        pending = [p if p.resource == amount else _unscored(p) for p in pending]
        return self._running[amount].ask(pending, index=index, rng=rng)

    def _of(self, amount):
        if amount not in self._running:
            self._running[amount] = self._start()
            for observation in self._known:
                self._running[amount].tell(observation)
        return self._running[amount]

    def _decisive(self):
        """The largest amount that enough settings have, else the one that most have."""
        enough = [amount for amount, n in self._n_told.items() if n >= self._enough]
        return max(enough, default=max(self._n_told, key=self._n_told.get, default=None))


def _unscored(pending):
    """A setting under way at another amount: what its score is here is not known."""
    return replace(pending, score=math.nan, noise=math.nan, n_folds=0)
