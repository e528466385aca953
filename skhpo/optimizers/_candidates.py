"""Random candidates and their mutations, for searches of a cheap function over a space.

Faces and corners of the cube have no volume, yet the best settings often lie there (the largest
learning rate that works, no regularisation): a share of all draws and of all mutations puts
coordinates exactly on a bound.
"""

from __future__ import annotations

import numpy as np

__all__ = ["mutate", "sample"]

ON_BOUND = 0.15  # of the moves of a number: to a bound ...
ANYWHERE = 0.10  # ... or to anywhere; the rest are steps


def sample(space, n, rng):
    """Snapped points (n, d): half uniform, half with random coordinates on the bounds."""
    points = rng.random((n, space.n_dims))
    share = rng.random((n, 1)) * (np.arange(n)[:, None] % 2)  # how much of a row lies on bounds
    on_bound = (rng.random(points.shape) < share) & _numeric(space)
    points[on_bound] = np.round(points[on_bound])
    return space.snap(points)


def mutate(space, parents, step, rng):
    """Snapped children (n, d) of the snapped parents (n, d), one each.

    At least one active coordinate changes: a number by a normal step, or to a bound, or to
    anywhere; a choice to any level. Coordinates that become active with a new branch are drawn
    at random.
    """
    n, d = parents.shape
    numeric, active = _numeric(space), ~np.isnan(parents)
    points = np.where(active, parents, rng.random((n, d)))
    chance = np.where(active, rng.random((n, d)), np.inf)
    moved = chance < 1.0 / np.maximum(active.sum(axis=1, keepdims=True), 1)
    moved[np.arange(n), chance.argmin(axis=1)] = True
    kind = rng.random((n, d))
    anywhere = rng.random((n, d))
    stepped = np.clip(points + step * rng.standard_normal((n, d)), 0.0, 1.0)
    moves = np.select(
        [~numeric | (kind < ANYWHERE), kind < ANYWHERE + ON_BOUND],
        [anywhere, np.round(anywhere)],
        stepped,
    )
    return space.snap(np.where(moved, moves, points))


def _numeric(space):
    return np.array([dim.kind in ("continuous", "ordered") for dim in space.dims])
