"""What ``param_distributions`` must be, checked before any work."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from skhpo.space._dimension import is_number
from skhpo.space._keys import key_of

__all__ = ["check_dicts", "check_value", "is_list"]


def check_dicts(param_distributions):
    """The dicts, each checked to be one with names for keys."""
    if isinstance(param_distributions, Mapping):
        param_distributions = [param_distributions]
    if not isinstance(param_distributions, Sequence) or isinstance(param_distributions, str):
        raise TypeError(
            "`param_distributions` must be a dict or a list of dicts, got "
            f"{param_distributions!r} of type {type(param_distributions).__name__}."
        )
    if not param_distributions:
        raise ValueError(
            f"`param_distributions` must hold at least one dict, got {param_distributions!r}; "
            "pass a dict of parameter names with distributions or lists."
        )
    for one in param_distributions:
        _check_dict(one)
    return param_distributions


def _check_dict(one):
    if not isinstance(one, Mapping):
        raise TypeError(
            "`param_distributions` must be a dict or a list of dicts, got a list that holds "
            f"{one!r} of type {type(one).__name__}; each item is a dict of names and values."
        )
    for name in one:
        if not isinstance(name, str):
            raise TypeError(
                "The keys of `param_distributions` must be names of parameters, got "
                f"{name!r} of type {type(name).__name__}; use a str."
            )


def check_value(name, value):
    """A distribution as it is, or the distinct values of a list as a tuple."""
    if hasattr(value, "rvs") and not isinstance(value, type):
        return value
    _check_range(name, value)
    if not is_list(value):
        raise TypeError(
            f"Parameter {name!r} must have a list of values or a distribution with `rvs`, got "
            f"{value!r} of type {type(value).__name__}; {_remedy(value)}."
        )
    if getattr(value, "ndim", 1) != 1:
        raise ValueError(
            f"Parameter {name!r} must have a one-dimensional array of values, got one of shape "
            f"{value.shape}; pass list(array) for rows that are values themselves."
        )
    if len(value) == 0:
        raise ValueError(
            f"Parameter {name!r} must have at least one value, got {value!r}; "
            "leave it out to keep the estimator's own."
        )
    distinct = {}
    for one in value:
        distinct.setdefault(key_of(one), one)
    return tuple(distinct.values())


_RANGES = {"uniform": "uniform({low}, {high} - {low})", "log-uniform": "loguniform({low}, {high})"}


def _check_range(name, value):
    """Two numbers in a tuple are values here, as in ``ParameterGrid``, and a range elsewhere."""
    is_range = isinstance(value, tuple) and len(value) in (2, 3)
    if not is_range or not all(map(is_number, value[:2])):
        return
    low, high, *prior = value
    if prior and isinstance(prior[0], str) and prior[0] in _RANGES:
        raise ValueError(
            f"Parameter {name!r} must have a list of values or a distribution with `rvs`, got a "
            f"range as another package writes it, {value!r}; "
            f"pass scipy.stats.{_RANGES[prior[0]].format(low=low, high=high)}."
        )
    if not prior:
        warnings.warn(
            f"Parameter {name!r} has two values, {low} and {high}, and the search tries no other. "
            "For the range between them pass a distribution, such as "
            f"scipy.stats.loguniform({low}, {high}); if you mean the two, write a list.",
            UserWarning,
            stacklevel=2,
        )


def _remedy(value):
    if "scipy.stats" in type(value).__module__:
        return "pass a frozen distribution of the older kind, such as scipy.stats.norm(0, 1)"
    several = hasattr(value, "__iter__") and not _is_single(value)
    return "pass list(...) of it" if several else "put a single value in a list"


def _is_single(value):
    return isinstance(value, str | bytes | Mapping) or hasattr(value, "get_params")


def is_list(value):
    """Whether a value is a sequence of values: a list, an array, a Series."""
    if _is_single(value):
        return False
    return all(hasattr(value, name) for name in ("__len__", "__iter__", "__getitem__"))
