"""One coordinate of the unit cube: a distribution or a list, seen through its quantiles."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Real

import numpy as np
from scipy import stats

from skhpo.space._distributions import closed_form
from skhpo.space._keys import key_of

__all__ = ["Dimension"]

EPS = 2.0**-53  # the open cube is [EPS, 1 - EPS]; 1 - EPS is the largest double below 1
MAX = float(np.finfo(float).max)
MAX_TABLE = 2**14  # levels of a discrete distribution that are tabulated


def is_number(value):
    """Is it a real number, NaN and booleans apart?"""
    return isinstance(value, Real) and not isinstance(value, bool) and value == value


def clip(u):
    """Move into the open cube: quantile functions are infinite or off by one at 0."""
    return np.clip(u, EPS, 1 - EPS)


def _clip_one(u):
    return min(max(u, EPS), 1 - EPS)


@dataclass(frozen=True, eq=False)
class Dimension:
    """One coordinate of the unit cube.

    Parameters
    ----------
    name : str
        Name of the hyper-parameter, "<branch>" for the choice among the dicts of a list.
    kind : {"continuous", "ordered", "categorical", "branch", "opaque"}
        "ordered" is a list of numbers, sorted by value, or a discrete distribution;
        "categorical" any other list, in the order given; "opaque" an object that can only draw,
        whose coordinate is a seed.
    n_levels : int or inf
        Number of distinct values, ``math.inf`` unless there is a bound.
    has_none : bool
        Whether None is level 0 of an ordered list.

    Examples
    --------
    >>> from skhpo.space import SearchSpace
    >>> depth, = SearchSpace({"max_depth": [None, 10, 3, 5]}).dims
    >>> depth.kind, depth.n_levels, depth.has_none
    ('ordered', 4, True)
    >>> [depth.from_unit(u) for u in (0.1, 0.3, 0.6, 0.9)]
    [None, 3, 5, 10]
    >>> depth.to_unit(5)
    0.625
    >>> depth.snap([0.1, 0.7]).tolist(), depth.level([0.1, 0.7]).tolist()
    ([0.125, 0.625], [0, 2])
    """

    name: str
    kind: str
    n_levels: float
    has_none: bool = False

    def from_unit(self, u):
        """Value at the quantile ``u``."""
        raise NotImplementedError

    def to_unit(self, value):
        """Quantile of ``value``; ValueError when it is none of the values."""
        raise NotImplementedError

    def snap(self, u):
        """Representative quantiles: the middle of the mass of a level."""
        return clip(np.asarray(u, dtype=float))

    def level(self, u):
        """Number of the level, counted from 0 in the order of the values."""
        raise ValueError(
            f"Only a dimension with levels has a level, {self.name!r} is {self.kind}; "
            "look at `kind` first."
        )

    def _refuse(self, value, must):
        return ValueError(f"Parameter {self.name!r} must be {must}, got {value!r}.")


@dataclass(frozen=True, eq=False)
class Continuous(Dimension):
    """A continuous distribution through its ``ppf`` and ``cdf``."""

    distribution: object = None
    bounds: tuple[float, float] = (-math.inf, math.inf)

    def from_unit(self, u):
        low, high = self.bounds
        value = float(self.distribution.ppf(_clip_one(float(u))))
        return min(max(value, low, -MAX), high, MAX)  # rounding may leave the support

    def to_unit(self, value):
        low, high = self.bounds
        if not (is_number(value) and abs(value) <= MAX and _within(float(value), low, high)):
            raise self._refuse(value, f"a number between {low!r} and {high!r}")
        return float(_clip_one(self.distribution.cdf(min(max(float(value), low), high))))


def _within(value, low, high):
    # A draw may be a few units in the last place outside.
    return low - 4 * math.ulp(low) <= value <= high + 4 * math.ulp(high)


@dataclass(frozen=True, eq=False)
class Levels(Dimension):
    """Finitely many values, the i-th on ``(edges[i - 1], edges[i]]``."""

    values: tuple = ()
    edges: np.ndarray = None
    centers: np.ndarray = field(init=False)
    index: dict = field(init=False)

    def __post_init__(self):
        below = np.concatenate([[0.0], self.edges[:-1]])
        centers = np.maximum((below + self.edges) / 2, np.nextafter(below, 1))
        object.__setattr__(self, "centers", clip(centers))
        object.__setattr__(self, "index", {key_of(v): i for i, v in enumerate(self.values)})

    def from_unit(self, u):
        return self.values[self.edges.searchsorted(_clip_one(float(u)))]

    def to_unit(self, value):
        level = self.index.get(key_of(value))
        if level is None:
            level = self._nearest(value)
        return float(self.centers[level])

    def snap(self, u):
        return self.centers[self.level(u)]

    def level(self, u):
        return np.minimum(self.edges.searchsorted(clip(u)), len(self.edges) - 1)  # NaN: last

    def _nearest(self, value):
        if self.kind == "ordered" and is_number(value):
            for level, other in enumerate(self.values):
                if other is not None and other == value:  # 1 lies in a list that has 1.0
                    return level
        raise self._refuse(value, f"one of {_shorten(self.values)}")


def _shorten(values, most=10):
    text = ", ".join(map(repr, values[:most]))
    return f"[{text}, ...] ({len(values)} values)" if len(values) > most else f"[{text}]"


@dataclass(frozen=True, eq=False)
class Tabulated(Levels):
    """A discrete distribution whose cdf fits in a table."""

    bounds: tuple[float, float] = (-math.inf, math.inf)

    def _nearest(self, value):
        # In the support, but its mass is lost in the rounding of the cdf or zero.
        low, high = self.bounds
        if not (is_number(value) and low <= value <= high and value == round(value)):
            raise self._refuse(value, f"an integer between {low} and {high}")
        return int(np.abs(np.asarray(self.values) - float(value)).argmin())


@dataclass(frozen=True, eq=False)
class Discrete(Dimension):
    """A discrete distribution of many integers through its ``ppf`` and ``cdf``."""

    distribution: object = None
    bounds: tuple[float, float] = (-math.inf, math.inf)

    def from_unit(self, u):
        return int(self.distribution.ppf(_clip_one(float(u))))

    def to_unit(self, value):
        low, high = self.bounds
        if not (is_number(value) and low <= value <= high and value == round(value)):
            raise self._refuse(value, f"an integer between {low} and {high}")
        return float(self._center(float(value)))

    def snap(self, u):
        u = clip(np.asarray(u, dtype=float))
        k = self.distribution.ppf(u)
        center = self._center(k)
        # Where a step is thinner than a rounding error its middle may be in another one.
        return np.where(self.distribution.ppf(center) == k, center, u)

    def level(self, u):
        first = self.distribution.ppf(EPS)
        return (self.distribution.ppf(clip(u)) - first).astype(int)

    def _center(self, k):
        return clip((self.distribution.cdf(k - 1) + self.distribution.cdf(k)) / 2)


@dataclass(frozen=True, eq=False)
class Opaque(Dimension):
    """An object that can only draw: the coordinate is a seed."""

    distribution: object = None

    def from_unit(self, u):
        seed = int(_clip_one(float(u)) * 2**32)
        # A RandomState, as ParameterSampler hands over: some objects call its methods.
        return self.distribution.rvs(random_state=np.random.RandomState(seed))

    def to_unit(self, value):
        """A draw cannot be turned back into its seed: always the middle."""
        return 0.5


def from_values(name, values, kind=None):
    """Dimension of distinct ``values``, each on an equal cell."""
    kind = kind or _kind_of(values)
    has_none = kind == "ordered" and any(v is None for v in values)
    if kind == "ordered":
        values = sorted(values, key=lambda v: (v is not None, 0 if v is None else v))
    n = len(values)
    return Levels(name, kind, n, has_none, tuple(values), np.arange(1, n + 1) / n)


def _kind_of(values):
    numbers = [is_number(v) for v in values if v is not None]
    return "ordered" if numbers and all(numbers) else "categorical"


def from_distribution(name, distribution):
    """Dimension of an object with ``rvs``."""
    if not isinstance(distribution, stats.distributions.rv_frozen):
        return Opaque(name, "opaque", math.inf, False, distribution)
    _check_arguments(name, distribution)
    if isinstance(distribution.dist, stats.rv_discrete):
        return _from_discrete(name, distribution)
    bounds = tuple(map(float, distribution.support()))
    return Continuous(name, "continuous", math.inf, False, closed_form(distribution), bounds)


def _check_arguments(name, distribution):
    median = distribution.ppf(0.5)
    if np.ndim(median) > 0:
        raise ValueError(
            f"Parameter {name!r} must have a distribution of one number, got one of shape "
            f"{np.shape(median)}; give scalar arguments to scipy.stats.{distribution.dist.name}."
        )
    if not np.isfinite(median):
        raise ValueError(
            f"Parameter {name!r} must have a distribution with valid arguments, got "
            f"scipy.stats.{distribution.dist.name} with {distribution.args} and "
            f"{distribution.kwds}, whose median is {median}; see its documentation for their range."
        )


def _from_discrete(name, distribution):
    bounds = distribution.support()
    first, last = distribution.ppf([EPS, 1 - EPS])
    if not last - first < MAX_TABLE:
        bounded = np.all(np.isfinite(bounds))
        n_levels = int(bounds[1]) - int(bounds[0]) + 1 if bounded else math.inf
        return Discrete(name, "ordered", n_levels, False, distribution, bounds)
    values = _support_points(distribution, first, last)
    edges = np.maximum.accumulate(distribution.cdf(values))
    edges[-1] = 1.0
    has_mass = np.diff(edges, prepend=0.0) > 0
    values = [int(v) if v == int(v) else float(v) for v in values[has_mass]]
    n_levels = len(values) if np.all(np.isfinite(bounds)) else math.inf
    return Tabulated(name, "ordered", n_levels, False, tuple(values), edges[has_mass], bounds)


def _support_points(distribution, first, last):
    points = getattr(distribution.dist, "xk", None)  # rv_discrete(values=...): any numbers
    if points is None:
        return np.arange(first, last + 1)
    points = points + (distribution.support()[0] - points[0])
    return points[(points >= first) & (points <= last)]
