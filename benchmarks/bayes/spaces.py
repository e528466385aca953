"""Search spaces of the tasks, in a language small enough to put into that of every method.

A space is a list of branches, each a dict of names to `Real`, `Int`, `Choice`, `Ordinal` or a
constant. Parameters of the same name and range are one column in all branches that have them.
Methods that know numbers and labels only get the raw values: numbers, and the numbers of levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Real:
    """A number between two bounds; with ``log``, uniform on the logarithmic scale."""

    low: float
    high: float
    log: bool = False

    def from_unit(self, u):
        if self.log:
            return float(math.exp(math.log(self.low) + u * math.log(self.high / self.low)))
        return float(self.low + u * (self.high - self.low))

    def value(self, raw):
        return float(min(self.high, max(self.low, raw)))

    def to_unit(self, value):
        if self.log:
            u = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            u = (value - self.low) / (self.high - self.low)
        return [min(1.0, max(0.0, u))]

    n_columns = 1


@dataclass(frozen=True)
class Int:
    """A whole number between two bounds, both included."""

    low: int
    high: int

    def from_unit(self, u):
        return self.low + min(int(u * self.n_levels), self.n_levels - 1)

    def value(self, raw):
        return int(raw)

    def to_unit(self, value):
        return [(value - self.low + 0.5) / self.n_levels]

    @property
    def n_levels(self):
        return self.high - self.low + 1

    n_columns = 1


class _Levels:
    """One of a few values; raw, it is the number of the value."""

    def __init__(self, *values):
        self.values = values

    def __eq__(self, other):
        return type(self) is type(other) and repr(self.values) == repr(other.values)

    def __hash__(self):
        return hash(repr(self.values))

    def from_unit(self, u):
        return min(int(u * len(self.values)), len(self.values) - 1)

    def value(self, raw):
        return self.values[int(raw)]


class Ordinal(_Levels):
    """One of a few numbers in order; None comes first."""

    def to_unit(self, value):
        return [(self.values.index(value) + 0.5) / len(self.values)]

    n_columns = 1


class Choice(_Levels):
    """One of a few values without order."""

    def to_unit(self, value):
        return [float(value == v) for v in self.values]

    @property
    def n_columns(self):
        return len(self.values)


PARAMETERS = (Real, Int, Ordinal, Choice)


@dataclass(frozen=True)
class Column:
    """A parameter, its name in the flat form of the space, and the branches that have it."""

    flat: str
    name: str
    parameter: object
    branches: tuple


class Space:
    """A list of branches; ``columns`` is its flat form."""

    def __init__(self, *branches):
        self.branches = branches
        self.columns = self._columns()
        self.names = sorted({name for branch in branches for name in branch})

    def _columns(self):
        found = {}
        for b, branch in enumerate(self.branches):
            for name, parameter in branch.items():
                if isinstance(parameter, PARAMETERS):
                    found.setdefault((name, parameter), []).append(b)
        times = {name: [n for n, _ in found].count(name) for name, _ in found}
        flat = [
            name.replace("__", "_") + (f"_{at[0]}" if times[name] > 1 else "")
            for (name, _), at in found.items()
        ]
        return [
            Column(f, name, parameter, tuple(at))
            for f, ((name, parameter), at) in zip(flat, found.items(), strict=True)
        ]

    @property
    def is_conditional(self):
        return len(self.branches) > 1

    def constants(self, b):
        """What all settings of a branch share."""
        return {k: v for k, v in self.branches[b].items() if not isinstance(v, PARAMETERS)}

    def decode(self, flat):
        """Parameters from a dict of raw values by flat names; ``branch`` says which branch."""
        b = int(flat.get("branch", 0))
        values = {c.name: c.parameter.value(flat[c.flat]) for c in self.columns if b in c.branches}
        return {**self.constants(b), **values}

    def from_unit(self, u):
        """Parameters from a point of the unit cube: first the branch, then all columns."""
        b = min(int(u[0] * len(self.branches)), len(self.branches) - 1)
        flat = {c.flat: c.parameter.from_unit(v) for c, v in zip(self.columns, u[1:], strict=True)}
        return self.decode({"branch": b, **flat})

    def branch(self, params):
        """The number of the branch that parameters are of."""
        for b, branch in enumerate(self.branches):
            constants = self.constants(b)
            if set(branch) <= set(params) and all(params[k] == v for k, v in constants.items()):
                return b
        raise ValueError(f"{params} is in no branch of the space")

    def encode(self, params):
        """Inputs of the interpolator: numbers in [0, 1], choices and the branch one-hot.

        What a branch does not have is 0.5, or no level.
        """
        b = self.branch(params)
        x = [float(b == k) for k in range(len(self.branches))] if self.is_conditional else []
        for c in self.columns:
            if b in c.branches:
                x += c.parameter.to_unit(params[c.name])
            else:
                x += [0.5] if c.parameter.n_columns == 1 else [0.0] * c.parameter.n_columns
        return np.array(x)
