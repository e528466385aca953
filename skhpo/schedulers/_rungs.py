"""Candidates that climb rungs: what successive halving and Hyperband have in common."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import chain
from numbers import Integral
from typing import ClassVar

import numpy as np
from scipy.stats import rankdata

from .._records import Task
from ._bracket import Bracket
from ._folds import Folds

__all__ = ["Resource", "RunningRungs", "log_floor"]

PROBE = 9  # candidates whose ranks decide on the first rung ...
AGREEMENT = 0.6  # ... which is the lowest that ranks them as the next one does
EXPLORED = 3  # in Hyperband one candidate in so many is drawn at random: rho of BOHB


def log_floor(n, factor):
    """Largest k such that ``factor**k <= n``, exactly: floats slip at 243 and 3.

    Examples
    --------
    >>> log_floor(243, 3), log_floor(242, 3)
    (5, 4)
    """
    k, power, factor = 0, Fraction(factor), Fraction(factor)
    while power <= n:
        k, power = k + 1, power * factor
    return k


def _total(plans, n_left, keep, probed, n_probed, n_returning):
    """Candidates in brackets, and the amounts that they get when all goes as planned.

    The first `n_probed` to enter had the amounts `probed` before. Into `n_returning` brackets
    known candidates come, too.
    """
    n_candidates, resources = 0, 0
    for number, plan in enumerate(plans):
        n = min(plan.n_candidates, n_left - (0 if number < n_returning else n_candidates))
        if n <= 0:
            break
        if plan.resources[0] in probed:
            resources -= min(n, max(n_probed - n_candidates, 0)) * plan.resources[0]
        n_candidates, before = n_candidates + n, 0
        for amount in plan.resources:
            resources += n * amount if amount > before else 0  # nobody gets the same twice
            n, before = keep(n), amount
    return n_candidates, resources


class Resource:
    """What schedulers with a resource share: fields that say which, and how much of it."""

    begins: ClassVar[tuple] = ("smallest", "auto")  # names that `min_resources` may have

    def __post_init__(self):
        self._check("resource", isinstance(self.resource, str), "a str")
        self._check(
            "max_resources", _is_amount(self.max_resources, ("auto",)), 'an int >= 1 or "auto"'
        )
        begins = ", ".join(map(repr, self.begins))
        is_amount = _is_amount(self.min_resources, self.begins)
        self._check("min_resources", is_amount, f"an int >= 1 or one of {begins}")

    def _check(self, name, holds, wanted):
        if not holds:
            raise ValueError(
                f"{name} of {type(self).__name__} must be {wanted}; got {getattr(self, name)!r}."
            )

    def amounts(self, n_samples, smallest):
        """Least and most of the resource, with numbers for what is left to the data.

        Parameters
        ----------
        n_samples : int
            What "auto" stands for in `max_resources`.
        smallest : int
            What a name in `min_resources` begins with.
        """
        most = n_samples if self.max_resources == "auto" else self.max_resources
        least = smallest if isinstance(self.min_resources, str) else self.min_resources
        if least > most:
            raise ValueError(
                f"max_resources must be at least min_resources; got max_resources={most} and "
                f"min_resources={least}. Raise the one or lower the other."
            )
        return int(least), int(most)  # numpy's would overflow

    def _run(
        self,
        proposer,
        history,
        plans,
        fold_sizes,
        fold_stopping,
        n_samples,
        seed,
        smallest,
        is_patient=False,
        **how,
    ):
        least, most = self.amounts(
            sum(fold_sizes) if n_samples is None else n_samples,
            2 * len(fold_sizes) if smallest is None else smallest,
        )
        levels = [least]
        if self.min_resources == "auto":
            # Two rungs are left at the least.
            k = max(1, log_floor(most // least, self.factor))
            powers = (Fraction(self.factor) ** i for i in range(k))
            levels = list(dict.fromkeys(int(least * power) for power in powers))

        def noted_plans(first):
            history.schedule = {"min_resources_": first, "max_resources_": most}
            n_probed, probed = history.n_candidates, {amount for _, amount in history.rungs}
            planned, n_left = plans(first, most), proposer.n_candidates
            sweep = history.schedule.get("brackets_", ()) if proposer.is_exhausted else ()
            n, resources = _total(planned, n_left, how["keep"], probed, n_probed, len(sweep))
            history.planned = {
                "candidates": max(min(n, n_left), n_probed),
                "resources": history.n_resources_held + resources,
            }
            return plans(first, most)

        patient_until = most if is_patient else None
        folds = Folds(history, fold_sizes, fold_stopping, seed)
        return RunningRungs(
            proposer, history, folds, noted_plans, levels, patient_until=patient_until, **how
        )


def _is_amount(value, names):
    if isinstance(value, str):
        return value in names
    return isinstance(value, Integral) and not isinstance(value, bool) and value >= 1


class _Probe:
    """The first candidates at rising amounts, until one amount ranks them as the next does.

    Attributes
    ----------
    candidates : list of Candidate
    first : int or None
        The lower of the two amounts, once it is known; the highest when no two agree.
    """

    def __init__(self, levels, newcomer, conclude, history):
        self._levels = levels
        self._newcomer = newcomer
        self._conclude = conclude
        self._history = history
        self._splits = range(history.n_splits)
        self._level = 0
        self._scores = [{} for _ in levels]
        self._ready = deque()
        self._closed = False
        self.candidates = []
        self.first = None

    @property
    def is_over(self):
        return self.first is not None

    def next(self):
        """Return a candidate, the amount of the resource it gets, all folds; None when all wait."""
        if not self._closed:
            candidate = self._newcomer() if len(self.candidates) < PROBE else None
            self._closed = candidate is None
            if candidate is not None:
                if not self.candidates:
                    self._begin(None)
                self.candidates.append(candidate)
                return candidate, self._levels[0], self._splits
        if not self._ready and len(self._scores[self._level]) == len(self.candidates):
            self._decide()
        if not self._ready:
            return None
        return self._ready.popleft(), self._levels[self._level], self._splits

    def tell(self, candidate, observation):
        """Learn how a candidate did."""
        if observation.status != "partial":
            self._scores[self._level][candidate.id] = observation.score
            self._conclude(candidate, observation)

    def goes_on(self, resource):
        """Whether a candidate may get more than some amount."""
        return True

    def best_first(self):
        """The candidates by their last scores."""
        scores = self._scores[self._level]
        lost = {id_ for id_, score in scores.items() if math.isnan(score)}
        return sorted(self.candidates, key=lambda c: (c.id in lost, -scores.get(c.id, 0.0)))

    def _decide(self):
        level = self._level
        agrees = level > 0 and _correlation(*self._scores[level - 1 : level + 1]) >= AGREEMENT
        if agrees:
            self.first = self._levels[level - 1]
        elif level + 1 == len(self._levels) or len(self.candidates) < 3:
            self.first = self._levels[level]
        else:
            self._level += 1
            self._begin(len(self.candidates))
            self._ready.extend(self.candidates)

    def _begin(self, n):
        self._history.begin(-1, -1, n, self._levels[self._level])


def _correlation(*scores):
    """Spearman's, of two dicts of scores; failures share the last rank. Nothing known is 0."""
    values = np.array([[scores[0][i], scores[1][i]] for i in scores[0]]).T
    ranks = rankdata(np.where(np.isnan(values), -np.inf, values), axis=1)
    if (np.ptp(ranks, axis=1) == 0).any():
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])


