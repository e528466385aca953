"""Where the candidates of a search come from, whatever the scheduler does with them."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral, Number

import numpy as np

from .._records import Candidate, Observation, Suggestion

__all__ = ["Proposer"]

# An optimiser that keeps suggesting settings that cannot be used gets this many tries, then
# uniform draws get theirs; when they find nothing either, the space counts as exhausted.
_ASKS = 20
_DRAWS = 10_000


class Proposer:
    """Turn known settings, a small grid or an optimiser's suggestions into candidates.

    No setting is proposed twice, none that the constraint forbids, and no more than `n_iter`
    in all; a grid no larger than `n_iter` is run whole.

    Parameters
    ----------
    space : SearchSpace
    optimizer : optimiser of ``skhpo.optimizers``
    n_iter : int
        Number of candidates.
    seed : int
    initial : list of dict, default=()
        Settings the user knows, evaluated first and verbatim; they may lie outside the space.
    scored : list of (dict, float), default=()
        Settings whose score the user knows: the optimiser is told of them, and that is all.
    planned : int, default=None
        Number of candidates the search was begun with, when it goes on with another `n_iter`.
    recorded : dict of int -> (point, source, parents, draw), default={}
        Suggestions of an earlier call, by id of the candidate: taken again instead of asked for.
    own : dict, default={}
        The estimator's own parameters. They complete initial settings that leave some out, and
        an adaptive optimiser starts from them when they lie in the space.

    Attributes
    ----------
    n_candidates : float
        How many candidates there will be at the most.
    learns : bool
        Whether the optimiser makes use of what it is told.
    is_exhausted : bool
        Whether the space has no more than these; known when it is a grid, else in the end.

    Raises
    ------
    ValueError
        When the constraint forbids an initial setting, or everything; when one with a score lies
        outside the space.
    """

    def __init__(
        self,
        space,
        optimizer,
        *,
        n_iter,
        seed,
        planned=None,
        recorded=None,
        initial=(),
        scored=(),
        own=None,
    ):
        planned = n_iter if planned is None else planned
        self._space = space
        self._seed = seed
        self._recorded = recorded or {}
        self._own = own or {}
        self._unknowable = {dim.name for dim in space.dims if dim.kind == "opaque"}
        self._seen = set()
        self._index = 0
        self._next_id = 0
        self._pending = ()
        self.learns = optimizer.adaptive
        self._explore = False
        self._optimizer = optimizer.start(space, seed=seed, n_iter=planned)
        known = [self._initial(params) for params in initial]
        _check_initial(space, known, n_iter)
        for params, score in scored:
            self._learn_scored(params, score)
        self._seen -= {setting.key for setting in known}
        grid = _small_grid(space, planned)
        if grid is None:
            known += self._default() if optimizer.adaptive else []
            self._check_feasible(known)
            self._stream = itertools.chain(known, self._suggestions())
            self.n_candidates = n_iter
            self.is_exhausted = False
        else:
            known += [self._known(params, "grid") for params in grid]
            self._stream = iter(known)
            self.n_candidates = len({setting.key for setting in known} - self._seen)
            self.is_exhausted = True
            _check_left(self.n_candidates)
        self._size = space.size + len({s.key for s in known if s.suggestion.point is None})

    def ask(self, pending=(), *, explore=False):
        """Return the next candidate, None when there is none.

        Parameters
        ----------
        pending : iterable of Observation
            What is being evaluated now; looked at for an optimiser that learns.
        explore : bool, default=False
            Whether to draw at random where an optimiser that learns would be asked.
        """
        self._explore = explore and self.learns
        if self._next_id >= self.n_candidates:
            return None
        if self.learns:
            self._pending = [p for p in pending if p.point is not None]
        for setting in self._stream:
            if setting.key not in self._seen:
                self._seen.add(setting.key)
                return self._candidate(setting)
        self.is_exhausted = True
        return None

    def tell(self, observation):
        """Pass on what is known of a candidate; one outside the space teaches nothing."""
        if observation.point is not None:
            self._optimizer.tell(observation)

    def _candidate(self, setting):
        self._next_id += 1
        s = setting.suggestion
        return Candidate(
            self._next_id - 1, setting.params, s.point, s.source, s.parents, setting.draw
        )

    def _known(self, params, source):
        """A setting that somebody gave; what it leaves out is the estimator's own."""
        for names in self._space.branches:
            own = {n: self._own[n] for n in names if n in self._own and n not in params}
            complete = {**own, **params}
            if self._space.contains(complete):
                point = self._space.to_unit(complete)
                others = self._space.from_unit(point)
                is_another = any(_is_another(complete[n], others[n], n in own) for n in others)
                if is_another or own.keys() & self._unknowable:
                    continue
                # The space's own numbers: 2 and 2.0 are one setting where the list has 2.0.
                key = self._space.key(_equal_numbers(complete, others))
                return _Setting(params, complete, key, Suggestion(point, source))
        own = {n: self._own[n] for n in self._space.names if n in self._own}
        complete = {**own, **params}
        return _Setting(params, complete, self._space.key(complete), Suggestion(None, source))

    @cached_property
    def _own_setting(self):
        return self._known({}, "default")

    def _initial(self, params):
        """A setting to evaluate: the user's, and where it is the estimator's own, known as that."""
        setting, own = self._known(params, "initial"), self._own_setting
        return replace(setting, suggestion=own.suggestion) if setting.key == own.key else setting

    def _learn_scored(self, params, score):
        """A known score teaches as much as one fold, since it comes from elsewhere."""
        setting = self._known(params, "known")
        point = setting.suggestion.point
        if point is None:
            raise ValueError(
                "initial_params with a score must lie in param_distributions, or they teach the "
                f"search nothing; {params!r} does not. Widen the space, or leave that entry out."
            )
        status = "complete" if math.isfinite(score) else "failed"
        score = float(score) if status == "complete" else math.nan
        self._seen.add(setting.key)
        self.tell(Observation(point, score, status=status))

    def _default(self):
        own = self._own_setting
        if own.suggestion.point is None or not self._space.allows(own.complete):
            return []
        return [_Setting(own.complete, own.complete, own.key, own.suggestion)]

    def _suggestions(self):
        """Endless settings that are new and allowed, until the space is exhausted."""
        while len(self._seen) < self._size:
            if self._next_id in self._recorded:
                yield self._recall(self._recorded[self._next_id])
                continue
            found = None if self._explore else self._first_usable(self._ask, _ASKS)
            found = found or self._first_usable(self._draw, _DRAWS)
            if found is None:
                return
            yield found

    def _recall(self, record):
        point, source, parents, draw = record
        self._index = draw + 1
        params = self._space.from_unit(point)
        suggestion = Suggestion(point, source, parents)
        return _Setting(params, params, self._space.key(params), suggestion, draw)

    def _first_usable(self, propose, n_tries):
        for _ in range(n_tries):
            suggestion = propose()
            params = self._space.from_unit(suggestion.point)
            key = self._space.key(params)
            if key not in self._seen and self._space.allows(params):
                return _Setting(params, params, key, suggestion, self._index - 1)
        return None

    def _ask(self):
        index, rng = self._next_draw()
        suggestion = self._optimizer.ask(self._pending, index=index, rng=rng)
        point = self._space.snap(suggestion.point[np.newaxis])[0]
        return Suggestion(point, suggestion.source, suggestion.parents)

    def _draw(self):
        _, rng = self._next_draw()
        return Suggestion(self._space.snap(rng.random((1, self._space.n_dims)))[0], "random")

    def _next_draw(self):
        index, self._index = self._index, self._index + 1
        return index, np.random.default_rng((self._seed, index))

    def _check_feasible(self, known):
        if known or self._space.constraint is None:
            return
        rng = np.random.default_rng(self._seed)
        draws = (rng.random((1, self._space.n_dims)) for _ in range(_DRAWS))
        if not any(self._space.feasible(self._space.snap(u)[0]) for u in draws):
            raise ValueError(_INFEASIBLE.format(f"of {_DRAWS} random settings"))


