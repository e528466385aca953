"""Successive halving of some candidates, which take their folds as a rule on them allows."""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass
from heapq import heappop, heappush

__all__ = ["Bracket", "Plan"]


@dataclass(frozen=True)
class Plan:
    """The rungs of a bracket.

    Parameters
    ----------
    n_candidates : float
        How many candidates enter at the first rung.
    resources : tuple of int
        Amount of the resource at each rung; where one follows that is the same, candidates are
        dropped without another fit.
    """

    n_candidates: float
    resources: tuple


class Bracket:
    """Candidates that enter at the first of some rungs; the best of a rung climb to the next.

    With fold stopping each candidate of a rung gets a first fold, then the most promising get all
    of them, as many as will climb. From then on a candidate has to beat the worst of so many best,
    or it is lost. Where others depend on it, a candidate gets its folds before the next enters.

    Parameters
    ----------
    plan : Plan
    newcomer : callable
        Returns the next candidate, None when there is none.
    conclude : callable
        ``conclude(candidate, observation)``: a candidate gets no further fold at its rung.
    history : History
    folds : Folds
    keep : callable
        ``keep(n)``: how many of n candidates climb from a rung that is whole.
    keep_early : callable, default=None
        How many of n climb while more may come; nobody does without it.
    learns : bool, default=False
        Whether newcomers depend on what is known of others.
    number : int, default=0
        What the column ``bracket`` has.
    forget : callable, default=None
        ``forget(id)``: a candidate goes no further.
    """

    def __init__(
        self,
        plan,
        newcomer,
        conclude,
        history,
        folds,
        *,
        keep,
        keep_early=None,
        learns=False,
        number=0,
        forget=None,
    ):
        self._plan = plan
        self._newcomer = newcomer
        self._conclude = conclude
        self._history = history
        self._folds = folds
        self._keep = keep
        self._keep_early = keep_early
        self._learns = learns
        self._number = number
        self._forget = forget
        self._rungs = self._make_rungs()
        self._settled = 0  # rungs, from the first, that nobody will climb from any more
        self._ready = []  # (candidate, number of the rung) to begin with, the last one first
        self._halfway = []  # heap of (-rung, -score, order, candidate) with some of their folds
        self._closed = False  # whether nobody enters any more

    def _make_rungs(self):
        rungs, n = [], self._plan.n_candidates
        for more in [True] * (len(self._plan.resources) - 1) + [False]:
            n_kept = self._keep(n) if more else 1
            # Without a rule nobody is lost before all is known.
            rungs.append(_Rung(n, math.inf if self._folds.rule is None else n_kept))
            n = n_kept
        return rungs

    @property
    def is_over(self):
        """Whether every candidate has come to its end."""
        return self._closed and not self._ready and self._settled == len(self._rungs)

    def next(self):
        """Return a candidate, the amount of the resource it gets and the folds to run.

        None when all wait.
        """
        # Who waits for a whole rung may see a fold of each candidate before any goes on, but for
        # an optimiser that learns of those that are done before it proposes the next.
        waits = self._keep_early is None and (self._closed or not self._learns)
        return (waits and self._enter()) or self._go_on() or self._enter()

    def tell(self, candidate, observation):
        """Learn how a candidate did at its rung."""
        number = self._plan.resources.index(observation.resource)
        rung = self._rungs[number]
        if candidate.id not in rung.safe:
            observation = self._folds.judge(candidate, observation, None)
        if observation.status != "partial":
            self._end(rung, candidate, observation)
        elif candidate.id not in rung.safe:
            score = self._folds.fair(candidate, observation).score
            heappush(self._halfway, (-number, -score, rung.entered[candidate.id], candidate))

    def goes_on(self, resource):
        """Whether a candidate may get more than some amount."""
        return resource < self._plan.resources[-1]

    def _enter(self):
        while self._fill():
            candidate, number = self._ready.pop()
            rung, resource = self._rungs[number], self._plan.resources[number]
            observation = self._history.observation(candidate, resource)
            known = resource in self._plan.resources[:number]  # nobody gets the same twice
            if observation.status == "partial" and not known:
                if self._keep_early is not None or rung.n_planned <= rung.n_best:
                    rung.secure(candidate)
                return self._step(candidate, number, observation.n_folds)
            rung.tell(candidate, observation)
        return None

    def _go_on(self):
        while self._halfway:
            number, _, _, candidate = heappop(self._halfway)
            rung, resource = self._rungs[-number], self._plan.resources[-number]
            observation = self._history.observation(candidate, resource)
            observation = self._folds.judge(candidate, observation, rung.rival)
            if observation.status == "partial":
                rung.secure(candidate)
                return self._step(candidate, -number, observation.n_folds)
            self._end(rung, candidate, observation)
        return None

    def _step(self, candidate, number, n_done):
        at_once = candidate.id in self._rungs[number].safe
        due = self._folds.due(n_done, at_once=at_once)
        return candidate, self._plan.resources[number], due

    def _end(self, rung, candidate, observation):
        rung.tell(candidate, observation)
        self._conclude(candidate, observation)

    def _fill(self):
        if not self._ready:
            self._ready = self._early() or self._entrants() or self._climbers()
            for candidate, number in self._ready:
                self._admit(candidate, number)
        return bool(self._ready)

    def _admit(self, candidate, number):
        rung, resource = self._rungs[number], self._plan.resources[number]
        if not rung.entered:
            n = self._plan.n_candidates if number == 0 else len(self._ready)
            if number and self._keep_early is not None:
                n = None  # they come one by one
            self._history.begin(self._number, number, n, resource)
        rung.entered[candidate.id] = len(rung.entered)
        self._history.enter(candidate.id, resource, iter=number, bracket=self._number)

    def _early(self):
        """From the highest rung that has some: those who are the best whoever comes."""
        if self._keep_early is not None and not self._closed:
            for number in reversed(range(len(self._rungs) - 1)):
                rung = self._rungs[number]
                if rung.has_news and (best := rung.choose(self._keep_early(len(rung.told)))):
                    return [(candidate, number + 1) for candidate in best]
        return []

    def _entrants(self):
        if self._closed:
            return []
        full = len(self._rungs[0].entered) >= self._plan.n_candidates
        candidate = None if full else self._newcomer()
        self._closed = candidate is None
        return [] if candidate is None else [(candidate, 0)]

    def _climbers(self):
        """From the lowest rung that is whole by now."""
        while self._settled < len(self._rungs):
            rung = self._rungs[self._settled]
            n = len(rung.told)
            if n < len(rung.entered):
                return []
            self._settled += 1
            last = self._settled == len(self._rungs)
            best = [] if last else rung.choose(self._keep(n), whole=True)
            self._drop_others(rung)
            if best:
                return [(candidate, self._settled) for candidate in best]
        return []

    def _drop_others(self, rung):
        if self._forget is not None:
            for _, _, candidate in rung.told:
                if candidate.id not in rung.climbed:
                    self._forget(candidate.id)


