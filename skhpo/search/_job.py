"""What one call of ``fit`` works on, checked before the first fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state, indexable

from .._sklearn import check_method_params
from ..execution._evaluator import indices_of
from ..fold_stopping import make_fold_stopping
from ..optimizers import make_optimizer
from ..schedulers import make_scheduler
from ..schedulers._proposer import Proposer
from ..space import SearchSpace
from ._checks import (
    check_names,
    check_refit,
    check_stopping,
    check_values,
    resolve_window,
    split_initial,
)
from ._pointwise import score_names
from ._resources import amounts_of

__all__ = ["draw_seed", "make_proposer", "prepare", "resume"]


@dataclass(frozen=True)
class Job:
    """What one call of ``fit`` works on: the data, how to split, fit and score it."""

    X: object
    y: object
    scorer: object
    routed: object
    cv: object
    splits: list
    estimator: object
    optimizer: object
    scheduler: object
    proposer: Proposer
    window: float
    seed: int
    planned: dict | None = None  # the number of candidates, where the scheduler says it
    amounts: dict | None = None  # of the resource, for the scheduler


def prepare(search, X, y, params, n_workers):
    """Check everything and draw the splits; from here on only fits can fail."""
    optimizer, scheduler = search._composition()
    check_values(
        estimator=search.estimator,
        optimizer=optimizer,
        scheduler=scheduler,
        stopping=search.stopping,
        fold_stopping=search.fold_stopping,
    )
    optimizer, scheduler = make_optimizer(optimizer), make_scheduler(scheduler)
    check_stopping(search.stopping, has_rungs=hasattr(scheduler, "resource"))
    scorer, _ = search._get_scorers()
    check_refit(search.refit, score_names(search.scoring, scorer))
    X, y = indexable(X, y)
    routed = search._get_routed_params_for_fit(check_method_params(X, params=params))
    window = resolve_window(search.pre_dispatch, n_workers, optimizer)
    make_fold_stopping(search.fold_stopping)
    seed = draw_seed(search.random_state)
    cv = search._splitter(y, seed)
    job = Job(
        X,
        y,
        scorer,
        routed,
        cv,
        _materialise(cv, X, y, routed.splitter.split),
        clone(search.estimator),
        optimizer,
        scheduler,
        None,
        window,
        seed,
    )
    return _with_candidates(search, job)


def resume(search, job, log):
    """Go on with what the first call drew: seed, splits, window, and suggestions."""
    header = log.header
    drawn = {name: header[name] for name in ("seed", "splits", "window")}
    recorded = dict(log.suggestions)
    job = replace(job, **drawn)
    return _with_candidates(search, job, planned=header["n_iter"], recorded=recorded)


def _with_candidates(search, job, **resumed):
    """The job and where its candidates come from: of a resource, the splits say how much."""
    amounts = amounts_of(search, job.scheduler, job)
    planned = {"n_iter": search._n_candidates(job.scheduler, amounts)} if amounts else {}
    proposer = search._proposer(job.optimizer, job.seed, **planned, **resumed)
    return replace(job, proposer=proposer, planned=planned, amounts=amounts)


def make_proposer(search, optimizer, seed, *, n_iter=None, **resumed):
    space = SearchSpace(search.param_distributions, constraint=search.constraint)
    initial, scored = split_initial(search.initial_params)
    check_names("param_distributions", _dicts(search.param_distributions), search.estimator)
    check_names("initial_params", initial + [params for params, _ in scored], search.estimator)
    return Proposer(
        space,
        optimizer,
        n_iter=search.n_iter if n_iter is None else n_iter,
        seed=seed,
        initial=initial,
        scored=scored,
        own=search.estimator.get_params(),
        **resumed,
    )


def _materialise(cv, X, y, split_params):
    """Draw the splits once: a splitter asked again may answer otherwise."""
    n_splits = cv.get_n_splits(X, y, **split_params)
    splits = [tuple(map(indices_of, split)) for split in cv.split(X, y, **split_params)]
    if len(splits) != n_splits:
        raise ValueError(
            "cv.split and cv.get_n_splits returned inconsistent results. Expected "
            f"{n_splits} splits, got {len(splits)} from {cv!r}; pass another cv."
        )
    if not splits:
        raise ValueError("cv must give at least one split, got none; pass another cv.")
    return splits


def _dicts(param_distributions):
    return [param_distributions] if isinstance(param_distributions, dict) else param_distributions


def draw_seed(random_state):
    """Return the seed of this fit; without one the global random state is left alone."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
