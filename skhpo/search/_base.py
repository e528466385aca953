"""The one subclass of scikit-learn's BaseSearchCV that overrides ``fit``."""

from __future__ import annotations

import time
from abc import abstractmethod
from contextlib import closing, suppress
from numbers import Integral
from os import PathLike
from typing import ClassVar

from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._sklearn import (
    BaseSearchCV,
    HasMethods,
    Interval,
    MultimetricScorer,
    StrOptions,
    fit_context,
)
from ..execution._config import current_config
from ..execution._evaluator import Evaluator
from ..execution._executors import make_executor
from ..execution._loop import run
from ..execution._nesting import turn
from ..fold_stopping import make_fold_stopping
from ..history import History
from ._hooks import Hooks
from ._job import make_proposer, prepare, resume
from ._out_of_fold import bbc_of, make_predict, out_of_fold
from ._outcome import any_success, check_success, tabulate, warn_non_finite
from ._pointwise import named_by, score_names
from ._resources import make_continuation, make_limit
from ._runs import Fits, open_run

__all__ = ["BaseSearch"]


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
        "store_predictions": [
            "boolean",
            StrOptions({"predict", "predict_proba", "decision_function"}),
        ],
    }

    store_predictions = False  # for those who have no such parameter

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
        store_predictions=False,
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
        self.store_predictions = store_predictions

    @abstractmethod
    def _composition(self):
        """Return the optimiser and the scheduler, as names or values."""

    def _pool(self):
        """Return where fits run."""
        return make_executor(self.n_jobs)

    def _proposer(self, optimizer, seed, **resumed):
        """Return where candidates come from."""
        return make_proposer(self, optimizer, seed, **resumed)

    def _n_candidates(self, scheduler, amounts):
        """Return how many candidates there may be."""
        return self.n_iter

    def _splitter(self, y, seed):
        """Return how to split."""
        return check_cv(self.cv, y, classifier=is_classifier(self.estimator))

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
        with closing(self._pool()) as pool:
            job = prepare(self, X, y, params, pool.n_workers)
            hooks = Hooks(self, job.X, job.y, params.get("sample_weight"))
            with open_run(self, job, params) as log:
                job = resume(self, job, log) if log.resumed else job
                self._begin(job)
                try:
                    self._search(job, hooks, log, pool)
                except BaseException:
                    # What was evaluated is not lost, and what ended the search is not masked.
                    with suppress(Exception):
                        self._publish()
                    raise
        self._publish()
        check_success(self)
        warn_non_finite(self)
        if self.refit:
            self._refit(job, hooks)
        hooks.end()
        return self

    def _begin(self, job):
        """Drop the attributes of an earlier fit: two fits must not be mixed."""
        for name in [n for n in vars(self) if n.endswith("_") and not n.startswith("_")]:
            delattr(self, name)
        self.n_splits_ = len(job.splits)
        self.scorer_ = getattr(job.scorer, "_scorers", job.scorer)
        self.multimetric_ = isinstance(job.scorer, MultimetricScorer)
        self.history_ = History(self.n_splits_)
        if (names := score_names(self.scoring, job.scorer)) is not None:
            self.history_.metric = _guiding_metric(self.refit, names)
        resource = getattr(job.scheduler, "resource", None)
        self.history_.resource = None if resource == "n_samples" else resource
        if (predict := make_predict(self, job)) is not None:
            self.out_of_fold_ = out_of_fold(self.history_, job, predict)

    def _search(self, job, hooks, log, pool):
        n_candidates, n_splits = job.proposer.n_candidates, len(job.splits)
        # Who gets more of a resource, and so how many fits there are, is not known before.
        n_fits = None if job.amounts else n_candidates * n_splits
        if self.verbose > 0 and n_fits is not None:
            print(
                f"Fitting {n_splits} folds for each of {n_candidates} candidates, "
                f"totalling {n_fits} fits"
            )
        with hooks.searching(n_fits), make_continuation(job) as continuation:
            evaluator = self._evaluator(job, continuation, hooks.branch())
            learn = self._learn_score_names
            fits = Fits(pool, evaluator, log, hooks, self.history_, learn, self.verbose)
            run(
                self._start(job, continuation),
                fits.submit,
                self.history_,
                window=job.window,
                in_order=current_config().in_order,
                stopping=self.stopping,
                record=fits.record,
                listeners=[hooks.finish],
            )
        log.finish(self.history_.n_candidates)

    def _start(self, job, continuation):
        resources = {**job.amounts, "continuation": continuation} if job.amounts else {}
        return job.scheduler.start(
            job.proposer,
            self.history_,
            fold_sizes=[len(test) for _, test in job.splits],
            fold_stopping=make_fold_stopping(self.fold_stopping),
            seed=job.seed,
            **resources,
        )

    def _evaluator(self, job, continuation=None, context=None):
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
            predict=make_predict(self, job),
            limit=make_limit(job.scheduler, job),
            continuation=continuation,
            context=context,
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
        self.cv_results_ = tabulate(self)
        if (self.refit or not self.multimetric_) and any_success(self):
            metric = self.refit if self.multimetric_ else "score"
            self.best_index_ = self._select_best_index(self.refit, metric, self.cv_results_)
            if not callable(self.refit):
                self.best_score_ = self.cv_results_[f"mean_test_{metric}"][self.best_index_]
            self.best_params_ = self.cv_results_["params"][self.best_index_]

    @available_if(lambda search: "store_predictions" in search.get_params(deep=False))
    def bbc_interval(self, *, baseline=None, n_bootstraps=None, confidence=0.95, random_state=None):
        """Score of the tuned model by bootstrap bias-corrected cross-validation.

        The best score of a search is too good, because it was chosen. Here the choice is repeated
        on bootstraps of the out-of-fold predictions, and scored on what they leave out. It needs
        ``store_predictions=True`` and no further fit. Groups given to ``fit`` are drawn whole.

        Parameters
        ----------
        baseline : int or "default", default=None
            Row of ``cv_results_``, or the candidate that was taken from the estimator itself: the
            result is then the gain of the chosen candidate over it.
        n_bootstraps : int, default=None
            None means 1000; and 200 for scores that are not means over samples, such as R2 or
            the area under the ROC curve: these are taken anew for every candidate and fold in
            every bootstrap.
        confidence : float, default=0.95
        random_state : int, Generator or None, default=None
            For :func:`numpy.random.default_rng`.

        Returns
        -------
        Interval
            See :func:`skhpo.statistics.bbc_interval`. Candidates that lack a fold, because it
            failed or was spared, take no part, nor do those of lower rungs: what was chosen from
            there is not corrected for.

        Raises
        ------
        ValueError
            Without predictions, with a callable `refit`, and when the score does not follow from
            the predictions.

        References
        ----------
        Tsamardinos, I., Greasidou, E. and Borboudakis, G. (2018). Bootstrapping the out-of-sample
        predictions for efficient and accurate cross-validation. Machine Learning 107, 1895-1922.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> from skhpo import SearchCV
        >>> rng = np.random.default_rng(0)
        >>> X, y = rng.normal(size=(60, 5)), np.arange(60) % 2  # noise
        >>> space = {"n_neighbors": range(1, 30, 2), "p": [1, 2]}
        >>> search = SearchCV(KNeighborsClassifier(), space, n_iter=30, store_predictions=True)
        >>> bool(search.fit(X, y).best_score_ > 0.65)
        True
        >>> interval = search.bbc_interval(random_state=0)
        >>> bool(interval.low < 0.5 < interval.estimate < search.best_score_ - 0.05)
        True
        """
        check_is_fitted(self, "cv_results_")
        return bbc_of(
            self,
            baseline=baseline,
            n_bootstraps=n_bootstraps,
            confidence=confidence,
            random_state=random_state,
        )

    def __sklearn_is_fitted__(self):
        return hasattr(self, "best_estimator_" if self.refit else "cv_results_")

    def _refit(self, job, hooks):
        # The values are cloned as well: they may be estimators themselves.
        params = clone(self.best_params_, safe=False)
        best_estimator = clone(job.estimator).set_params(**params)
        target = () if job.y is None else (job.y,)
        with turn(), hooks.refitting(best_estimator):
            start = time.time()
            best_estimator.fit(job.X, *target, **job.routed.estimator.fit)
            self.refit_time_ = time.time() - start
        self.best_estimator_ = best_estimator
        if hasattr(best_estimator, "feature_names_in_"):
            self.feature_names_in_ = best_estimator.feature_names_in_


def _guiding_metric(refit, names):
    """What guides a search: the score that refit names, else the first one."""
    name = named_by(refit)
    return name if name in names else next(iter(names))
