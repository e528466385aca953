"""The nouns that the floors hand to one another: frozen records without behaviour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["Candidate", "Evaluation", "Observation", "Suggestion", "Task"]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One setting of the hyper-parameters.

    Parameters
    ----------
    id : int
        Row of ``cv_results_``, counted from 0.
    params : dict
        What ``estimator.set_params`` gets.
    point : ndarray of shape (n_dims,) or None
        Its place in the unit cube; None when it lies outside the space.
    source : str
        Who proposed it: "initial", "default", "grid" or the name an optimiser gives.
    parents : tuple of int
        Ids of the candidates it was made from.
    draw : int
        Index of the optimiser's suggestion it came from, -1 when it was none.
    """

    id: int
    params: dict
    point: np.ndarray | None = None
    source: str = "initial"
    parents: tuple[int, ...] = ()
    draw: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One fit: a candidate on a split, perhaps at a resource level, perhaps continuing a fit.

    Parameters
    ----------
    candidate : Candidate
    split : int
        Number of the split in the splitter's own order.
    resource : float or None
        Amount of the resource, None when the candidate gets everything.
    continues : Task or None
        The earlier fit whose model goes on.
    goes_on : bool
        Whether a later fit may go on with the model of this one.
    """

    candidate: Candidate
    split: int
    resource: float | None = None
    continues: Task | None = None
    goes_on: bool = False

    @property
    def key(self):
        """What dictionaries and journals use: (candidate id, split, resource)."""
        return self.candidate.id, self.split, self.resource


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What came back from a task.

    Parameters
    ----------
    task : Task
    scores : dict of str -> float
        Test scores; larger is better, NaN is failed. Empty when the fit failed before the
        names of the scores were known.
    fit_time, score_time : float
        Seconds.
    status : {"ok", "failed", "timeout", "out_of_memory", "killed"}
    error : str or None
        The traceback of a failure.
    train_scores : dict of str -> float or None
    predictions : ndarray or None
    multimetric : bool
        Whether the scorer returned a dict.
    kept : object or None
        What the evaluator was asked to keep of the fitted estimator; never journalled.
    """

    task: Task
    scores: dict
    fit_time: float
    score_time: float
    status: str = "ok"
    error: str | None = None
    train_scores: dict | None = None
    predictions: np.ndarray | None = None
    multimetric: bool = False
    kept: object | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Suggestion:
    """A point of the unit cube, None outside it, and where it comes from."""

    point: np.ndarray | None
    source: str
    parents: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """What an optimiser learns about a candidate.

    Parameters
    ----------
    point : ndarray of shape (n_dims,)
    score : float
        Mean over the folds seen; larger is better, NaN when failed or not yet known.
    noise : float
        Standard error of ``score`` over its folds, NaN when unknown.
    n_folds : int
        Folds that ``score`` is the mean of.
    resource : float or None
    status : {"complete", "partial", "stopped", "failed"}
    id : int
        Id of the candidate, -1 when it is none of this search.
    """

    point: np.ndarray
    score: float
    noise: float = math.nan
    n_folds: int = 1
    resource: float | None = None
    status: str = "complete"
    id: int = -1
