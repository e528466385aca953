"""Differential evolution over mixed, conditional spaces, told one evaluation at a time.

Notation, that of [Storn 1997] and [Zhang 2009]
--------
x              target, the member that a trial starts from
v              mutant: a base plus scaled differences of members
F, CR          scale of the differences, chance of a coordinate to come from v
p              share of the population that counts as its best
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from skhpo.optimizers._population import (
    Settings,
    check_population_size,
    n_initial,
    parents,
    replace_worst,
)

__all__ = ["DifferentialEvolution"]

SMALL, LARGE, MANY = 12, 16, 128  # populations, and settings from which on it is the large one
N_TRIES = 20  # trials made before a random setting is taken instead
CR = (0.5, 0.9)  # that are drawn from
JITTER = 0.1  # relative, of F between coordinates
P = 0.2  # at least two members


@dataclass(frozen=True)
class DifferentialEvolution:
    """Differential evolution without generations: each result enters at once.

    The best settings found are the population. A trial takes some parameters from a member of
    it, the others from a mutant: a member plus scaled differences of members [1]_. A difference
    points from the worse to the better of two, which is the way to go on [2]_, and its scale
    varies a little between coordinates [4]_. A choice, which has no differences, takes the level
    of a member where two differ, and seldom any level. Of a list of dicts a trial takes the dict
    as a choice.

    Parameters
    ----------
    population_size : int or "auto", default="auto"
        How many of the best are kept; "auto" is 12, and 16 in a search of 128 settings or more,
        which a small population would end too early. First, 80 % as many settings are drawn
        from a Sobol sequence, but no more than half of the search.
    strategy : {"current-to-best", "rand", "best"}, default="current-to-best"
        To what the scaled difference of two members is added: to the member that the trial
        starts from, moved towards one of the best [3]_, to a third member, or to one of the
        best.
    scale : tuple of float, default=(0.5, 1.0)
        Bounds of the factor F that differences are multiplied with, drawn anew for each trial.

    Notes
    -----
    A result replaces the worst of the population rather than the member its trial started from:
    this needs no memory of the trials, uses results from elsewhere as well, and is the faster
    rule when evaluations are few.

    References
    ----------
    .. [1] R. Storn, K. Price, "Differential Evolution", Journal of Global Optimization 1997.
    .. [2] V. Feoktistov, S. Janaqi, "Generalization of the Strategies in Differential
       Evolution", IPDPS 2004.
    .. [3] J. Zhang, A. C. Sanderson, "JADE: Adaptive Differential Evolution with Optional
       External Archive", IEEE Transactions on Evolutionary Computation 2009.
    .. [4] K. Price, R. Storn, J. Lampinen, "Differential Evolution: A Practical Approach to
       Global Optimization", 2005.

    Examples
    --------
    >>> from skhpo.optimizers import DifferentialEvolution
    >>> DifferentialEvolution(population_size=30).strategy
    'current-to-best'
    """

    adaptive: ClassVar[bool] = True

    population_size: int | str = "auto"
    strategy: str = "current-to-best"
    scale: tuple[float, float] = (0.5, 1.0)

    def __post_init__(self):
        check_population_size(self.population_size, least=4)
        if self.strategy not in _STRATEGIES:
            names = ", ".join(map(repr, _STRATEGIES))
            raise ValueError(
                f"strategy must be one of {names}, got {self.strategy!r}. Choose one of them."
            )
        if not (len(self.scale) == 2 and 0 < self.scale[0] <= self.scale[1] <= 2):
            raise ValueError(
                f"scale must be two numbers with 0 < low <= high <= 2, got {self.scale!r}. "
                "The default (0.5, 1.0) suits most searches."
            )

    def start(self, space, *, seed, n_iter):
        """Begin a search of ``space``."""
        return _Running(self, space, seed, n_iter)


# From the target, one of the best and three others, of which b is better than c: the base, and
# the pairs whose difference is added.
_STRATEGIES = {
    "current-to-best": lambda x, best, a, b, c: (x, [(best, x), (b, c)]),
    "rand": lambda x, best, a, b, c: (a, [(b, c)]),
    "best": lambda x, best, a, b, c: (best, [(b, c)]),
}


class _Running:
    """A search under way: the best of what was told, best first."""

    def __init__(self, spec, space, seed, n_iter):
        self._spec, self._space = spec, space
        self._settings = Settings(space, seed)
        auto = SMALL if n_iter < MANY else LARGE
        self._size = auto if spec.population_size == "auto" else spec.population_size
        self._n_initial = n_initial(self._size, n_iter)
        kinds = [dim.kind for dim in space.dims]
        self._is_number = np.isin(kinds, ["continuous", "ordered"])
        self._members = []

    def tell(self, observation):
        """Let a setting into the population when it is good enough."""
        newcomer = self._settings.tell(observation)
        self._members = replace_worst(self._members, newcomer, self._size)

    def ask(self, pending, *, index, rng):
        """Suggest one point."""
        if len(self._members) < 4 or self._settings.is_early(self._n_initial, pending):
            return self._settings.design(pending, index, rng)
        trials = (self._trial(rng) for _ in range(N_TRIES))
        return self._settings.first_new(trials, pending, rng)

    def _trial(self, rng):
        n = len(self._members)
        x, a, *pair = rng.permutation(n)[:4]
        b, c = sorted(pair)  # from the worse to the better one [2]
        best = rng.integers(max(2, round(P * n)))
        target, *others = (self._members[i] for i in (x, best, a, b, c))
        base, pairs = _STRATEGIES[self._spec.strategy](target, *others)
        mutant = self._mutant(target, base, pairs, rng)
        ids = parents(target, base, *(member for pair in pairs for member in pair))
        return _cross(target.point, mutant, rng), f"de:{self._spec.strategy}", ids

    def _mutant(self, target, base, pairs, rng):
        """Base plus scaled differences (d,); NaN where a member has no such coordinate."""
        F = rng.uniform(*self._spec.scale)
        F_j = F * (1 + JITTER * rng.standard_normal(len(base.point)))  # [4]
        number = base.point + F_j * sum(a.point - b.point for a, b in pairs)
        number = _into_cube(number, target.point)
        choice = base.point
        for a, b in pairs:
            differs = (a.point != b.point) & (rng.random(len(choice)) < F)
            choice = np.where(differs, a.point, choice)
        anywhere = rng.random(len(choice)) * len(choice) < 1
        choice = np.where(anywhere, rng.random(len(choice)), choice)
        mutant = np.where(self._is_number, number, choice)
        return np.where(np.isnan(mutant), base.point, mutant)


def _into_cube(point, target):
    """Half-way from the target to the bound that was crossed, as in JADE."""
    return np.where(point < 0, target / 2, np.where(point > 1, (1 + target) / 2, point))


def _cross(target, mutant, rng):
    """Coordinates of the mutant (d,), at least one, and the others of the target."""
    chance = rng.random(len(target))
    taken = (chance < CR[rng.integers(len(CR))]) | (chance == chance.min(initial=1.0))
    trial = np.where(taken | np.isnan(target), mutant, target)
    for other in (target, rng.random(len(target))):  # what the branch of the trial alone uses
        trial = np.where(np.isnan(trial), other, trial)
    return trial
