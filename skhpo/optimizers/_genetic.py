"""A steady-state genetic algorithm over mixed, conditional spaces."""

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

__all__ = ["GeneticAlgorithm"]

N_TRIES = 20  # children bred before a random setting is taken instead
UNIFORM = 0.25  # share of the crossovers that take each number from one of the parents
BLEND = 0.5  # how far beyond its parents a child may lie, in units of their distance
SMALLEST, LARGEST = -2.5, -0.5  # decimal logarithms of the steps of mutations


@dataclass(frozen=True)
class GeneticAlgorithm:
    """Genetic algorithm without generations: each result enters the population at once.

    The best settings found are the population. A child takes each parameter from one of two
    parents, or a number between and around theirs; then some are mutated: a number by a step
    whose length varies over two decades [1]_, a choice to any other. Of a list of dicts a child
    takes the dict, with what belongs to it, from one parent.

    Parameters
    ----------
    population_size : int or "auto", default="auto"
        How many of the best are parents; "auto" is 12. First, 80 % as many settings are drawn
        from a Sobol sequence, but no more than half of the search.
    crossover_rate : float, default=0.9
        Share of the children that have two parents, when these are not the same.
    mutation_rate : float or "auto", default="auto"
        Chance of each parameter to be mutated; "auto" is 1.5 over their number. A child that
        has one parent is mutated at least once.
    tournament_size : int, default=3
        Members of the population that compete to be a parent.

    References
    ----------
    .. [1] H. Muhlenbein, D. Schlierkamp-Voosen, "Predictive Models for the Breeder Genetic
       Algorithm", Evolutionary Computation 1993.

    Examples
    --------
    >>> from skhpo.optimizers import GeneticAlgorithm
    >>> GeneticAlgorithm(population_size=40).tournament_size
    3
    """

    adaptive: ClassVar[bool] = True

    population_size: int | str = "auto"
    crossover_rate: float = 0.9
    mutation_rate: float | str = "auto"
    tournament_size: int = 3

    def __post_init__(self):
        check_population_size(self.population_size, least=2)
        _check_rate("crossover_rate", self.crossover_rate)
        if self.mutation_rate != "auto":
            _check_rate("mutation_rate", self.mutation_rate)
        if not (type(self.tournament_size) is int and self.tournament_size >= 1):
            raise ValueError(
                f"tournament_size must be an int of at least 1, got {self.tournament_size!r}. "
                "The larger, the more the best are preferred."
            )

    def start(self, space, *, seed, n_iter):
        """Begin a search of ``space``."""
        return _Running(self, space, seed, n_iter)


def _check_rate(name, value):
    if isinstance(value, str) or not 0 <= value <= 1:
        raise ValueError(f"{name} must be a probability, got {value!r}. Choose one in [0, 1].")


class _Running:
    """A search under way: the best of what was told, best first."""

    def __init__(self, spec, space, seed, n_iter):
        self._spec, self._space = spec, space
        self._settings = Settings(space, seed)
        self._size = 12 if spec.population_size == "auto" else spec.population_size
        self._n_initial = n_initial(self._size, n_iter)
        kinds = np.array([dim.kind for dim in space.dims])
        self._is_number = np.isin(kinds, ["continuous", "ordered"])
        self._is_branch = kinds == "branch"
        self._members = []

    def tell(self, observation):
        """Let a setting into the population when it is good enough."""
        newcomer = self._settings.tell(observation)
        self._members = replace_worst(self._members, newcomer, self._size)

    def ask(self, pending, *, index, rng):
        """Suggest one point."""
        if self._settings.is_early(self._n_initial, pending):
            return self._settings.design(pending, index, rng)
        return self._settings.first_new(self._children(rng), pending, rng)

    def _children(self, rng):
        for _ in range(N_TRIES):
            mother, father = self._select(rng), self._select(rng)
            if father is not mother and rng.random() < self._spec.crossover_rate:
                point = self._cross(mother.point, father.point, rng)
                yield self._mutate(point, rng, 0), "ga:crossover", parents(mother, father)
            else:
                yield self._mutate(mother.point, rng, 1), "ga:mutation", parents(mother)

    def _select(self, rng):
        """The best of a few members; they are in order, so it is the first of them."""
        return self._members[
            rng.integers(len(self._members), size=self._spec.tournament_size).min()
        ]

    def _cross(self, mother, father, rng):
        """Child (d,) in the branch of the mother; what she alone has is hers."""
        both = ~np.isnan(mother + father) & ~self._is_branch
        if rng.random() < UNIFORM:
            share = (rng.random(len(both)) < 0.5).astype(float)
        else:
            share = rng.uniform(-BLEND, 1 + BLEND, len(both))
            share = np.where(self._is_number, share, share < 0.5)
        return np.where(
            both, np.clip(mother + share * (father - mother), *self._space.ends), mother
        )

    def _mutate(self, point, rng, least):
        """Child (d,) with at least so many moves; what a new branch brings in is random."""
        chance = np.where(np.isnan(point), np.inf, rng.random(len(point)))
        rate = self._spec.mutation_rate
        rate = 1.5 / max(np.isfinite(chance).sum(), 1) if rate == "auto" else rate
        n = max(least, np.count_nonzero(chance < rate))
        child = np.where(np.isnan(point), rng.random(len(point)), point)
        for j in np.argsort(chance, kind="stable")[:n]:
            child[j] = _move(self._space.dims[j], child[j], rng)
        return child


def _move(dim, u, rng):
    """Another quantile of a dimension: a step of a number, any other level of a choice."""
    if dim.kind == "opaque":
        return rng.random()
    if dim.kind in ("categorical", "branch"):
        k = int(dim.n_levels)
        return ((dim.level(u) + rng.integers(1, k)) % k + 0.5) / k
    step = 10 ** rng.uniform(SMALLEST, LARGEST) * rng.standard_normal()
    while dim.snap(np.clip(u + step, *dim.ends)) == dim.snap(u):
        step *= -2  # a step of the levels, at a bound in the other direction
    return np.clip(u + step, *dim.ends)
