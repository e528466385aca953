"""Histories made by hand."""

from __future__ import annotations

import math

import numpy as np

from skhpo._records import Candidate, Evaluation, Task
from skhpo.history import History


def candidate(id_, **about):
    """A candidate whose only parameter is its id."""
    about = {"point": np.array([id_ / 100]), "source": "random", **about}
    return Candidate(id_, {"a": id_}, **about)


def evaluation(id_, split, score=None, resource=None, **about):
    """A finished fit; without a score it failed."""
    who = about.pop("candidate", None) or candidate(id_)
    scores = score if isinstance(score, dict) else {"score": score}
    if score is None:
        about = {"status": "failed", "error": "Traceback: no", **about}
        scores = {}
    about = {"fit_time": 0.5, "score_time": 0.25, **about}
    return Evaluation(Task(who, split, resource), scores, **about)


def history(table, n_splits=None, metric="score", resource=None):
    """A history of rows of scores: NaN is a failed fold, None one that was not evaluated."""
    made = History(n_splits or max(map(len, table), default=1), metric)
    for id_, row in enumerate(table):
        for split, score in enumerate(row):
            if score is not None:
                failed = math.isnan(score)
                made.append(evaluation(id_, split, None if failed else score, resource))
    return made
