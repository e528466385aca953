"""One coordinate of the unit cube: a distribution or a list, seen through its quantiles."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real

import numpy as np
from scipy import stats

from skhpo.space._distributions import unchecked
from skhpo.space._keys import key_of

__all__ = ["Dimension"]

EPS = 2.0**-53  # the open cube is [EPS, 1 - EPS]; 1 - EPS is the largest double below 1
MAX = float(np.finfo(float).max)
TAIL = 1e-3  # mass at an end of a distribution without bounds that no search looks at
MAX_TABLE = 2**14  # levels of a discrete distribution that are tabulated


def clip(u):
    """Move into the open cube: quantile functions are infinite or off by one at 0."""
    return np.fmin(np.fmax(u, EPS), 1 - EPS)  # NaN, an inactive coordinate, becomes EPS


def is_number(value):
    """Is it a real number, NaN and booleans apart?"""
    return isinstance(value, Real) and not isinstance(value, bool) and value == value


def _as_double(value):
    """The number as a finite double, None when it is none."""
    try:
        return float(value) if is_number(value) and math.isfinite(value) else None
    except OverflowError:  # an integer beyond the doubles
        return None


def _plain(value):
    # numpy would compare in the narrower type: float32(1) < 1e300 overflows.
    return value.item() if isinstance(value, np.generic) else value


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

    @property
    def is_even(self):
        """Whether levels are equal cells, so that ``floor(u * n_levels)`` is the level of u."""
        return False

    @cached_property
    def ends(self):
        """Quantiles between which a search looks for the best value.

        All; but where the values have no bound, a thousandth of the mass at either end is left
        out: what lies there is nothing that anybody has in mind.
        """
        if self.kind != "ordered" or math.isfinite(self.n_levels):
            return 0.0, 1.0
        has_levels_inside = self.level(TAIL) < self.level(1.0 - TAIL)
        return (TAIL, 1.0 - TAIL) if has_levels_inside else (0.0, 1.0)

    def from_unit(self, u):
        """Value at the quantile ``u``."""
        raise NotImplementedError

    def to_unit(self, value):
        """Quantile of ``value``; ValueError when it is none of the values."""
        raise NotImplementedError

    def snap(self, u):
        """Representative quantiles: the middle of the mass of a level."""
        return clip(u)

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

    @cached_property
    def ends(self):
        if not all(map(math.isfinite, self.bounds)):
            return TAIL, 1.0 - TAIL
        return TAIL * self._is_long(0.0, TAIL), 1.0 - TAIL * self._is_long(1.0, 1.0 - TAIL)

    def _is_long(self, end, near):
        """Whether the last of the mass spans more than the half of the mass beside it."""
        last, inner, middle = (self.from_unit(u) for u in (end, near, 0.5))
        return abs(inner - last) > abs(middle - inner)

    def from_unit(self, u):
        low, high = self.bounds
        with np.errstate(all="ignore"):  # some families divide by zero far in the tails
            value = float(self.distribution.ppf(float(clip(u))))
        return min(max(value, low, -MAX), high, MAX)  # rounding may leave the support

    def to_unit(self, value):
        low, high = self.bounds
        number = _as_double(value)
        if number is None or not _is_within(number, low, high):
            raise self._refuse(value, f"a number between {low!r} and {high!r}")
        if not low < number < high:
            return EPS if number <= low else 1 - EPS
        with np.errstate(all="ignore"):
            return float(clip(self.distribution.cdf(number)))


def _is_within(value, low, high):
    # A draw may be a few units in the last place outside.
    return low - 4 * math.ulp(low) <= value <= high + 4 * math.ulp(high)


@dataclass(frozen=True, eq=False)
class Levels(Dimension):
    """Finitely many values: the i-th lies on ``(edges[i - 1], edges[i]]``, or on equal cells."""

    values: tuple = ()
    edges: np.ndarray | None = None
    centers: np.ndarray = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "centers", _centers(len(self.values), self.edges))

    @property
    def is_even(self):
        return self.edges is None

    def from_unit(self, u):
        return self.values[self.level(u)]

    def to_unit(self, value):
        level = self.index.get(key_of(value))
        return float(self.centers[self._equal(value) if level is None else level])

    def snap(self, u):
        return self.centers[self.level(u)]

    def level(self, u):
        u = clip(u)
        if self.is_even:
            return (u * len(self.values)).astype(int)
        return self.edges.searchsorted(u)

    @cached_property
    def index(self):
        """Level of each value by its key."""
        return {key_of(value): level for level, value in enumerate(self.values)}

    def _equal(self, value):
        if self.kind == "ordered" and is_number(value):  # 1 lies in a list that has 1.0
            for level, other in enumerate(self.values):
                if other is not None and _plain(other) == _plain(value):
                    return level
        raise self._refuse(value, f"one of {_shorten(self.values)}")


def _centers(n, edges):
    if edges is None:
        return (np.arange(n) + 0.5) / n
    below = np.concatenate([[0.0], edges[:-1]])
    # The middle of a thin step may round to its lower edge, which belongs to the level below.
    return clip(np.maximum((below + edges) / 2, np.nextafter(below, 1)))


def _shorten(values, most=10):
    text = ", ".join(map(repr, values[:most]))
    return f"[{text}, ...] ({len(values)} values)" if len(values) > most else f"[{text}]"


@dataclass(frozen=True, eq=False)
class Tabulated(Levels):
    """A discrete distribution whose quantiles fit in a table."""

    distribution: object = None

    def to_unit(self, value):
        number = _as_double(value)
        if number is not None:
            level = min(self._points.searchsorted(number), len(self.values) - 1)
            # In the far tail a value may be possible, but its mass is lost in rounding.
            if self.values[level] == number or _is_possible(self.distribution, number):
                return float(self.centers[level])
        raise self._refuse(value, _support_text(self.distribution))

    @cached_property
    def _points(self):
        return np.asarray(self.values, dtype=float)


@dataclass(frozen=True, eq=False)
class Discrete(Dimension):
    """A discrete distribution of many integers through its ``ppf`` and ``cdf``."""

    distribution: object = None
    first: float = 0.0

    def from_unit(self, u):
        return _to_python(self.distribution.ppf(clip(u)))

    def to_unit(self, value):
        number = _as_double(value)
        if number is None or not _is_possible(self.distribution, number):
            raise self._refuse(value, _support_text(self.distribution))
        return float(clip(self._step(number).mean()))

    def snap(self, u):
        u = clip(u)
        below, upto = self._step(self.distribution.ppf(u))
        # Where a step is as thin as a rounding error its middle may lie in another one.
        return np.where(upto - below > 2.0**-40, clip((below + upto) / 2), u)

    def level(self, u):
        return np.asarray(self.distribution.ppf(clip(u)) - self.first).astype(int)

    def _step(self, k):
        return self.distribution.cdf(np.stack([k - 1, k]))


def _is_possible(distribution, number):
    with np.errstate(divide="ignore"):
        return bool(distribution.logpmf(number) > -np.inf)


def _support_text(distribution):
    low, high = distribution.support()
    return f"one of the values between {low} and {high} that the distribution takes"


def _to_python(number):
    return int(number) if number == int(number) else float(number)


@dataclass(frozen=True, eq=False)
class Opaque(Dimension):
    """An object that can only draw: the coordinate is a seed."""

    distribution: object = None

    def from_unit(self, u):
        seed = int(clip(u) * 2**32)
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
        values = sorted(values, key=lambda v: (v is not None, 0 if v is None else _plain(v)))
    return Levels(name, kind, len(values), has_none, tuple(values))


def _kind_of(values):
    numbers = [is_number(v) for v in values if v is not None]
    return "ordered" if numbers and all(numbers) else "categorical"


def from_distribution(name, distribution):
    """Dimension of an object with ``rvs``."""
    distribution = _freeze(name, distribution)
    if not isinstance(distribution, stats.distributions.rv_frozen):
        return Opaque(name, "opaque", math.inf, False, distribution)
    _check_arguments(name, distribution)
    if isinstance(distribution.dist, stats.rv_discrete):
        return _from_discrete(name, distribution)
    bounds = tuple(map(float, distribution.support()))
    return Continuous(name, "continuous", math.inf, False, unchecked(distribution), bounds)


def _freeze(name, distribution):
    if not isinstance(distribution, stats.rv_continuous | stats.rv_discrete):
        return distribution
    try:
        return distribution()
    except TypeError as error:
        raise ValueError(
            f"Parameter {name!r} must have a distribution with its arguments, got "
            f"scipy.stats.{distribution.name} without; call it, as in loguniform(0.01, 100)."
        ) from error


def _check_arguments(name, distribution):
    family = f"scipy.stats.{distribution.dist.name}"
    with np.errstate(all="ignore"):
        median = distribution.ppf(0.5)
    if np.ndim(median) > 0:
        raise ValueError(
            f"Parameter {name!r} must have a distribution of one number, got one of shape "
            f"{np.shape(median)}; give scalar arguments to {family}."
        )
    if not np.isfinite(median):
        raise ValueError(
            f"Parameter {name!r} must have a distribution with valid arguments, got {family} with "
            f"{distribution.args} and {distribution.kwds}, whose median is {median}; "
            f"see the documentation of {family} for their range."
        )


def _from_discrete(name, distribution):
    bounds = distribution.support()
    is_bounded = bool(np.all(np.isfinite(bounds)))
    points = _points_to_tabulate(distribution, *bounds)
    if points is None:
        n_levels = int(bounds[1] - bounds[0]) + 1 if is_bounded else math.inf
        first = distribution.ppf(EPS)
        return Discrete(name, "ordered", n_levels, False, distribution, first)
    points, edges = _tabulate(distribution, points)
    n_levels = len(points) if is_bounded else math.inf
    values = tuple(map(_to_python, points))
    return Tabulated(name, "ordered", n_levels, False, values, edges, distribution)


def _points_to_tabulate(distribution, low, high):
    """Values that hold the mass of the open cube, None when they are too many for a table."""
    family = distribution.dist
    if hasattr(family, "xk"):  # rv_discrete(values=...): any numbers
        return family.xk + (low - family.xk[0])
    is_searched = type(family)._ppf is stats.rv_discrete._ppf  # no closed form
    if is_searched and not np.isfinite(high - low):
        # scipy would walk through the tail and sum up to each step. What a heavy tail has beyond
        # the table falls to its last value.
        first = max(low, distribution.ppf(0.5) - MAX_TABLE // 2)
        return np.arange(first, first + MAX_TABLE)
    with np.errstate(divide="ignore"):
        first, last = np.clip(distribution.ppf([EPS, 1 - EPS]), low, high)  # of geom(1.0) it is 0
    most = 8 * MAX_TABLE if is_searched else MAX_TABLE  # a search sums the masses for each point
    return np.arange(first, last + 1) if last - first < most else None


def _tabulate(distribution, points):
    """The values that a point of the open cube can reach, and the upper edges of their cells."""
    mass = distribution.pmf(points)
    if np.ptp(mass) <= 1e-9 * mass[0]:
        return points, None
    mass[0] += distribution.cdf(points[0] - 1)
    edges = np.minimum(np.cumsum(mass), 1.0)
    below = np.concatenate([[0.0], edges[:-1]])
    is_reached = (edges > below) & (edges >= EPS) & (below < 1 - EPS)
    edges = edges[is_reached]
    edges[-1] = 1.0
    return points[is_reached], edges