class _Rung:
    """Where candidates stand that get the same amount of the resource.

    Parameters
    ----------
    n_planned : int
        How many will come, when all goes as planned.
    n_best : float
        How many of them matter: those that go on, and in the end one.

    Attributes
    ----------
    entered : dict of int -> int
        How many were there before each candidate, by id.
    told : list of (float, int, Candidate)
        Score, NaN when failed or lost, and order of those that are done.
    climbed : set of int
        Ids of those that went on to the next rung.
    safe : set of int
        Ids of those that get all folds whatever a rule says: as many as matter.
    has_news : bool
        Whether somebody was told of since the last choice.
    """

    def __init__(self, n_planned, n_best):
        self.n_planned = n_planned
        self.n_best = n_best
        self.entered = {}
        self.told = []
        self.climbed = set()
        self.safe = set()
        self.has_news = False
        self._complete = []  # those of `told` with all folds, from the worst to the best

    @property
    def rival(self):
        """Who has to be beaten, None as long as everybody may be among the best."""
        enough = len(self._complete) >= self.n_best
        return self._complete[-self.n_best][2] if enough else None

    def secure(self, candidate):
        """Promise a candidate all its folds, if there is a place left."""
        if len(self.safe) < self.n_best:
            self.safe.add(candidate.id)

    def tell(self, candidate, observation):
        """Note how a candidate did."""
        self.has_news = True
        score = math.nan if observation.status == "stopped" else observation.score
        self.told.append((score, self.entered[candidate.id], candidate))
        if observation.status == "complete":
            insort(self._complete, self.told[-1], key=lambda one: one[:2])
            self.secure(candidate)

    def choose(self, n_kept, whole=False):
        """Of the best those that have not climbed, worst first; of equals the later ones."""
        self.has_news = False
        alive = [one for one in self.told if not math.isnan(one[0])]
        if whole and not alive:
            # Too little of the resource may be why all failed.
            alive = [(0.0, *rest) for _, *rest in self.told]
        alive = sorted(alive, key=lambda one: one[:2])[max(len(alive) - n_kept, 0) :]
        best = [candidate for *_, candidate in alive if candidate.id not in self.climbed]
        self.climbed.update(candidate.id for candidate in best)
        return best
