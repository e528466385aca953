"""What must hold before the first fit, said in words a user can act on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from inspect import signature
from numbers import Real

from sklearn.base import clone

from .._sklearn import eval_expr
from ..space._checks import is_list

__all__ = [
    "check_names",
    "check_refit",
    "check_stopping",
    "check_values",
    "is_several",
    "resolve_window",
    "split_initial",
]


def check_values(**arguments):
    """Check that optimisers, schedulers and rules are values, not their classes.

    Parameters
    ----------
    **arguments : dict of str -> object

    Raises
    ------
    TypeError
    """
    for name, value in arguments.items():
        if isinstance(value, type):
            raise TypeError(
                f"{name} must be a value, not a class; got {value.__name__}. "
                f"Write {value.__name__}(...)."
            )


def check_stopping(stopping, has_rungs):
    """Check that a stopping rule can be asked: that it takes the history and nothing else.

    Parameters
    ----------
    stopping : callable or None
    has_rungs : bool
        Whether candidates of the search spend a resource.

    Raises
    ------
    TypeError
    ValueError
        When the rule counts a resource that the search does not have.
    """
    if getattr(stopping, "needs_rungs", False) and not has_rungs:
        raise ValueError(
            f"stopping={stopping!r} counts a resource, and this search spends none: MaxResources "
            "is for HalvingRandomSearchCV, HyperbandSearchCV and schedulers with rungs. Take "
            "MaxFits or MaxTime."
        )
    try:
        if stopping is not None:
            signature(stopping).bind(None)
    except ValueError:
        return  # some callables of C have no signature
    except TypeError as error:
        raise TypeError(
            f"stopping must be a function of one argument, the history; {stopping!r} is not: "
            f"{error}. Define it as def rule(history), or take a rule of skhpo.stopping."
        ) from error


def check_refit(refit, names):
    """Check that a rule of ``refit`` that goes by a score names one of the search.

    Parameters
    ----------
    refit : object
    names : list of str or None
        Of the scores; None while they are not known.

    Raises
    ------
    ValueError
    """
    if not hasattr(refit, "scoring") or names is None:
        return
    if refit.scoring not in ([*names, None] if len(names) == 1 else names):
        raise ValueError(
            f"scoring of the rule in refit must be one of the scores of the search, {names}; got "
            f"{refit!r}. " + ("Leave it out." if len(names) == 1 else "Name one of them.")
        )


def is_several(scoring):
    """Whether ``scoring`` asks for several scores, as far as can be seen."""
    return isinstance(scoring, list | tuple | set | dict)


def check_names(argument, dicts, estimator, hints=None):
    """Check that every name is a parameter of the estimator, or of one that a value brings in.

    Parameters
    ----------
    argument : str
        The name of the checked argument, for the message.
    dicts : list of dict
    estimator : estimator
    hints : set of str or None
        Names to hint at where one is unknown; None for all that are valid.

    Raises
    ------
    ValueError
        With the closest of the hints.
    """
    own = set(estimator.get_params())
    for params in dicts:
        if not isinstance(params, Mapping):
            raise TypeError(
                f"{argument} must be a list of dicts; got {params!r} in it. Write each setting "
                "as a dict of names and values."
            )
        valid = own.union(*(_brought_in(name, values) for name, values in params.items()))
        for name in set(params) - valid:
            if _refuses(estimator, name):
                close = valid if hints is None else hints
                raise ValueError(_unknown_name(argument, name, estimator, close))


def split_initial(initial_params):
    """Tell settings to evaluate from those whose score is known.

    Parameters
    ----------
    initial_params : list of dict or of (dict, float), or None

    Returns
    -------
    settings : list of dict
    scored : list of (dict, float)

    Raises
    ------
    TypeError
        When a score is not a number.
    ValueError
        When it is infinite.
    """
    entries = list(initial_params or ())
    scored = [entry for entry in entries if _is_pair(entry)]
    for entry in scored:
        if not isinstance(entry[1], Real):
            raise TypeError(
                "initial_params must hold dicts, or pairs of a dict and its score, a number; got "
                f"{entry!r}. Leave the score out to have the setting evaluated."
            )
        if math.isinf(entry[1]):
            raise ValueError(
                "initial_params must have finite scores, or NaN for settings that fail; got "
                f"{entry!r}. Leave the score out to have the setting evaluated."
            )
    return [entry for entry in entries if not _is_pair(entry)], scored


def _is_pair(entry):
    return isinstance(entry, tuple) and len(entry) == 2 and isinstance(entry[0], Mapping)


def _brought_in(name, values):
    """Names of parameters that come with estimators among the values of a parameter."""
    values = values if is_list(values) else [values]
    estimators = (value for value in values if hasattr(value, "get_params"))
    return {
        f"{name}__{sub}"
        for value in estimators
        if not isinstance(value, type)
        for sub in value.get_params()
    }


def _refuses(estimator, name):
    """Some estimators take parameters that get_params does not list: they have the last word."""
    try:
        clone(estimator).set_params(**{name: None})
    except (ValueError, TypeError, AttributeError):
        return True
    return False


def _unknown_name(argument, name, estimator, valid):
    close = [v for v in sorted(valid) if v.casefold() == str(name).casefold()]
    close = close or get_close_matches(str(name), sorted(valid), n=3, cutoff=0.5)
    # With a Pipeline the usual slip is to leave out the name of the step.
    close += [v for v in sorted(valid) if v.endswith(f"__{name}") and v not in close]
    hint = f"Did you mean {' or '.join(map(repr, close[:4]))}?" if close else "See get_params()."
    return (
        f"{argument} must name parameters of the estimator; {name!r} is not one of "
        f"{type(estimator).__name__}. {hint}"
    )


def resolve_window(pre_dispatch, n_workers, optimizer):
    """Return how many fits may be in flight.

    Parameters
    ----------
    pre_dispatch : int or str
        As in joblib: a number, an expression such as "2*n_jobs", or "all".
    n_workers : int
    optimizer : optimiser

    Returns
    -------
    int or inf

    Raises
    ------
    ValueError
        When it is below 1, or "all" for an optimiser that learns from results.
    """
    if pre_dispatch == "all":
        if optimizer.adaptive:
            raise ValueError(
                f"pre_dispatch must be a number of fits for {type(optimizer).__name__}: with "
                "'all' every candidate is chosen before the first result, so there is nothing "
                "to learn from. Use an int or '2*n_jobs'."
            )
        return math.inf
    window = _evaluate(pre_dispatch, n_workers)
    if window is None or window < 1:
        raise ValueError(
            "pre_dispatch must be the number of fits in flight, at least 1: an int, an expression "
            f"of n_jobs such as '2*n_jobs', or 'all'; got {pre_dispatch!r}."
        )
    return 1 if isinstance(pre_dispatch, str) and n_workers == 1 else window


def _evaluate(pre_dispatch, n_workers):
    """Value of the expression, None when it is none."""
    try:
        return int(eval_expr(str(pre_dispatch).replace("n_jobs", str(n_workers))))
    except (ValueError, TypeError, SyntaxError):
        return None
