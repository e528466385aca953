"""What was chosen on each fold."""

from __future__ import annotations

import math

import numpy as np

from ..space._dimension import is_number
from ..space._keys import key_of

__all__ = ["parameter_stability"]


def parameter_stability(params, *, space=None):
    """Tell whether searches on different folds choose the same parameters.

    Parameters
    ----------
    params : sequence of dict
        Best parameters, one dict a fold.
    space : SearchSpace, default=None
        Gives numbers their scale.

    Returns
    -------
    dict of str -> list
        A table with a row for each parameter, for ``pandas.DataFrame`` for one:

        - ``param``, and ``n_folds``: on how many folds it was set at all;
        - ``mode`` and ``share``: the value chosen most often, and on which share of these folds;
        - ``low`` and ``high``: the smallest and the largest of the numbers among the values, NaN
          without any;
        - ``spread``: the distance between the smallest and the largest value on the scale that
          the space searches: 0 where all agree, 1 from one end to the other. NaN without a space,
          for what has no order, and for what lies outside the space.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from skhpo.space import SearchSpace
    >>> from skhpo.statistics import parameter_stability
    >>> space = SearchSpace({"C": loguniform(1e-2, 1e2), "kernel": ["linear", "rbf"]})
    >>> best = [{"C": 1.0, "kernel": "rbf"}, {"C": 10.0, "kernel": "rbf"}]
    >>> table = parameter_stability(best, space=space)
    >>> table["param"], table["share"], [round(spread, 9) for spread in table["spread"]]
    (['C', 'kernel'], [0.5, 1.0], [0.25, nan])
    """
    names = list(dict.fromkeys(name for chosen in params for name in chosen))
    rows = [_stability(name, [p[name] for p in params if name in p]) for name in names]
    spreads = _spreads(names, params, space)
    rows = [{**row, "spread": spread} for row, spread in zip(rows, spreads, strict=True)]
    columns = ("param", "n_folds", "mode", "share", "low", "high", "spread")
    return {column: [row[column] for row in rows] for column in columns}


def _stability(name, values):
    keys = [key_of(value) for value in values]
    mode = max(keys, key=keys.count)  # the first of several
    numbers = [float(value) for value in values if is_number(value)]
    return {
        "param": name,
        "n_folds": len(values),
        "mode": values[keys.index(mode)],
        "share": keys.count(mode) / len(keys),
        "low": min(numbers, default=math.nan),
        "high": max(numbers, default=math.nan),
    }


def _spreads(names, params, space):
    if space is None:
        return [math.nan] * len(names)
    points = np.array([_to_unit(space, chosen) for chosen in params])
    return [_spread(points[:, _ordered(space, name)]) for name in names]


def _to_unit(space, params):
    try:
        return space.to_unit(params)
    except ValueError:  # a setting given by the user may lie outside
        return np.full(space.n_dims, math.nan)


def _ordered(space, name):
    return [d.name == name and d.kind in ("continuous", "ordered") for d in space.dims]


def _spread(coordinates):
    # In a list of dicts one name may have several scales, which cannot be compared.
    used = coordinates[:, ~np.isnan(coordinates).all(axis=0)]
    return float(np.nanmax(used) - np.nanmin(used)) if used.shape[1] == 1 else math.nan
