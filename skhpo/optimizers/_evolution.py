"""The evolutionary algorithm that suits the space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from skhpo.optimizers._cmaes import CMAES
from skhpo.optimizers._differential_evolution import DifferentialEvolution
from skhpo.optimizers._genetic import GeneticAlgorithm

__all__ = ["Evolution"]

ALGORITHMS = {"ga": GeneticAlgorithm(), "de": DifferentialEvolution(), "cmaes": CMAES()}


@dataclass(frozen=True)
class Evolution:
    """An evolutionary algorithm by its name, or the one that suits the space.

    Parameters
    ----------
    algorithm : {"auto", "ga", "de", "cmaes"}, default="auto"
        :class:`GeneticAlgorithm`, :class:`DifferentialEvolution` or :class:`CMAES`. "auto" is
        "cmaes" when at least two thirds of the parameters are numbers and all are always in use,
        "ga" when none is a number, and "de" otherwise.
    population_size : int or "auto", default="auto"
        As of the algorithm.

    Examples
    --------
    >>> from skhpo.optimizers import Evolution
    >>> Evolution("de", population_size=30)
    Evolution(algorithm='de', population_size=30)
    """

    adaptive: ClassVar[bool] = True

    algorithm: str = "auto"
    population_size: int | str = "auto"

    def __post_init__(self):
        if self.algorithm != "auto" and self.algorithm not in ALGORITHMS:
            names = ", ".join(map(repr, ("auto", *ALGORITHMS)))
            raise ValueError(
                f"algorithm must be one of {names}, got {self.algorithm!r}. Choose one of them."
            )
        for algorithm in ALGORITHMS.values():  # says what population_size must be
            replace(algorithm, population_size=self.population_size)

    def start(self, space, *, seed, n_iter):
        """Begin a search of ``space``."""
        name = _choose(space) if self.algorithm == "auto" else self.algorithm
        algorithm = replace(ALGORITHMS[name], population_size=self.population_size)
        return algorithm.start(space, seed=seed, n_iter=n_iter)


def _choose(space):
    is_number = [dim.kind in ("continuous", "ordered") for dim in space.dims]
    if len(is_number) and not any(is_number):
        return "ga"
    has_dicts = any(dim.kind == "branch" for dim in space.dims)
    return "cmaes" if 3 * sum(is_number) >= 2 * len(is_number) and not has_dicts else "de"
