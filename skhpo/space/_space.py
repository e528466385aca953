"""scikit-learn's ``param_distributions`` as a unit cube, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, compress, product, starmap

import numpy as np
from scipy import stats

from skhpo.space._checks import check_dicts, check_value
from skhpo.space._dimension import (
    Dimension,
    Levels,
    clip,
    from_distribution,
    from_values,
    is_number,
)
from skhpo.space._distributions import arguments
from skhpo.space._keys import key_of

__all__ = ["SearchSpace"]

MANY_DICTS = 12  # beyond which inclusion and exclusion of their settings takes too long
MANY_SETTINGS = 100_000  # beyond which settings are not counted one by one


class SearchSpace:
    """The unit cube behind a dict of distributions and lists, or a list of such dicts.

    A frozen scipy distribution is a coordinate through its quantiles, a list one of equal cells
    (numbers sorted by value, None first), one value a constant without coordinate. In a list of
    dicts the first coordinate chooses the dict; those a dict does not use are NaN. Dicts
    that give the same values to the same name share a coordinate.

    Parameters
    ----------
    param_distributions : dict or list of dicts
        As for :class:`~sklearn.model_selection.RandomizedSearchCV` and
        :class:`~sklearn.model_selection.GridSearchCV`.
    constraint : callable or None, default=None
        ``constraint(params)`` tells whether a setting is allowed.

    Attributes
    ----------
    dims : tuple of Dimension
        One a coordinate.
    n_dims : int
    names : tuple of str
        All names of parameters, sorted.
    branches : tuple of tuples of str
        The names that each dict sets, sorted.
    active : ndarray of bool, shape (n_branches, n_dims)
        The coordinates that each dict uses.
    is_grid : bool
        Whether every value is a list.

    Raises
    ------
    TypeError, ValueError
        When ``param_distributions`` is not what scikit-learn takes.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from skhpo.space import SearchSpace
    >>> space = SearchSpace({"C": loguniform(1e-2, 1e2), "kernel": ["linear", "rbf"]})
    >>> [dim.kind for dim in space.dims]
    ['continuous', 'categorical']
    >>> params = space.from_unit([0.5, 0.9])
    >>> round(params["C"], 9), params["kernel"]
    (1.0, 'rbf')
    >>> space.to_unit({"C": 10, "kernel": "linear"})
    array([0.75, 0.25])
    """

    def __init__(self, param_distributions, *, constraint=None):
        if constraint is not None and not callable(constraint):
            raise TypeError(
                "`constraint` must be None or a function of the parameters that returns a bool, "
                f"got {constraint!r}."
            )
        self.constraint = constraint
        dicts = [
            {name: check_value(name, d[name]) for name in sorted(d)}
            for d in check_dicts(param_distributions)
        ]
        self.is_grid = all(isinstance(v, tuple) for d in dicts for v in d.values())
        columns = {}  # (name, what it is drawn from) -> Dimension
        if len(dicts) > 1:
            columns[None] = from_values("<branch>", range(len(dicts)), kind="branch")
        self._dicts = [[_slot(n, v, columns) for n, v in d.items()] for d in dicts]
        self.dims = tuple(columns.values())
        self.n_dims = len(self.dims)
        self.branches = tuple(tuple(d) for d in dicts)
        self.names = tuple(sorted(set().union(*dicts)))
        self.active = np.array([self._is_active(slots) for slots in self._dicts])
        self._even = np.array([j for j, dim in enumerate(self.dims) if dim.is_even], dtype=int)
        self._n_cells = np.array([self.dims[j].n_levels for j in self._even])
        smooth = "continuous", "opaque"
        steps = [(j, dim) for j, dim in enumerate(self.dims) if dim.kind not in smooth]
        self._uneven = [(j, dim) for j, dim in steps if not dim.is_even]

    def _is_active(self, slots):
        used = {slot.column for slot in slots} | ({0} if len(self._dicts) > 1 else set())
        return np.isin(np.arange(self.n_dims), list(used - {None}))

    @cached_property
    def ends(self):
        """Quantiles between which a search looks, see `Dimension.ends`: of shape (2, n_dims)."""
        return np.array([dim.ends for dim in self.dims]).reshape(-1, 2).T

    @cached_property
    def size(self):
        """Number of distinct settings, ``math.inf`` unless all are discrete and bounded.

        Where many dicts overlap and the settings are too many to count, it is a bound: their sum.
        """
        boxes = [tuple((s.name, s.levels) for s in slots) for slots in self._dicts]
        if any(math.isinf(s.dim.n_levels) for slots in self._dicts for s in slots):
            return math.inf
        boxes = list(dict.fromkeys(boxes))
        total = sum(map(_size_of_box, boxes))
        if not any(starmap(_intersection, combinations(boxes, 2))):
            return total
        if len(boxes) <= MANY_DICTS:
            return _size_of_union(boxes)
        is_countable = self.is_grid and total <= MANY_SETTINGS
        return sum(1 for _ in self._settings()) if is_countable else total

    def from_unit(self, point):
        """Parameters at a point of the unit cube.

        Parameters
        ----------
        point : array-like of shape (n_dims,)
            Coordinates outside the open cube are moved into it, inactive ones are ignored.

        Returns
        -------
        params : dict
        """
        point = self._check_points(point)
        branch = int(self.branch(point))
        self._check_active(point, self.active[branch])
        point = point.tolist()
        return {s.name: s.from_unit(point) for s in self._dicts[branch]}

    def to_unit(self, params):
        """Point of the unit cube at which the parameters lie.

        Parameters
        ----------
        params : dict
            All parameters of one of the dicts; the first dict that holds them is taken.

        Returns
        -------
        point : ndarray of shape (n_dims,)
            NaN where inactive. The coordinate of an object that has only ``rvs`` is 0.5, since a
            draw cannot be turned back into its seed.

        Raises
        ------
        ValueError
            When no dict holds the parameters.
        """
        reasons = []
        for branch, slots in enumerate(self._dicts):
            try:
                return self._to_unit_in(branch, slots, params)
            except ValueError as error:
                reasons.append(str(error))
        if len(reasons) > 1:
            reasons = [f"dict {i}: {reason}" for i, reason in enumerate(reasons)]
            reasons.insert(0, "The parameters must lie in one of the dicts of the list.")
        raise ValueError(" ".join(reasons))

    def _to_unit_in(self, branch, slots, params):
        _check_names(self.branches[branch], params)
        point = np.full(self.n_dims, np.nan)
        if len(self._dicts) > 1:
            point[0] = self.dims[0].to_unit(branch)
        for slot in slots:
            u = slot.dim.to_unit(params[slot.name])
            if slot.column is not None:
                point[slot.column] = u
        return point

    def contains(self, params):
        """Whether the parameters lie in the space (the constraint is not considered)."""
        try:
            self.to_unit(params)
        except ValueError:
            return False
        return True

    def snap(self, points):
        """Representative points: equal for all points with the same discrete parameters.

        Parameters
        ----------
        points : array-like of shape (n, n_dims)

        Returns
        -------
        points : ndarray of shape (n, n_dims)
            In the open cube, discrete coordinates in the middle of the mass of their level,
            inactive ones NaN.
        """
        points = self._check_points(points)
        active = self.active[self.branch(points)]
        self._check_active(points, active)
        columns = clip(np.ascontiguousarray(points.T))  # each coordinate in one piece
        columns[self._even] = _middles(columns[self._even].T, self._n_cells).T
        for j, dim in self._uneven:
            columns[j] = dim.snap(columns[j])
        return np.where(active, columns.T, np.nan)

    def branch(self, points):
        """Which dict of the list each point is in: integers of shape (n,)."""
        points = self._check_points(points)
        if len(self._dicts) == 1:
            return np.zeros(points.shape[:-1], dtype=int)
        return self.dims[0].level(points[..., 0])

    def allows(self, params):
        """Whether the constraint allows the parameters.

        Raises
        ------
        ValueError
            When the constraint raises, or returns what is neither true nor false.
        """
        if self.constraint is None:
            return True
        try:
            return bool(self.constraint(params))
        except Exception as error:
            raise ValueError(
                "`constraint` must return True or False for every setting; for "
                f"{params!r} it raised {error!r}. Let it handle that setting."
            ) from error

    def feasible(self, point):
        """Whether the constraint allows the parameters at a point."""
        return self.constraint is None or self.allows(self.from_unit(point))

    def key(self, params):
        """Hashable that is equal for two settings when they are the same.

        1, 1.0 and True differ, ``np.int64(1)`` is 1. Estimators are the same when their class and
        parameters are, arrays when their content is, other objects when their pickle is; objects
        without a pickle (a lambda) only equal themselves.
        """
        return tuple((name, key_of(params[name])) for name in sorted(params))

    def grid(self):
        """All settings in the order of :class:`~sklearn.model_selection.ParameterGrid`.

        Returns
        -------
        settings : iterator of dicts
            Without duplicates.

        Raises
        ------
        ValueError
            Unless ``is_grid``.
        """
        if not self.is_grid:
            raise ValueError(
                "Every value of the space must be a list to enumerate it, got distributions; "
                "draw points with `from_unit` instead."
            )
        return self._settings()

    def _settings(self):
        seen = set()
        for slots, names in zip(self._dicts, self.branches, strict=True):
            for values in product(*(slot.values for slot in slots)):
                params = dict(zip(names, values, strict=True))
                key = self.key(params) if len(self._dicts) > 1 else None
                if key is None or key not in seen:
                    seen.add(key)
                    yield params

    def _check_points(self, points):
        points = np.asarray(points, dtype=float)
        if points.shape[-1:] != (self.n_dims,):
            raise ValueError(
                f"A point must have {self.n_dims} coordinates, got an array of shape "
                f"{points.shape}."
            )
        return points

    def _check_active(self, points, active):
        missing = np.isnan(points) & active
        if missing.any():
            which = missing.reshape(-1, self.n_dims).any(axis=0)
            names = [dim.name for dim in compress(self.dims, which)]
            raise ValueError(
                f"An active coordinate must be a number, got NaN for {names}; `active` tells "
                "which coordinates each dict of the list uses."
            )


def _middles(u, n):
    """The middle of the one of n equal cells in which u lies."""
    return (np.floor(u * n) + 0.5) / n


def _check_names(names, params):
    if params.keys() != set(names):
        missing = [name for name in names if name not in params]
        unknown = [name for name in params if name not in names]
        raise ValueError(
            f"The parameters must be {list(names)}, got {unknown} in excess and {missing} missing."
        )


@dataclass(frozen=True, eq=False)
class _Slot:
    """A parameter of one dict: its dimension, and the column of that (None for a constant)."""

    name: str
    dim: Dimension
    column: int | None
    values: tuple | None  # of a list, in the order given

    def from_unit(self, point):
        return self.dim.from_unit(0.5 if self.column is None else point[self.column])

    @property
    def levels(self):
        """Pairs (key, how many values it stands for): a distribution without a table is one."""
        if isinstance(self.dim, Levels):
            return frozenset((key, 1) for key in self.dim.index)
        return frozenset({(self.column, self.dim.n_levels)})


def _slot(name, value, columns):
    is_list = isinstance(value, tuple)
    make = from_values if is_list else from_distribution
    values = value if is_list else None
    dim = make(name, value)
    if isinstance(dim, Levels) and len(dim.values) == 1:
        return _Slot(name, dim, None, values)
    key = name, (tuple(dim.index) if is_list else _key_of_distribution(value))
    columns.setdefault(key, dim)
    return _Slot(name, columns[key], list(columns).index(key), values)


def _key_of_distribution(value):
    """Equal when two distributions are of one family with the same arguments."""
    if not isinstance(value, stats.distributions.rv_frozen) or not _is_named(value.dist):
        return id(value)  # what it draws from is in the object itself
    family = value.dist
    named = arguments(value)
    numbers = tuple((n, v if is_number(v) else key_of(v)) for n, v in sorted(named.items()))
    return type(family), family.name, family.a, family.b, numbers


def _is_named(family):
    """Is it a class of distributions, not a histogram or a table of probabilities?"""
    made_of_data = stats.rv_histogram | stats.rv_continuous | stats.rv_discrete
    return not hasattr(family, "xk") and type(family) not in made_of_data.__args__


def _size_of_union(boxes):
    """Number of points in a union of boxes, by inclusion and exclusion: twice as long for each."""
    boxes = list(dict.fromkeys(boxes))
    if not boxes:
        return 0
    first, *rest = boxes
    common = [_intersection(first, other) for other in rest]
    overlap = _size_of_union([box for box in common if box is not None])
    return _size_of_box(first) + _size_of_union(rest) - overlap


def _size_of_box(box):
    return math.prod(sum(n for _, n in levels) for _, levels in box)


def _intersection(box, other):
    if [name for name, _ in box] != [name for name, _ in other]:
        return None
    common = tuple(
        (name, mine & theirs) for (name, mine), (_, theirs) in zip(box, other, strict=True)
    )
    return common if all(levels for _, levels in common) else None
