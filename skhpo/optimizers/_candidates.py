"""Random candidates and their mutations, for searches of a cheap function over a space.

Faces and corners of the cube have no volume, yet the best settings often lie there (the largest
learning rate that works, no regularisation): a share of all draws and of all mutations puts
coordinates exactly on a bound.
"""

from __future__ import annotations

import numpy as np

__all__ = ["Candidates"]

ON_BOUND = 0.15  # of the moves of a number: to a bound ...
ANYWHERE = 0.10  # ... or to anywhere; the rest are steps


class Candidates:
    """Draws from a space, and mutations of them.

    Parameters
    ----------
    space : SearchSpace

    Attributes
    ----------
    low, high : ndarray of shape (d,)
        Bounds of the coordinates: 0 and 1, but for the endless tails of distributions.
    """

    def __init__(self, space):
        self._space = space
        self._numeric = np.array([d.kind in ("continuous", "ordered") for d in space.dims], bool)
        self.low, self.high = space.ends

    def sample(self, n, rng):
        """Snapped points (n, d): half uniform, half with random coordinates on the bounds."""
        points = rng.random((n, self._space.n_dims))
        share = rng.random((n, 1)) * (np.arange(n)[:, None] % 2)  # how much of a row is on bounds
        on_bound = (rng.random(points.shape) < share) & self._numeric
        return self._space.snap(np.where(on_bound, self._nearest_bound(points), points))

    def mutate(self, parents, step, rng):
        """Snapped children (n, d) of the snapped parents (n, d), one each.

        At least one active coordinate changes: a number by a normal step, or to a bound, or to
        anywhere; a choice to any level. Coordinates that become active with a new branch are
        drawn at random.
        """
        active = ~np.isnan(parents)
        points = np.where(active, parents, rng.random(parents.shape))
        kind, anywhere = rng.random((2, *parents.shape))
        steps = np.clip(points + step * rng.standard_normal(parents.shape), self.low, self.high)
        to_bound = kind < ANYWHERE + ON_BOUND
        moves = np.where(to_bound, self._nearest_bound(anywhere), steps)
        moves = np.where(~self._numeric | (kind < ANYWHERE), anywhere, moves)
        return self._space.snap(np.where(_moved(active, rng), moves, points))

    def _nearest_bound(self, points):
        return np.where(points < 0.5, self.low, self.high)


def _moved(active, rng):
    """One active coordinate of each row on average, and at least one."""
    chance = np.where(active, rng.random(active.shape), np.inf)
    moved = chance < 1.0 / np.maximum(active.sum(axis=1, keepdims=True), 1)
    moved[np.arange(len(moved)), chance.argmin(axis=1)] = True
    return moved