@dataclass(frozen=True, slots=True, eq=False)
class _Setting:
    """Parameters as they will be set, completed by the estimator's own, and what they are."""

    params: dict
    complete: dict
    key: object
    suggestion: Suggestion
    draw: int = -1


def _is_another(value, other, is_own):
    """Whether 1 would stand for 1.0, or 1.0 for 1: one is a count, the other a share of all.

    A user may write 1 where a space has floats; the estimator's own parameters mean what they are.
    """
    if not (isinstance(value, Number) and value == 1):
        return False
    is_count, was_count = isinstance(value, Integral), isinstance(other, Integral)
    return is_count != was_count and (was_count or is_own)


def _equal_numbers(params, others):
    """Return params with numbers replaced by the equal ones of others."""
    return {name: _equal_number(value, others[name]) for name, value in params.items()}


def _equal_number(value, other):
    are_numbers = isinstance(value, Number) and isinstance(other, Number)
    return other if are_numbers and value == other else value


_INFEASIBLE = (
    "constraint must allow some setting of param_distributions; it allowed none {}. Loosen the "
    "constraint, change param_distributions, or give initial_params that it allows."
)


def _check_initial(space, settings, n_iter):
    if len(settings) > n_iter:
        raise ValueError(
            f"initial_params count as candidates, of which there must be as many; got "
            f"{len(settings)} initial_params for {n_iter} in all. Raise n_iter, or what says how "
            "many candidates a search with rungs has."
        )
    for setting in settings:
        if not space.allows(setting.complete):
            raise ValueError(
                f"initial_params must satisfy the constraint; it forbids {setting.params!r}. "
                "Change that entry or the constraint."
            )


def _check_left(n_candidates):
    if not n_candidates:
        raise ValueError(
            "param_distributions must have a setting whose score is not known; got a score for "
            "each in initial_params. Give some of them without a score, or widen the space."
        )


def _small_grid(space, n_iter):
    """Return the allowed settings of a finite space no larger than n_iter, else None."""
    if not space.is_grid or space.size > n_iter:
        return None
    grid = [params for params in space.grid() if space.allows(params)]
    if not grid:
        raise ValueError(_INFEASIBLE.format(f"of its {space.size}"))
    return grid
