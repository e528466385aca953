"""Where the candidates of a search come from, whatever the scheduler does with them."""

from __future__ import annotations

import itertools

import numpy as np

from .._records import Candidate, Suggestion

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
    own : dict, default={}
        The estimator's own parameters. They complete initial settings that leave some out, and
        an adaptive optimiser starts from them when they lie in the space.

    Attributes
    ----------
    n_candidates : float
        How many candidates there will be at the most.

    Raises
    ------
    ValueError
        When the constraint forbids an initial setting, or everything.
    """

    def __init__(self, space, optimizer, *, n_iter, seed, initial=(), own=None):
        self._space = space
        self._seed = seed
        self._own = own or {}
        self._seen = set()
        self._index = 0
        self._next_id = 0
        self._pending = ()
        self._optimizer = optimizer.start(space, seed=seed, n_iter=n_iter)
        _check_initial(space, initial)
        outside = sum(not space.contains(params) for params in initial)
        self._size = space.size + outside
        known = [(params, "initial") for params in initial]
        grid = _small_grid(space, n_iter)
        if grid is None:
            known += self._default() if optimizer.adaptive else []
            self._check_feasible(known)
            self._stream = itertools.chain(known, self._suggestions())
            self.n_candidates = n_iter
        else:
            self._stream = iter(known + [(params, "grid") for params in grid])
            self.n_candidates = len(grid) + outside

    def ask(self, pending=()):
        """Return the next candidate, None when there is none.

        Parameters
        ----------
        pending : sequence of Observation
            What is being evaluated now.
        """
        if self._next_id >= self.n_candidates:
            return None
        self._pending = [p for p in pending if p.point is not None]
        for params, origin in self._stream:
            if (key := self._space.key(params)) not in self._seen:
                self._seen.add(key)
                return self._candidate(params, origin)
        return None

    def tell(self, observation):
        """Pass on what is known of a candidate; one outside the space teaches nothing."""
        if observation.point is not None:
            self._optimizer.tell(observation)

    def _candidate(self, params, origin):
        if isinstance(origin, Suggestion):
            point, source, parents = origin.point, origin.source, origin.parents
        else:
            point, source, parents = self._point(params), origin, ()
        self._next_id += 1
        return Candidate(self._next_id - 1, params, point, source, parents)

    def _point(self, params):
        complete = self._complete(params)
        return None if complete is None else self._space.to_unit(complete)

    def _complete(self, params):
        """Return params with the estimator's own values where they say nothing; None outside."""
        for names in self._space.branches:
            complete = {**{n: self._own[n] for n in names if n in self._own}, **params}
            if self._space.contains(complete):
                return complete
        return None

    def _default(self):
        default = self._complete({})
        usable = default is not None and self._space.allows(default)
        return [(default, "default")] if usable else []

    def _suggestions(self):
        """Endless (params, Suggestion) that are new and allowed, until the space is exhausted."""
        while len(self._seen) < self._size:
            found = self._first_usable(self._ask, _ASKS) or self._first_usable(self._draw, _DRAWS)
            if found is None:
                return
            yield found

    def _first_usable(self, propose, n_tries):
        for _ in range(n_tries):
            suggestion = propose()
            params = self._space.from_unit(suggestion.point)
            if self._space.key(params) not in self._seen and self._space.allows(params):
                return params, suggestion
        return None

    def _ask(self):
        index, self._index = self._index, self._index + 1
        suggestion = self._optimizer.ask(
            self._pending, index=index, rng=np.random.default_rng((self._seed, index))
        )
        point = self._space.snap(suggestion.point[np.newaxis])[0]
        return Suggestion(point, suggestion.source, suggestion.parents)

    def _draw(self):
        index, self._index = self._index, self._index + 1
        rng = np.random.default_rng((self._seed, index))
        point = self._space.snap(rng.random((1, self._space.n_dims)))[0]
        return Suggestion(point, "random")

    def _check_feasible(self, known):
        if known or self._space.constraint is None:
            return
        rng = np.random.default_rng(self._seed)
        draws = (rng.random(self._space.n_dims) for _ in range(_DRAWS))
        if not any(self._space.feasible(self._space.snap(u[np.newaxis])[0]) for u in draws):
            raise ValueError(_INFEASIBLE.format(f"of {_DRAWS} random settings"))


_INFEASIBLE = (
    "constraint must allow some setting of param_distributions; it allowed none {}. Loosen the "
    "constraint, change param_distributions, or give initial_params that it allows."
)


def _check_initial(space, initial):
    for params in initial:
        if not space.allows(params):
            raise ValueError(
                f"initial_params must satisfy the constraint; it forbids {params!r}. Change "
                "that entry or the constraint."
            )


def _small_grid(space, n_iter):
    """Return the allowed settings of a finite space no larger than n_iter, else None."""
    if not space.is_grid or space.size > n_iter:
        return None
    grid = [params for params in space.grid() if space.allows(params)]
    if not grid:
        raise ValueError(_INFEASIBLE.format(f"of its {space.size}"))
    return grid
