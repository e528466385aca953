"""Rules that end a search: each asks one question of its history.

Rules are values and combine with ``|`` (either) and ``&`` (both). They see results in the order
in which the search learns of them, so they do not depend on which worker was faster, except for
`MaxTime`, which asks the clock.
"""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import ClassVar

__all__ = ["MaxFits", "MaxResources", "MaxTime", "NoImprovement", "StoppingRule", "TargetScore"]


class StoppingRule:
    """Base of the rules: ``rule(history)`` is True when no further fit should start.

    Examples
    --------
    >>> from skhpo.stopping import MaxTime, NoImprovement
    >>> MaxTime(600) | NoImprovement(20)
    MaxTime(seconds=600) | NoImprovement(n_candidates=20, min_delta=0.0)
    """

    needs_rungs = False  # whether it can only end a search with rungs

    def __call__(self, history):
        raise NotImplementedError

    def __or__(self, other):
        return _combine(any, " | ", self, other)

    def __and__(self, other):
        return _combine(all, " & ", self, other)

    def __ror__(self, other):
        return _combine(any, " | ", other, self)

    def __rand__(self, other):
        return _combine(all, " & ", other, self)


def _combine(how, sign, *rules):
    if not all(callable(rule) and not isinstance(rule, type) for rule in rules):
        return NotImplemented
    return _Combined(how, sign, rules)


@dataclass(frozen=True, repr=False)
class _Combined(StoppingRule):
    combine: object
    sign: str
    rules: tuple

    @property
    def needs_rungs(self):
        needs = (getattr(rule, "needs_rungs", False) for rule in self.rules)
        return all(needs) if self.combine is any else any(needs)

    def __call__(self, history):
        return self.combine(rule(history) for rule in self.rules)

    def __repr__(self):
        return self.sign.join(
            f"({rule!r})" if isinstance(rule, _Combined) else repr(rule) for rule in self.rules
        )


@dataclass(frozen=True)
class MaxTime(StoppingRule):
    """Stop when this call of ``fit`` has searched for some time.

    Fits that run at that moment are finished and kept.

    Parameters
    ----------
    seconds : float
        Time in seconds, greater than 0.

    Examples
    --------
    >>> from skhpo.stopping import MaxTime
    >>> MaxTime(600)
    MaxTime(seconds=600)
    """

    seconds: float

    def __post_init__(self):
        _check_number(self, "seconds", self.seconds, 0, numbers.Real, strict=True)

    def __call__(self, history):
        return history.elapsed >= self.seconds


@dataclass(frozen=True)
class MaxFits(StoppingRule):
    """Stop when so many fits are finished.

    Parameters
    ----------
    n_fits : int
        Number of fits, a fold of a candidate each; at least 1.

    Examples
    --------
    >>> from skhpo.stopping import MaxFits
    >>> MaxFits(100)
    MaxFits(n_fits=100)
    """

    n_fits: int

    def __post_init__(self):
        _check_number(self, "n_fits", self.n_fits, 1, numbers.Integral)

    def __call__(self, history):
        return history.n_fits >= self.n_fits


@dataclass(frozen=True)
class MaxResources(StoppingRule):
    """Stop when so much of the resource is spent, in searches with rungs.

    Parameters
    ----------
    amount : float
        Sum over candidates, each with all its folds; greater than 0. With samples as the
        resource, 10 candidates that get 500 each spend 5,000.

    Examples
    --------
    >>> from skhpo.stopping import MaxResources
    >>> MaxResources(5000)
    MaxResources(amount=5000)
    """

    needs_rungs: ClassVar[bool] = True

    amount: float

    def __post_init__(self):
        _check_number(self, "amount", self.amount, 0, numbers.Real, strict=True)

    def __call__(self, history):
        return history.n_resources_used >= self.amount


@dataclass(frozen=True)
class NoImprovement(StoppingRule):
    """Stop when the last candidates brought no better score.

    Where there are rungs, those at the last one count: what little of a resource says is no
    reason to end before anybody got much.

    Parameters
    ----------
    n_candidates : int
        How many complete candidates in a row; at least 1.
    min_delta : float, default=0.0
        By how much the best score must rise to count as better.

    Examples
    --------
    >>> from skhpo.stopping import NoImprovement
    >>> NoImprovement(20)
    NoImprovement(n_candidates=20, min_delta=0.0)
    """

    n_candidates: int
    min_delta: float = 0.0

    def __post_init__(self):
        _check_number(self, "n_candidates", self.n_candidates, 1, numbers.Integral)
        _check_number(self, "min_delta", self.min_delta, 0, numbers.Real)

    def __call__(self, history):
        best = history.best_so_far
        if len(best) <= self.n_candidates or not history.is_final:
            return False
        before = best[-1 - self.n_candidates]
        # A sum, since -inf (nothing succeeded yet) has no difference.
        return best[-1] <= before + self.min_delta


@dataclass(frozen=True)
class TargetScore(StoppingRule):
    """Stop when a complete candidate reaches a mean score, at the last rung where there are some.

    Parameters
    ----------
    score : float
        In the scorer's own sign: larger is better.

    Examples
    --------
    >>> from skhpo.stopping import TargetScore
    >>> TargetScore(0.99)
    TargetScore(score=0.99)
    """

    score: float

    def __post_init__(self):
        _check_number(self, "score", self.score, float("-inf"), numbers.Real)

    def __call__(self, history):
        return history.is_final and history.best_score >= self.score


def _check_number(rule, name, value, low, kind, strict=False):
    is_number = isinstance(value, kind) and not isinstance(value, bool)
    if not is_number or not (value > low if strict else value >= low):
        wanted = "an int" if kind is numbers.Integral else "a number"
        bound = f"greater than {low}" if strict else f"of at least {low}"
        raise ValueError(
            f"{name} of {type(rule).__name__} must be {wanted} {bound}; got {value!r}."
        )
