"""Tree-structured Parzen estimators over mixed, conditional spaces.

l(x), g(x)   densities of the good settings and of the others
gamma        share of the settings that counts as good
h            bandwidth of the kernels, as a part of the range
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import logsumexp, ndtr

from skhpo.optimizers._population import Settings, merit

__all__ = ["TPE"]

N_SAMPLES = 24  # draws from l, of which the best by l / g is suggested
N_TRIES = 4  # times that many, when all of them are known or forbidden
SPREAD = 0.12  # of the kernels, as a part of the range, with one observation
_CELLS = 10**6  # of the largest table of kernels: points, candidates and coordinates
STAY = 0.8  # chance that the kernel of a choice draws its own level, with one observation


@dataclass(frozen=True)
class TPE:
    """Suggest settings that are likely among the good ones and unlikely among the others.

    Two densities are made of kernels on the settings told, one of the best and one of the rest;
    of some draws from the first the one with the largest ratio is suggested [1]_. Kernels span all
    parameters together, so that dependences show, and have a level or a whole dict as a choice.
    Where settings have different amounts of a resource, the largest amount that enough settings
    have decides who is good [2]_. Cheap: thousands of settings do not slow it down much.

    Parameters
    ----------
    gamma : float, default=0.2
        Share of the settings that counts as good, between 0 and 1.
    n_initial : int or "auto", default="auto"
        Settings of the initial design, a Sobol sequence; "auto" is 10, or a third of the search
        when it is short.
    random_fraction : float, default=0.1
        Chance of a random setting instead, so that nothing is left out for good.

    References
    ----------
    .. [1] J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl (2011). "Algorithms for hyper-parameter
           optimization." Advances in Neural Information Processing Systems 24.
    .. [2] S. Falkner, A. Klein, F. Hutter (2018). "BOHB: robust and efficient hyperparameter
           optimization at scale." ICML.

    Examples
    --------
    >>> from skhpo.optimizers import TPE
    >>> TPE(gamma=0.1)
    TPE(gamma=0.1, n_initial='auto', random_fraction=0.1)
    """

    adaptive: ClassVar[bool] = True

    gamma: float = 0.2
    n_initial: int | str = "auto"
    random_fraction: float = 0.1

    def __post_init__(self):
        if not 0 < self.gamma < 1:
            raise ValueError(f"gamma must be between 0 and 1, got {self.gamma!r}.")
        if not 0 <= self.random_fraction <= 1:
            raise ValueError(
                f"random_fraction must be a chance from 0 to 1, got {self.random_fraction!r}."
            )
        if self.n_initial != "auto" and not (type(self.n_initial) is int and self.n_initial >= 2):
            raise ValueError(
                f"n_initial must be 'auto' or an int of at least 2, got {self.n_initial!r}."
            )

    def start(self, space, *, seed, n_iter):
        """Begin a search of ``space``."""
        return _Running(self, space, seed, n_iter)


class _Running:
    """A search under way: every setting that was told, once for each amount of the resource."""

    def __init__(self, spec, space, seed, n_iter):
        self._spec, self._space = spec, space
        self._settings = Settings(space, seed)
        auto = max(2, min(10, n_iter // 3))
        self._n_initial = auto if spec.n_initial == "auto" else spec.n_initial
        self._told = {}  # (key, resource) -> (merit, member)

    def tell(self, observation):
        """Learn of a setting; of the same setting with the same resource the last word counts."""
        member = self._settings.tell(observation)
        resource = math.inf if observation.resource is None else observation.resource
        self._told[member.key, resource] = merit(observation), member

    def ask(self, pending, *, index, rng):
        """Suggest one point."""
        if self._settings.is_early(self._n_initial, pending):
            return self._settings.design(pending, index, rng)
        if rng.random() < self._spec.random_fraction:
            return self._settings.first_new([], pending, rng)
        return self._settings.first_new(self._proposals(pending, rng), pending, rng)

    def _proposals(self, pending, rng):
        good, bad = self._split()
        # What is being evaluated counts as poor: other places are looked at meanwhile.
        good, bad = (_Parzen(self._space, points) for points in (good, self._with(bad, pending)))
        for _ in range(N_TRIES):
            points = self._space.snap(good.sample(N_SAMPLES, rng))
            order = np.argsort(bad.log_density(points) - good.log_density(points), kind="stable")
            yield from ((points[i], "tpe", ()) for i in order)

    def _with(self, bad, pending):
        return np.vstack([bad, self._settings.snap(pending)]) if len(pending) else bad

    def _split(self):
        """Points of the good settings and of the others, at the amount that decides."""
        by_amount = {}
        for (_, resource), pair in self._told.items():
            by_amount.setdefault(resource, []).append(pair)
        enough = self._space.n_dims + 2
        amounts = sorted(by_amount, reverse=True)
        most = max(len(pairs) for pairs in by_amount.values())
        needed = min(enough, most)
        pairs = next(by_amount[a] for a in amounts if len(by_amount[a]) >= needed)
        pairs = sorted(pairs, key=lambda pair: pair[0], reverse=True)
        alive = sum(m[0] for m, _ in pairs)
        n_good = max(1, min(max(2, math.ceil(self._spec.gamma * len(pairs))), alive, 25))
        points = np.array([member.point for _, member in pairs])
        return points[:n_good], points[n_good:]


class _Parzen:
    """A mixture of product kernels, one on each point, and a flat one.

    Parameters
    ----------
    space : SearchSpace
    points : ndarray of shape (n, d)
        Snapped; NaN where inactive.
    """

    def __init__(self, space, points):
        self._space = space
        self._points = points
        self._numeric = np.array([d.kind in ("continuous", "ordered") for d in space.dims], bool)
        n, d = max(len(points), 1), max(space.n_dims, 1)
        # Scott's rule with a spread of its own: that of the few good ones soon collapses.
        self._h = SPREAD * n ** (-1 / (d + 4))
        self._stay = 1 - (1 - STAY) / math.sqrt(n)

    def sample(self, n, rng):
        """Points (n, d), not snapped; one in n + 1 comes from the flat kernel."""
        u = rng.random((n, self._space.n_dims))
        which = rng.integers(len(self._points) + 1, size=n)
        flat = which == len(self._points)
        if flat.all():
            return u
        centre = self._points[np.where(flat, 0, which)]
        step = centre + self._h * rng.standard_normal(u.shape)
        # Steps out of the cube are folded back into it.
        step = np.abs(step)
        step = np.where(step > 1, np.clip(2 - step, 0, 1), step)
        kept = rng.random(u.shape) < self._stay
        near = np.where(self._numeric, step, np.where(kept, centre, u))
        return np.where(flat[:, None] | np.isnan(near), u, near)

    def log_density(self, x):
        """Log of the density at the snapped points x (m, d), up to nothing."""
        logs = np.zeros((len(self._points) + 1, len(x)))
        step = max(1, _CELLS // max(x.size, 1))  # a table of all points might not fit in memory
        for k in range(0, len(self._points), step):
            part = self._points[k : k + step]
            logs[k : k + len(part)] = self._log_kernels(x, part).sum(axis=2)
        return logsumexp(logs, axis=0) - math.log(len(logs))

    def _log_kernels(self, x, points):
        """Log of each kernel, coordinates relative to the flat one: (n, m, d)."""
        centre = points[:, np.newaxis]
        mass = ndtr((1 - centre) / self._h) - ndtr(-centre / self._h)
        number = -0.5 * ((x - centre) / self._h) ** 2
        number = number - np.log(self._h * math.sqrt(2 * math.pi) * mass)
        levels = np.array([min(d.n_levels, 1e9) for d in self._space.dims])
        other = 1 - self._stay
        with np.errstate(divide="ignore"):
            choice = np.where(x == centre, np.log(self._stay * levels + other), np.log(other))
        values = np.where(self._numeric, number, choice)
        # A coordinate that one of them does not use says nothing beyond the choice that rules it.
        return np.where(np.isnan(x) | np.isnan(centre), 0.0, values)