class RunningRungs:
    """A scheduler at work: brackets one after the other, fits of the oldest first.

    Where brackets have to wait, the next one begins.

    Parameters
    ----------
    proposer : Proposer
    history : History
    folds : Folds
    plans : callable
        ``plans(first)``: the plans, where `first` is the least amount of the resource.
    levels : tuple of int
        What the least amount may be. The first candidates decide when there are several.
    patient_until : int, default=None
        The optimiser learns nothing before a candidate got so much, as the first amounts alone
        mislead it; then all. And where it learns, some candidates are drawn at random.
    continuation : object, default=None
        ``applies(candidate)``: whether its fits can go on with the models of lower rungs;
        ``forget(id)``: the candidate goes no further.
    **about : dict
        What each `Bracket` gets.
    """

    def __init__(
        self,
        proposer,
        history,
        folds,
        plans,
        levels,
        *,
        patient_until=None,
        continuation=None,
        **about,
    ):
        self._proposer = proposer
        self._history = history
        self._folds = folds
        self._plans_from = plans
        self._plans = None
        self._patient_until = patient_until
        self._explores = patient_until is not None
        self._unheard = []  # observations that the optimiser is to learn of
        self._n_newcomers = 0
        self._continuation = continuation
        self._about = {**about, "forget": getattr(continuation, "forget", None)}
        self._brackets = []
        self._n_brackets = 0
        self._tasks = deque()
        self._open = {}  # (id, resource) -> (candidate, bracket) with fits under way
        self._spare = deque()  # candidates of the probe, which enter before others
        self._dry = False  # whether the proposer has no more
        self._probe = _Probe(levels, self._newcomer, self._conclude, history)
        if len(levels) == 1:
            self._probe.first = levels[0]

    def ask(self):
        """Next fit, None when there is none to start now."""
        if not self._tasks:
            step = next(filter(None, self._steps()), None)
            self._tasks.extend(() if step is None else self._fits(*step))
        return self._tasks.popleft() if self._tasks else None

    def tell(self, evaluation):
        """Learn of a finished fit; pass what is known of a candidate on to the optimiser."""
        candidate, resource = evaluation.task.candidate, evaluation.task.resource
        if self._folds.decide(candidate, resource):
            bracket = self._open[candidate.id, resource][1]
            bracket.tell(candidate, self._history.observation(candidate, resource))

    def _conclude(self, candidate, observation):
        """A candidate gets no further fold with this amount of the resource."""
        del self._open[candidate.id, observation.resource]
        self._folds.learn(candidate, observation)
        self._learn(self._folds.fair(candidate, observation))

    def _learn(self, observation):
        self._unheard.append(observation)
        if self._patient_until is None or observation.resource >= self._patient_until:
            self._patient_until = None
            for known in self._unheard:
                self._proposer.tell(known)
            self._unheard.clear()

    def _steps(self):
        """The next step of each bracket; of a new one when the others have to wait."""
        if not self._probe.is_over:
            yield self._take(self._probe)
            if not self._probe.is_over:
                return
        if self._plans is None:
            self._begin_brackets()
        self._brackets = [bracket for bracket in self._brackets if not bracket.is_over]
        for bracket in self._brackets:
            yield self._take(bracket)
        while (bracket := self._new_bracket()) is not None:
            yield self._take(bracket)

    def _take(self, bracket):
        step = bracket.next()
        return None if step is None else (*step, bracket)

    def _new_bracket(self):
        while True:
            n_new = len(self._spare)
            if not self._dry:
                n_new += self._proposer.n_candidates - self._n_newcomers
            if n_new <= 0 and not self._may_return():
                return None
            plan = next(self._plans, None)
            if plan is None:
                return None
            old = self._returning(plan) if n_new < plan.n_candidates else ()
            number, self._n_brackets = self._n_brackets, self._n_brackets + 1
            if n_new > 0 or old:
                return self._open_bracket(plan, n_new, old, number)

    def _begin_brackets(self):
        """The candidates of the probe enter first; of more than there are places for, the best."""
        plans = iter(self._plans_from(self._probe.first))
        first = next(plans)
        self._history.planned["most"] = first.resources[-1]  # as in the brackets that follow
        crowded = first.n_candidates < len(self._probe.candidates)
        self._spare.extend(self._probe.best_first() if crowded else self._probe.candidates)
        self._plans = chain([first], plans)

    def _open_bracket(self, plan, n_new, old, number):
        plan = replace(plan, n_candidates=min(plan.n_candidates, n_new + len(old)))
        bracket = Bracket(
            plan,
            partial(self._newcomer, deque(old)),
            self._conclude,
            self._history,
            self._folds,
            learns=self._proposer.learns,
            number=number,
            **self._about,
        )
        self._brackets.append(bracket)
        return bracket

    def _may_return(self):
        """Whether known candidates may enter a bracket, as a small space has no others for it.

        In the first sweep only, and one bracket after the other: a fit is for one of them.
        """
        if not self._proposer.is_exhausted or any(not one.is_over for one in self._brackets):
            return False
        return self._n_brackets < len(self._history.schedule.get("brackets_", ()))

    def _returning(self, plan):
        """Candidates that lack the first amount of a plan, in a random order."""
        if not self._may_return():
            return ()
        known, amount = list(self._history.candidates.values()), plan.resources[0]
        order = np.random.default_rng(self._n_brackets).permutation(len(known))
        return [known[k] for k in order if not self._history.folds(known[k].id, amount)]

    def _newcomer(self, old=()):
        """The next candidate: one of the probe, a new one, or one of the old ones."""
        if self._spare:
            return self._spare.popleft()
        pending = (
            self._folds.fair(candidate, self._history.observation(candidate, resource))
            for (_, resource), (candidate, _) in self._open.items()
        )
        explore = self._explores and (self._n_newcomers + 1) % EXPLORED == 0
        candidate = self._proposer.ask(pending, explore=explore)
        self._dry = candidate is None
        self._n_newcomers += not self._dry
        return old.popleft() if self._dry and old else candidate

    def _fits(self, candidate, resource, splits, bracket):
        self._open[candidate.id, resource] = candidate, bracket
        before, goes_on = {}, False
        if self._continuation is not None:
            below = self._history.below(candidate.id, resource)
            known = any(task.goes_on for task in below.values())  # it was asked on a lower rung
            if known or self._continuation.applies(candidate):
                before, goes_on = below, bracket.goes_on(resource)
        return [Task(candidate, split, resource, before.get(split), goes_on) for split in splits]
