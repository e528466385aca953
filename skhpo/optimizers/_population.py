"""What the evolutionary optimisers share: who is better, who is alive, what was seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral

import numpy as np

from skhpo._records import Suggestion
from skhpo.optimizers._sobol import SobolSequence

__all__ = [
    "Member",
    "Settings",
    "check_population_size",
    "merit",
    "n_initial",
    "parents",
    "replace_worst",
]

N_RANDOM = 256  # random points tried when the operators find nothing new


def merit(observation):
    """What settings are compared by: not failed, more resource, all folds or more, the score."""
    if observation.status == "failed" or math.isnan(observation.score):
        return False, 0.0, 0, 0.0
    resource = math.inf if observation.resource is None else observation.resource
    # A score that the user knew is complete too, whatever its folds.
    n_folds = math.inf if observation.status == "complete" else observation.n_folds
    return True, resource, n_folds, observation.score


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A setting that was told: its snapped point, its merit and the id of its candidate."""

    point: np.ndarray  # (d,)
    merit: tuple
    id: int

    @property
    def key(self):
        """What two members of the same setting share."""
        return self.point.tobytes()


def parents(*members):
    """Ids of the members that are candidates of this search, each once."""
    return tuple(dict.fromkeys(member.id for member in members if member.id >= 0))


def replace_worst(members, newcomer, size):
    """The best `size` settings, best first; of equal ones the newcomer comes first.

    A setting that is told again stays once, with the better merit: a plateau is left by
    drifting over it, not by repeating it.
    """
    same = [m for m in members if m.key == newcomer.key and m.merit > newcomer.merit]
    others = [m for m in members if m.key != newcomer.key]
    return sorted([*(same or [newcomer]), *others], key=lambda m: m.merit, reverse=True)[:size]


def n_initial(size, n_iter):
    """Settings to draw before any is bred: 80 % of the population, at most half of the search."""
    return max(2, min(round(0.8 * size), n_iter // 2))


class Settings:
    """Every setting that was told, and what may be suggested besides.

    Parameters
    ----------
    space : SearchSpace
    seed : int
        Of the initial design, a scrambled Sobol sequence.
    """

    def __init__(self, space, seed):
        self._space = space
        self._design = SobolSequence(space, np.random.default_rng(seed))
        self._told = set()

    def tell(self, observation):
        """Remember a setting; return it as a member of a population."""
        member = Member(self.snap([observation])[0], merit(observation), observation.id)
        self._told.add(member.key)
        return member

    def snap(self, observations):
        """Snapped points (n, d) of observations."""
        points = [np.asarray(observation.point, dtype=float) for observation in observations]
        return self._space.snap(np.reshape(points, (len(points), self._space.n_dims)))

    def is_early(self, n_design, pending):
        """Whether fewer settings than the initial design are known or under way."""
        n = len(self._told)
        return n < 2 or 2 * n < n_design or n + len(pending) < n_design

    def design(self, pending, index, rng):
        """A suggestion of the initial design."""
        return self.first_new([(self._design[index], "sobol", ())], pending, rng)

    def first_new(self, proposals, pending, rng):
        """The first proposal that is neither seen nor forbidden, else a random setting.

        Parameters
        ----------
        proposals : iterable of (point, source, parents)
            Read only as far as needed.
        pending : sequence of Observation
        rng : Generator
        """
        running = {point.tobytes() for point in self.snap(pending)} if len(pending) else ()
        new = (p for p in self._snapped(proposals, rng) if self._is_usable(p.point, running))
        return next(new, None) or Suggestion(rng.random(self._space.n_dims), "random")

    def _snapped(self, proposals, rng):
        for point, source, ids in proposals:
            yield Suggestion(self._space.snap(point[None])[0], source, ids)
        for point in self._space.snap(rng.random((N_RANDOM, self._space.n_dims))):
            yield Suggestion(point, "random")

    def _is_usable(self, point, running):
        key = point.tobytes()
        return key not in self._told and key not in running and self._space.feasible(point)


def check_population_size(value, least):
    """Raise unless the size of a population is "auto" or an int that is large enough."""
    is_int = isinstance(value, Integral) and not isinstance(value, bool)
    if value == "auto" or (is_int and value >= least):
        return
    raise ValueError(
        f"population_size must be 'auto' or an int of at least {least}, got {value!r}. "
        "Leave it at 'auto' for a size that suits the space."
    )
