"""What happened in a search: every finished fit, in the order the search learned of it."""

from __future__ import annotations

import math

import numpy as np

from ._records import Observation

__all__ = ["History"]

_NOWHERE = {"iter": -1, "bracket": -1}  # of fits that only helped to find the first rung


class History:
    """Every finished fit of a search.

    Parameters
    ----------
    n_splits : int
        Folds that make a candidate complete.
    metric : str or None, default=None
        Name of the score that guides the search; None while it is not known yet.

    Attributes
    ----------
    n_scored : int
        Splits, from the first, over which scores are averaged: all, or fewer where others are
        there for something else.
    evaluations : list of Evaluation
        Finished fits, in the order they were told.
    candidates : dict of int -> Candidate
        Candidates with at least one finished fit, by id.
    best_so_far : list of float
        Best mean score of a complete candidate, after each candidate that was complete or
        stopped; -inf before the first success. Where there are rungs, of those with the most of
        the resource.
    n_failed : int
        Number of finished fits that failed.
    elapsed : float
        Seconds since this call of ``fit`` began to search.
    places : list of (int, float, dict)
        Where there are rungs: candidate, amount of the resource, and what its row of the results
        has besides, in the order in which candidates came to the rungs.
    schedule : dict of str -> object
        Where there are rungs: their amounts, as attributes of the search.
    planned : dict of str -> float
        Where there are rungs, once it is known: ``candidates``, ``resources``, the amounts of
        all of their fits, to the end, and ``most``, the amount at the last rung.
    begun : list of dict
        Where there are rungs: what is known of each as it begins, ``bracket``, ``iter``,
        ``n_candidates`` (None when they come one by one) and ``n_resources``.
    n_recalled : int
        Number of finished fits that an earlier call of ``fit`` had done.
    n_spared : int
        Number of fits that candidates were spared, which got no further fold.
    resource : str or None
        Parameter of the estimator that is the resource.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo import SearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = SearchCV(
    ...     DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, cv=3
    ... ).fit(X, y)
    >>> search.history_.n_fits
    6
    >>> table = search.history_.to_dict()
    >>> [str(status) for status in table["status"][:3]]
    ['ok', 'ok', 'ok']
    """

    def __init__(self, n_splits, metric=None):
        self.n_splits = n_splits
        self.n_scored = n_splits
        self.metric = metric
        self.evaluations = []
        self.candidates = {}
        self.best_so_far = []
        self.n_failed = 0
        self.elapsed = 0.0
        self.places = []
        self.schedule = {}
        self.planned = {}
        self.begun = []
        self.n_recalled = 0
        self.n_spared = 0
        self.resource = None
        self._fits = {}  # (candidate id, resource) -> {split: Evaluation}
        self._amounts = {}  # candidate id -> amounts of the resource that it got
        self._best_resource = -math.inf
        self._spent = self._held = self._recalled = self._spared = 0

    def __repr__(self):
        return (
            f"History(n_candidates={self.n_candidates}, n_fits={self.n_fits}, "
            f"n_failed={self.n_failed}, best_score={self.best_score:.4g})"
        )

    @property
    def n_fits(self):
        """Number of finished fits."""
        return len(self.evaluations)

    @property
    def n_candidates(self):
        """Number of candidates with at least one finished fit."""
        return len(self.candidates)

    @property
    def n_resources_used(self):
        """Amount of the resource that was spent, all folds of a candidate counted once.

        A fit that went on with the model of an earlier one spent what came on top.
        """
        return self._spent / self.n_splits

    @property
    def n_resources_held(self):
        """As `n_resources_used`, but each fit counts what its model has in the end."""
        return self._held / self.n_splits

    @property
    def n_resources_recalled(self):
        """Of `n_resources_held`, what an earlier call of ``fit`` had done."""
        return self._recalled / self.n_splits

    @property
    def n_resources_spared(self):
        """What the fits of `n_spared` would have held."""
        return self._spared / self.n_splits

    @property
    def best_resource(self):
        """Amount of the resource that `best_score` is of, None when it is all there is."""
        return self._best_resource if math.isfinite(self._best_resource) else None

    @property
    def is_final(self):
        """Whether `best_score` is of a candidate with as much of the resource as any will get."""
        unknown = math.inf if self.begun else -math.inf  # while the first rung is still sought
        return self.best_resource is None or self.best_resource >= self.planned.get("most", unknown)

    @property
    def best_score(self):
        """Best mean score of a complete candidate so far, -inf before the first."""
        return self.best_so_far[-1] if self.best_so_far else -math.inf

    @property
    def rungs(self):
        """Pairs (candidate id, resource) with at least one finished fit, as first met."""
        return list(self._fits)

    @property
    def rows(self):
        """What the rows of the results are about: a candidate at an amount of the resource.

        A list of pairs ((candidate id, resource), columns that the scheduler adds). Where a
        candidate came to several rungs with the same amount, it has a row for each.
        """
        if all(amount is None for _, amount in self._fits):
            return [(rung, {}) for rung in self._fits]
        placed = [((i, amount), about) for i, amount, about in self.places]
        placed = [(rung, about) for rung, about in placed if rung in self._fits]
        others = self._fits.keys() - {rung for rung, _ in placed}
        return placed + [(rung, _NOWHERE) for rung in self._fits if rung in others]

    def enter(self, candidate_id, resource, **about):
        """Note that a candidate has come to a rung."""
        self.places.append((candidate_id, resource, about))

    def begin(self, bracket, iter, n_candidates, n_resources):
        """Note that a rung begins; `n_candidates` is None where they come one by one."""
        about = {"bracket": bracket, "iter": iter, "n_candidates": n_candidates}
        self.begun.append({**about, "n_resources": n_resources})

    def recall(self, task):
        """Note that an earlier call of ``fit`` had done a fit."""
        self.n_recalled += 1
        self._recalled += task.resource or 0

    def append(self, evaluation):
        """Add a finished fit."""
        candidate, resource = evaluation.task.candidate, evaluation.task.resource
        self.evaluations.append(evaluation)
        continues = evaluation.task.continues
        self._held += resource or 0
        self._spent += (resource or 0) - (0 if continues is None else continues.resource)
        self.n_failed += evaluation.status != "ok"
        self.candidates.setdefault(candidate.id, candidate)
        self._amounts.setdefault(candidate.id, {})[resource] = None
        folds = self._fits.setdefault((candidate.id, resource), {})
        folds[evaluation.task.split] = evaluation
        if len(folds) == self.n_splits:
            self.conclude(self.observation(candidate, resource))

    def conclude(self, observation):
        """Let a candidate that gets no further fold take part in the best so far.

        Parameters
        ----------
        observation : Observation
            Only a complete one can be the best.
        """
        n_spared = self.n_splits - observation.n_folds
        self.n_spared += n_spared
        self._spared += n_spared * (observation.resource or 0)
        level = -math.inf if observation.resource is None else observation.resource
        usable = observation.status == "complete" and not math.isnan(observation.score)
        score = observation.score if usable else -math.inf
        if level > self._best_resource:
            self._best_resource = level
            self.best_so_far.clear()  # scores of less do not compare
        if level == self._best_resource:
            self.best_so_far.append(max(score, self.best_score))

    def folds(self, candidate_id, resource=None):
        """Finished fits of a candidate at a resource level, as a dict from the split."""
        return self._fits.get((candidate_id, resource), {})

    def below(self, candidate_id, resource):
        """Fits of a candidate at the largest amount below one, that succeeded.

        Returns
        -------
        dict of int -> Task
            By split.
        """
        amounts = (amount for amount in self._amounts.get(candidate_id, ()) if amount < resource)
        folds = self.folds(candidate_id, max(amounts, default=None))
        return {split: fold.task for split, fold in folds.items() if fold.status == "ok"}

    def observation(self, candidate, resource=None):
        """Return what is known of a candidate: the mean over its finished folds.

        Parameters
        ----------
        candidate : Candidate
        resource : float or None, default=None

        Returns
        -------
        Observation
            Status "partial" until every fold is in; "failed" when one of them failed.
        """
        folds = self.folds(candidate.id, resource)
        scored = [fold for split, fold in folds.items() if split < self.n_scored]
        scores = [fold.scores.get(self.metric, math.nan) for fold in scored]
        score, noise = _mean_and_error(scores)
        status = "partial" if len(folds) < self.n_splits else "complete"
        if scores and math.isnan(score):
            status = "failed" if status == "complete" else status
        return Observation(
            candidate.point, score, noise, len(scores), resource, status, candidate.id
        )

    def to_dict(self):
        """Return one row per finished fit, as a dict of arrays.

        Returns
        -------
        dict of str -> ndarray of shape (n_fits,)
            ``candidate``, ``split``, ``resource`` (NaN when all of it), ``status``, ``source``,
            ``parents``, ``generation`` (0 without parents, else one more than theirs),
            ``fit_time`` and ``score_time`` (seconds), ``error`` (the traceback or None),
            ``test_<score>``, ``train_<score>`` and ``params``.
        """
        generations = {}
        for id_, candidate in sorted(self.candidates.items()):
            known = [generations[parent] for parent in candidate.parents if parent in generations]
            generations[id_] = 1 + max(known, default=-1)
        rows = [_row(evaluation, generations) for evaluation in self.evaluations]
        names = dict.fromkeys(name for row in rows for name in row)
        names = [*(name for name in names if name != "params"), "params"]
        return {name: _column([row.get(name, math.nan) for row in rows], name) for name in names}

    def to_frame(self):
        """Return the table of `to_dict` as a pandas DataFrame.

        Raises
        ------
        ImportError
            When pandas is not installed.
        """
        import pandas as pd

        return pd.DataFrame(self.to_dict())


def _mean_and_error(scores):
    """Mean and its standard error; numpy's functions cost ten times as much here."""
    n = len(scores)
    if n == 0:
        return math.nan, math.nan
    mean = sum(scores) / n
    if n == 1 or not math.isfinite(mean):
        return mean, math.nan
    # Products become inf where powers of huge floats raise.
    return mean, math.sqrt(sum((s - mean) * (s - mean) for s in scores) / (n - 1) / n)


_OBJECTS = {"params", "parents", "error"}


def _row(evaluation, generations):
    task = evaluation.task
    train = evaluation.train_scores or {}
    return {
        "candidate": task.candidate.id,
        "split": task.split,
        "resource": math.nan if task.resource is None else task.resource,
        "status": evaluation.status,
        "source": task.candidate.source,
        "parents": task.candidate.parents,
        "generation": generations[task.candidate.id],
        "fit_time": evaluation.fit_time,
        "score_time": evaluation.score_time,
        "error": evaluation.error,
        **{f"test_{name}": score for name, score in evaluation.scores.items()},
        **{f"train_{name}": score for name, score in train.items()},
        "params": task.candidate.params,
    }


def _column(values, name):
    if name not in _OBJECTS:
        return np.array(values)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
