"""Sobol sequences: points that fill the cube more evenly than random ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.stats import qmc

from skhpo._records import Suggestion

__all__ = ["Sobol", "SobolSequence"]

BITS = 30


class SobolSequence:
    """An Owen-scrambled Sobol sequence [1]_ that can be read at any index.

    In a list of dicts the branches take turns, in a shuffled order, so that a short sequence
    visits each of them. Each has a sequence of its own: every second point of one, or every fourth,
    fills half of the cube only.

    Parameters
    ----------
    space : SearchSpace
    rng : numpy.random.Generator

    References
    ----------
    .. [1] A. B. Owen, "Scrambling Sobol' and Niederreiter-Xing Points", Journal of Complexity 1998.
    """

    def __init__(self, space, rng):
        self._turns = _turns(space, rng)
        self._parts = [_Points(space.n_dims, rng) for _ in self._turns or [None]]

    def __getitem__(self, index):
        k, turn = divmod(index, len(self._parts))
        point = self._parts[turn][k].copy()
        if self._turns:
            point[0] = self._turns[turn]
        return point


class _Points:
    """The points of one scrambled sequence, by index."""

    def __init__(self, n_dims, rng):
        self._engine = _engine(n_dims, rng) if n_dims else None
        self._known = np.empty((0, n_dims))  # grows by doubling

    def __getitem__(self, index):
        if self._engine is None:
            return np.empty(0)
        while index >= len(self._known):
            grown = self._engine.random(max(8, len(self._known)))
            self._known = np.vstack([self._known, grown])
        return self._known[index]


def _turns(space, rng):
    """Coordinates of the branches in a random order; empty when there are none."""
    if not space.n_dims or space.dims[0].kind != "branch":
        return []
    n = int(space.dims[0].n_levels)
    return list((rng.permutation(n) + 0.5) / n)


def _engine(n_dims, rng):
    try:
        return qmc.Sobol(n_dims, scramble=True, bits=BITS, rng=rng)
    except TypeError:  # before SciPy 1.15
        return qmc.Sobol(n_dims, scramble=True, bits=BITS, seed=rng)


@dataclass(frozen=True)
class Sobol:
    """Suggest the points of a scrambled Sobol sequence, whatever was told.

    They cover the space more evenly than independent draws [1]_.

    References
    ----------
    .. [1] I. M. Sobol', "On the distribution of points in a cube and the approximate evaluation
       of integrals", 1967.

    Examples
    --------
    >>> from skhpo.optimizers import Sobol
    >>> Sobol()
    Sobol()
    """

    adaptive: ClassVar[bool] = False

    def start(self, space, *, seed, n_iter):
        """Begin a search of ``space``."""
        return _Running(space, seed)


class _Running:
    def __init__(self, space, seed):
        self._sequence = SobolSequence(space, np.random.default_rng(seed))

    def ask(self, pending, *, index, rng):
        return Suggestion(self._sequence[index], "sobol")

    def tell(self, observation):
        pass
