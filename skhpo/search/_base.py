"""The one subclass of scikit-learn's BaseSearchCV that overrides ``fit``."""

from __future__ import annotations

import math
import time
import warnings
from abc import abstractmethod
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Integral
from os import PathLike
from typing import ClassVar

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, indexable

from .._sklearn import (
    BaseSearchCV,
    HasMethods,
    Interval,
    MultimetricScorer,
    check_method_params,
    fit_context,
    warn_or_raise_about_fit_failures,
)
from ..execution._evaluator import Evaluator
from ..execution._executors import make_executor
from ..execution._loop import run
from ..fold_stopping import make_fold_stopping
from ..history import History
from ..optimizers import make_optimizer
from ..results import fold_table, partial_columns, ranks
from ..schedulers import make_scheduler
from ..schedulers._proposer import Proposer
from ..space import SearchSpace
from ._checks import check_names, check_values, resolve_window
from ._hooks import Hooks
from ._runs import open_run

__all__ = ["BaseSearch"]


@dataclass(frozen=True)
class _Job:
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


class BaseSearch(BaseSearchCV):
    """Base of the searches: prepare, run the loop, publish, refit.

    A subclass adds its own parameters and answers `_composition`.
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseSearchCV._parameter_constraints,
        "param_distributions": [dict, list],
        "n_iter": [Interval(Integral, 1, None, closed="left")],
        "initial_params": [list, tuple, None],
        "constraint": [callable, None],
        "stopping": [callable, None],
        "fold_stopping": [str, HasMethods(["stops"]), None],
        "journal": [str, PathLike, HasMethods(["open"]), None],
        "random_state": ["random_state"],
    }

    @abstractmethod
    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_iter,
        initial_params,
        constraint,
        stopping,
        fold_stopping,
        journal,
        scoring,
        n_jobs,
        refit,
        cv,
        verbose,
        pre_dispatch,
        random_state,
        error_score,
        return_train_score,
    ):
        super().__init__(
            estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.n_iter = n_iter
        self.initial_params = initial_params
        self.constraint = constraint
        self.stopping = stopping
        self.fold_stopping = fold_stopping
        self.journal = journal
        self.random_state = random_state

    @abstractmethod
    def _composition(self):
        """Return the optimiser and the scheduler, as names or values."""

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        """Search, then refit the best candidate on all the data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, n_samples)
            Training data; a precomputed kernel or distance matrix is square.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target; None for unsupervised learning.
        **params : dict of str -> object
            Passed to the ``fit`` method of the estimator, the scorer and the splitter, as
            scikit-learn's searches do (``groups`` goes to the splitter).

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            Before any fit, when a parameter, the space or the splits do not hold together; at
            the end, when every fit failed. What was evaluated stays in ``history_``.
        """
        job = self._prepare(X, y, params)
        hooks = Hooks(self, job.X, job.y, params.get("sample_weight"))
        with open_run(self, job, params) as log:
            job = self._resume(job, log) if log.resumed else job
            self._begin(job)
            try:
                self._search(job, hooks, log)
            except BaseException:
                # What was evaluated is not lost, and what ended the search is not masked.
                with suppress(Exception):
                    self._publish()
                raise
        self._publish()
        self._check_success()
        self._warn_non_finite()
        if self.refit:
            self._refit(job, hooks)
        hooks.end()
        return self

    def _prepare(self, X, y, params):
        """Check everything and draw the splits; from here on only fits can fail."""
        optimizer, scheduler = self._composition()
        check_values(
            optimizer=optimizer,
            scheduler=scheduler,
            stopping=self.stopping,
            fold_stopping=self.fold_stopping,
        )
        optimizer, scheduler = make_optimizer(optimizer), make_scheduler(scheduler)
        scorer, _ = self._get_scorers()
        X, y = indexable(X, y)
        routed = self._get_routed_params_for_fit(check_method_params(X, params=params))
        window = resolve_window(self.pre_dispatch, self.n_jobs, optimizer)
        make_fold_stopping(self.fold_stopping)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        seed = _draw_seed(self.random_state)
        return _Job(
            X,
            y,
            scorer,
            routed,
            cv,
            _materialise(cv, X, y, routed.splitter.split),
            clone(self.estimator),
            optimizer,
            scheduler,
            self._proposer(optimizer, seed),
            window,
            seed,
        )

    def _resume(self, job, log):
        """Go on with what the first call drew: seed, splits, window, and suggestions."""
        header = log.header
        proposer = self._proposer(
            job.optimizer, header["seed"], planned=header["n_iter"], recorded=dict(log.suggestions)
        )
        return replace(
            job,
            proposer=proposer,
            splits=header["splits"],
            window=header["window"],
            seed=header["seed"],
        )

    def _proposer(self, optimizer, seed, **resumed):
        if not self.param_distributions:
            raise ValueError(
                "param_distributions must name at least one parameter to search; got "
                f"{self.param_distributions!r}. Give names with distributions or lists."
            )
        space = SearchSpace(self.param_distributions, constraint=self.constraint)
        initial = list(self.initial_params or ())
        check_names("param_distributions", _dicts(self.param_distributions), self.estimator)
        check_names("initial_params", initial, self.estimator)
        return Proposer(
            space,
            optimizer,
            n_iter=self.n_iter,
            seed=seed,
            initial=initial,
            own=self.estimator.get_params(),
            **resumed,
        )

    def _begin(self, job):
        """Drop the attributes of an earlier fit: two fits must not be mixed."""
        for name in [n for n in vars(self) if n.endswith("_") and not n.startswith("_")]:
            delattr(self, name)
        self.n_splits_ = len(job.splits)
        self.scorer_ = getattr(job.scorer, "_scorers", job.scorer)
        self.multimetric_ = isinstance(job.scorer, MultimetricScorer)
        self.history_ = History(self.n_splits_)
        if not callable(self.scoring):
            names = self.scorer_ if self.multimetric_ else ["score"]
            self.history_.metric = _guiding_metric(self.refit, names)

    def _search(self, job, hooks, log):
        n_candidates, n_splits = job.proposer.n_candidates, len(job.splits)
        if self.verbose > 0:
            print(
                f"Fitting {n_splits} folds for each of {n_candidates} candidates, "
                f"totalling {n_splits * n_candidates} fits"
            )

        with hooks.searching(n_candidates * n_splits), closing(make_executor(self.n_jobs)) as pool:
            fits = _Fits(pool, self._evaluator(job), log, hooks, self._learn_score_names)
            run(
                self._start(job),
                fits.submit,
                self.history_,
                window=job.window,
                stopping=self.stopping,
                record=fits.record,
                listeners=[hooks.finish],
            )
        log.finish(self.history_.n_candidates)

    def _start(self, job):
        return job.scheduler.start(
            job.proposer,
            self.history_,
            fold_sizes=[len(test) for _, test in job.splits],
            fold_stopping=make_fold_stopping(self.fold_stopping),
            seed=job.seed,
        )

    def _evaluator(self, job):
        return Evaluator(
            job.estimator,
            job.X,
            job.y,
            job.splits,
            scorer=job.scorer,
            fit_params=job.routed.estimator.fit,
            score_params=job.routed.scorer.score,
            error_score=self.error_score,
            return_train_score=self.return_train_score,
            verbose=self.verbose,
            n_candidates=job.proposer.n_candidates,
        )

    def _learn_score_names(self, evaluation):
        """A callable scoring tells how many scores it has only when it is called."""
        if self.history_.metric is None and evaluation.scores:
            self.multimetric_ = evaluation.multimetric
            if self.multimetric_:
                self._check_refit_for_multimetric(evaluation.scores)
            self.history_.metric = _guiding_metric(self.refit, evaluation.scores)

    def _publish(self):
        """Make everything that was evaluated available, whatever ended the search."""
        if not self.history_.n_fits:
            return
        self.cv_results_ = self._results()
        if (self.refit or not self.multimetric_) and self._any_success():
            metric = self.refit if self.multimetric_ else "score"
            self.best_index_ = self._select_best_index(self.refit, metric, self.cv_results_)
            if not callable(self.refit):
                self.best_score_ = self.cv_results_[f"mean_test_{metric}"][self.best_index_]
            self.best_params_ = self.cv_results_["params"][self.best_index_]

    def _results(self):
        history = self.history_
        candidate_params, out = fold_table(
            history, error_score=self.error_score, train=self.return_train_score
        )
        with warnings.catch_warnings(), np.errstate(invalid="ignore", over="ignore"):
            # Said by `_warn_non_finite`, once it is known that the search succeeded.
            warnings.filterwarnings("ignore", "One or more of the (test|train) scores")
            results = self._format_results(candidate_params, self.n_splits_, out)
        names = list(out[0]["test_scores"])
        results.update({f"rank_test_{name}": ranks(history, name) for name in names})
        if self.fold_stopping is not None:
            results.update(partial_columns(history, names))
        return results

    def _check_success(self):
        """Warn of fits that failed; raise when nothing succeeded."""
        evaluations = self.history_.evaluations
        # A failed scorer is not a failed fit: scikit-learn has warned of it already.
        outcomes = [{"fit_error": None if e.scores else e.error} for e in evaluations]
        if not evaluations:
            raise ValueError(
                "No fits were performed: stopping must let at least one fit start, got "
                f"stopping={self.stopping!r}. Loosen it."
            )
        warn_or_raise_about_fit_failures(outcomes, self.error_score)
        if not self._any_success():
            errors = [e.error for e in evaluations if e.error] or ["The scorer returned NaN."]
            raise ValueError(
                f"No candidate got a score: all {len(evaluations)} fits or their scoring "
                'failed. Set error_score="raise" to debug. The first failure:\n' + errors[0]
            )

    def _warn_non_finite(self):
        """Warn of means that are not finite although no fold is missing."""
        history = self.history_
        whole = [len(history.folds(*rung)) == history.n_splits for rung in history.rungs]
        for column, means in self.cv_results_.items():
            _, _, kind = column.partition("mean_")
            if kind.startswith(("test_", "train_")) and not np.isfinite(means[whole]).all():
                kind = kind.partition("_")[0]
                warnings.warn(
                    f"One or more of the {kind} scores are non-finite: {means}", stacklevel=2
                )

    def _any_success(self):
        scored = [e.scores for e in self.history_.evaluations]
        if isinstance(self.refit, str) and self.multimetric_:
            scored = [{self.refit: scores.get(self.refit, math.nan)} for scores in scored]
        return any(not math.isnan(score) for scores in scored for score in scores.values())

    def __sklearn_is_fitted__(self):
        return hasattr(self, "best_estimator_" if self.refit else "cv_results_")

    def _refit(self, job, hooks):
        # The values are cloned as well: they may be estimators themselves.
        params = clone(self.best_params_, safe=False)
        best_estimator = clone(job.estimator).set_params(**params)
        target = () if job.y is None else (job.y,)
        with hooks.refitting(best_estimator):
            start = time.time()
            best_estimator.fit(job.X, *target, **job.routed.estimator.fit)
            self.refit_time_ = time.time() - start
        self.best_estimator_ = best_estimator
        if hasattr(best_estimator, "feature_names_in_"):
            self.feature_names_in_ = best_estimator.feature_names_in_


def _materialise(cv, X, y, split_params):
    """Draw the splits once: a splitter asked again may answer otherwise."""
    n_splits = cv.get_n_splits(X, y, **split_params)
    splits = list(cv.split(X, y, **split_params))
    if len(splits) != n_splits:
        raise ValueError(
            "cv.split and cv.get_n_splits returned inconsistent results. Expected "
            f"{n_splits} splits, got {len(splits)} from {cv!r}; pass another cv."
        )
    if not splits:
        raise ValueError("cv must give at least one split, got none; pass another cv.")
    return splits


class _Fits:
    """Starts fits in the pool unless the journal has them already, and keeps what comes back."""

    def __init__(self, pool, evaluator, log, hooks, learn):
        self._pool = pool
        self._evaluator = evaluator
        self._log = log
        self._hooks = hooks
        self._learn = learn
        self._recalled = set()

    @cached_property
    def _reference(self):
        return self._pool.share(self._evaluator)

    def submit(self, task):
        self._hooks.start(task)
        known = self._log.recall(task)
        if known is None:
            return self._pool.submit(self._reference, task)
        self._recalled.add(task.key)
        future = Future()
        future.set_result(known)
        return future

    def record(self, evaluation):
        if evaluation.task.key not in self._recalled:
            self._log.append(evaluation)
        self._learn(evaluation)


def _dicts(param_distributions):
    return [param_distributions] if isinstance(param_distributions, dict) else param_distributions


def _draw_seed(random_state):
    """The seed of this fit; without one the global random state is left alone."""
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _guiding_metric(refit, names):
    """What guides a search: the refit metric when it is a name, else the first score."""
    return refit if isinstance(refit, str) and refit in names else next(iter(names))
