"""What a scheduler with a resource must know of the data and of the estimator."""

from __future__ import annotations

from contextlib import nullcontext
from numbers import Integral

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.multiclass import type_of_target

from ..execution._continuation import open_continuation
from ..execution._limits import ParameterLimit, SampleLimit, n_samples_of
from ._checks import check_names

__all__ = ["amounts_of", "make_continuation", "make_limit"]


def amounts_of(search, scheduler, job):
    """Return what ``scheduler.start`` is to know; empty for one without a resource.

    Parameters
    ----------
    search : BaseSearch
    scheduler : scheduler
    job : Job

    Returns
    -------
    dict of str -> int
        ``n_samples`` and ``smallest``, the least sensible amount of the resource.

    Raises
    ------
    ValueError
        When the resource is none, is searched, or when what there is of it does not suffice.
    """
    name = getattr(scheduler, "resource", None)
    if name is None:
        return {}
    n_samples = n_samples_of(job.X)
    about = {"n_samples": n_samples, "smallest": 1}
    if name == "n_samples":
        least = make_limit(scheduler, job).least()
        about["smallest"] = max(least, _smallest(job))
        _check_samples(scheduler, n_samples, least)
    else:
        _check_parameter(search, scheduler, name)
    scheduler.amounts(**about)
    return about


def make_limit(scheduler, job):
    """Return what holds a fit to its amount of the resource; None without a resource.

    Parameters
    ----------
    scheduler : scheduler
    job : Job
    """
    name = getattr(scheduler, "resource", None)
    if name != "n_samples":
        return None if name is None else ParameterLimit(name)
    groups = job.routed.splitter.split.get("groups")
    return SampleLimit(
        n_samples_of(job.X),
        job.splits,
        labels=_labels(job),
        groups=None if groups is None else np.asarray(groups),
        seed=job.seed,
        test=scheduler.subsample_test,
    )


def make_continuation(job):
    """Return a context manager that gives what lets fits go on; None where none can.

    Parameters
    ----------
    job : Job
    """
    name = getattr(job.scheduler, "resource", None)
    # A model of few samples is no part of a model of more.
    if name is None or name == "n_samples":
        return nullcontext()
    return open_continuation(name, job.estimator)


def _labels(job):
    """Classes by number, None when there are none to keep the shares of."""
    if job.y is None or not is_classifier(job.estimator):
        return None
    if type_of_target(job.y) not in ("binary", "multiclass"):
        return None
    return np.unique(np.asarray(job.y).ravel(), return_inverse=True)[1]


def _smallest(job):
    """As scikit-learn has it: two samples of each class in each split."""
    labels = _labels(job)
    return 2 * len(job.splits) * (1 if labels is None else len(np.unique(labels)))


def _check_samples(scheduler, n_samples, least):
    most, first = scheduler.max_resources, scheduler.min_resources
    if isinstance(most, Integral) and most > n_samples:
        raise ValueError(
            f"max_resources must be at most the number of samples, {n_samples}; got {most}. "
            'Use "auto" for all of them.'
        )
    if isinstance(first, Integral) and first < least:
        raise ValueError(
            f"min_resources must be at least {least} samples, so that every training part has "
            "enough of them: two classes where there are classes, a group where there are groups; "
            f'got {first}. Raise it, or use "smallest".'
        )


def _check_parameter(search, scheduler, name):
    own = search.estimator.get_params()
    amounts = {n for n, v in own.items() if isinstance(v, Integral) and not isinstance(v, bool)}
    check_names("resource", [{name: 1}], search.estimator, hints=amounts)
    space = search.param_distributions
    searched = [*([space] if isinstance(space, dict) else space), *(search.initial_params or ())]
    if any(name in params for params in searched):
        raise ValueError(
            f"resource must not be searched; {name!r} is in param_distributions or in "
            "initial_params. Remove it there, or choose another resource."
        )
    if scheduler.max_resources == "auto":
        raise ValueError(
            'max_resources must be an int unless resource="n_samples"; got "auto" with '
            f"resource={name!r}. Say how much of it a fit may get at most."
        )
