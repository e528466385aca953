"""Nested cross-validation: a search whose estimator is a search."""

from __future__ import annotations

import copy
import itertools
import math
import warnings
from contextlib import nullcontext
from dataclasses import replace
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from joblib import parallel_config
from sklearn import get_config
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.model_selection import check_cv
from sklearn.pipeline import Pipeline
from sklearn.utils import estimator_html_repr
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import check_is_fitted

from .._records import Candidate
from .._sklearn import BaseSearchCV, Interval, MultimetricScorer, StrOptions
from ..execution._limits import n_samples_of
from ..execution._nesting import NestingExecutor
from ._base import BaseSearch
from ._checks import is_several
from ._outer import Keep, optimism_of, outer_table, score_interval, stability
from ._pairs import first_splits, nested_interval, pair_splits
from ._pointwise import POINTWISE_NAMES, guiding_scorer, named_by, own_scoring, pointwise_of
from ._summary import as_html, summarise

__all__ = ["NestedCV", "check_is_search", "repeated", "search_in"]


class NestedCV(BaseSearch):
    """Nested cross-validation: the honest score of a model that is tuned.

    The best score of a search is too good, because it was chosen. Here the whole search runs on
    the training part of each outer fold, and its choice is scored on the test part, which it has
    not seen. Then it runs once more on all the data: that is the model to use.

    Parameters
    ----------
    estimator : search
        A search of this package or of scikit-learn, or a ``Pipeline`` that ends in one. It is
        cloned, never fitted or changed.
    scoring : str, callable, list, tuple or dict, default=None
        Scores on the outer folds, as in ``GridSearchCV``. None is what the search itself goes
        by.
    n_jobs : int, default=None
        Number of fits that run at a time. None means 1 unless in a ``joblib.parallel_config``
        context, -1 means all cores. The searches of this package share these workers: a search on
        an outer fold runs as it would with this `n_jobs`. Any other search is one task an outer
        fold, and runs its own fits one after the other.
    refit : bool or str, default=True
        Run the search once more, on all the data. With several scores, the name of the one that
        is reported.
    cv : int, cross-validation generator or iterable, default=None
        The outer folds, as in ``GridSearchCV``.
    n_repeats : int, default=1
        How often to split anew. With an int `cv` the folds are then shuffled; a splitter must
        shuffle, with its own ``random_state`` left None.
    confidence : float, default=0.95
        Of the intervals.
    interval : {"corrected_t", "ncv"} or None, default="corrected_t"
        Interval of the mean outer score; see :func:`skhpo.statistics.corrected_t_interval`. "ncv"
        holds what it promises more closely, see :func:`skhpo.statistics.ncv_interval`, and costs
        K (K - 1) / 2 further searches for K outer folds, in each repeat: 45 besides ten. It needs
        k-fold cross-validation outside, samples that do not come in groups, and a score that is a
        mean over samples, such as accuracy or the squared error.
    verbose : int, default=0
        As in ``GridSearchCV``.
    pre_dispatch : int or str, default="2*n_jobs"
        Number of outer folds that are worked on at a time; each has a copy of its training data.
    random_state : int, RandomState instance or None, default=None
        Seed of the repeats. It does not touch the search inside, which has its own.
    error_score : "raise" or numeric, default=np.nan
        Shown as the score of an outer fold on which the search failed. "raise" raises.
    return_train_score : bool, default=False
        Whether ``cv_results_`` has train scores.
    return_estimators : bool, default=False
        Whether ``outer_results_`` has the search fitted on each outer training set.
    return_predictions : bool, default=False
        Whether ``outer_results_`` has its predictions of the outer test set.

    Attributes
    ----------
    best_score_ : float
        Mean outer score: the one to report.
    score_interval_ : Interval or None
        With its interval. None if an outer fold failed, or there is only one. With "ncv" its
        estimate has a correction besides, and is not quite ``best_score_``.
    optimism_ : Comparison or None
        By how much the best inner scores exceed the outer ones. None also where they are
        different scores, or the default score of what is neither a classifier nor a regressor,
        which may be a sum over samples.
    outer_results_ : dict of str -> list or ndarray of length n_splits
        For each outer fold ``outer_score``, ``inner_score`` (the best of the search),
        ``optimism`` (inner minus outer), ``best_params`` and ``inner_results`` (the
        ``cv_results_`` of the search); on request ``estimator`` and ``predictions``. Of a search
        that failed they are NaN or None.
    outer_splits_ : list of (train, test)
        Index arrays.
    stability_ : dict of str -> list
        Which parameters were chosen; see :func:`skhpo.statistics.parameter_stability`.
    best_estimator_ : estimator
        The search, fitted on all the data. Only with `refit`.
    best_params_ : dict
        What it chose.
    cv_results_ : dict of numpy (masked) ndarrays
        One row, in which ``split{k}_test_score`` are the outer scores.
    history_ : History
        The outer folds: status, error, times.
    best_index_ : int
        0.
    scorer_ : callable or dict
    n_splits_ : int
    refit_time_ : float
        Seconds.
    multimetric_ : bool
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    See Also
    --------
    SearchCV : A search to put inside.
    skhpo.statistics.corrected_best_score : An estimate from one search, without further fits.

    Notes
    -----
    The score is of the procedure, tuning included, with as many samples as an outer training set
    has; the model refitted on all of them has no test set of its own.

    Metadata go to the search as to any estimator. Without metadata routing, ``groups`` go to the
    outer splitter, and to the one inside if it uses groups; ``sample_weight`` goes to the outer
    scores when the inner ones use it.

    References
    ----------
    Varma, S. and Simon, R. (2006). Bias in error estimation when using cross-validation for model
    selection. BMC Bioinformatics 7, 91.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpo import NestedCV, SearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = SearchCV(SVC(), {"C": [1, 10, 100], "gamma": [0.001, 0.01, 0.1]})
    >>> nested = NestedCV(search, cv=4).fit(X, y)
    >>> print(nested.score_interval_)
    0.9667 [0.9046, 1.029]
    >>> nested.best_params_
    {'C': 1, 'gamma': 0.1}
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseSearchCV._parameter_constraints,
        "refit": ["boolean", str],
        "n_repeats": [Interval(Integral, 1, None, closed="left")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "interval": [StrOptions({"corrected_t", "ncv"}), None],
        "random_state": ["random_state"],
        "return_estimators": ["boolean"],
        "return_predictions": ["boolean"],
    }

    # There is one candidate; the rest are matters of the search inside.
    n_iter = 1
    stopping = fold_stopping = journal = None

    def __init__(
        self,
        estimator,
        *,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        n_repeats=1,
        confidence=0.95,
        interval="corrected_t",
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=math.nan,
        return_train_score=False,
        return_estimators=False,
        return_predictions=False,
    ):
        BaseSearchCV.__init__(
            self,
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
        self.n_repeats = n_repeats
        self.confidence = confidence
        self.interval = interval
        self.random_state = random_state
        self.return_estimators = return_estimators
        self.return_predictions = return_predictions

    def summary(self):
        """Return what was found in words, to quote.

        Returns
        -------
        str
        """
        check_is_fitted(self, "outer_results_")
        return summarise(self, search_in(self.estimator))

    def _composition(self):
        check_is_search(self.estimator, self.scoring)
        _check_predicts(self)
        self._pointwise()
        return "random", "cv"  # of one candidate

    def _proposer(self, optimizer, seed, **resumed):
        return _OneCandidate()

    def _splitter(self, y, seed):
        _warn_same_seed(self.cv, getattr(search_in(self.estimator), "cv", None))
        cv = super()._splitter(y, seed)
        return cv if self.n_repeats == 1 else repeated(self.cv, cv, self.n_repeats, seed)

    def _pool(self):
        pool = super()._pool()
        return NestingExecutor(pool) if pool.n_workers > 1 and self._is_ours() else pool

    def _is_ours(self):
        return isinstance(search_in(self.estimator), BaseSearch)

    def _get_routed_params_for_fit(self, params):
        routed = super()._get_routed_params_for_fit(params)
        groups = params.get("groups")
        if groups is not None and not _routing_enabled():
            search = search_in(self.estimator)
            if _uses_groups(getattr(search, "cv", None)):
                name = f"{_prefix(self.estimator)}groups"
                routed.estimator.fit = {**routed.estimator.fit, name: groups}
        return routed

    def _get_scorers(self):
        return super()._get_scorers() if self.scoring is not None else (_OwnScore(self), "score")

    def _check_scorers_accept_sample_weight(self):
        if self.scoring is None:
            return search_in(self.estimator)._check_scorers_accept_sample_weight()
        return super()._check_scorers_accept_sample_weight()

    def _begin(self, job):
        super()._begin(job)
        self.outer_splits_ = job.splits

    def _search(self, job, hooks, log, pool):
        if pool.n_workers > 1 and not self._is_ours():
            job = replace(job, estimator=_one_job(job.estimator))
        if self.interval == "ncv":
            job = self._with_pairs(job)
        super()._search(job, hooks, log, pool)

    def _with_pairs(self, job):
        """Add the splits that leave out two outer folds; `_publish` takes their fits apart."""
        if any(weights is not None for weights in job.routed.scorer.score.values()):
            raise ValueError(
                'interval="ncv" needs scores that are plain means over samples; got weights for '
                'the scorer. Use interval="corrected_t".'
            )
        if job.routed.splitter.split.get("groups") is not None:
            raise ValueError(
                'interval="ncv" needs samples that are independent of each other; got groups. Use '
                'interval="corrected_t", which compares whole folds.'
            )
        pairs = pair_splits(job.splits, self._n_repeats(), n_samples_of(job.X))
        self.history_.n_splits += len(pairs)  # `n_scored` stays
        if self.verbose > 0:
            print(f'interval="ncv" takes {len(pairs)} further searches, one for each two folds')
        return replace(job, splits=[*job.splits, *pairs])

    def _n_repeats(self):
        return self.n_repeats * getattr(self.cv, "n_repeats", 1)

    def _pointwise(self):
        """How single samples are scored, None where that is not needed."""
        if self.interval != "ncv":
            return None
        searching = search_in(self.estimator) if self.scoring is None else self
        scorer = searching._get_scorers()[0]
        scorer = guiding_scorer(scorer, named_by(searching.refit))
        found = pointwise_of(scorer, searching.estimator)
        if found is None:
            raise ValueError(
                'interval="ncv" needs a score that is a mean over samples, one of '
                f"{POINTWISE_NAMES}; got {scorer!r}. Set scoring to one of them, or use "
                'interval="corrected_t".'
            )
        return found

    def _evaluator(self, job, continuation=None, context=None):
        evaluator = super()._evaluator(job, continuation, context)
        evaluator.keep = self._keep()
        return evaluator

    def _keep(self):
        return Keep(
            search_in,
            self.n_splits_,
            self.return_estimators,
            self.return_predictions,
            self._pointwise(),
        )

    def _publish(self):
        fits = self.history_
        self.history_ = first_splits(fits, self.n_splits_)
        super()._publish()
        if not self.history_.n_fits:
            return
        # Of one candidate nothing is chosen; the choice is that of the last search.
        vars(self).pop("best_params_", None)
        table = outer_table(
            self.history_.folds(0),
            self.n_splits_,
            self.history_.metric,
            comparable=self._is_comparable(),
            keep=self._keep(),
        )
        self.outer_results_ = table
        self.optimism_ = optimism_of(table, self.outer_splits_, self.confidence)
        self.stability_ = stability(table, search_in(self.estimator))
        self.score_interval_ = self._interval(table, fits)

    def _interval(self, table, fits):
        if self.interval == "ncv":
            return nested_interval(fits, self.outer_splits_, self._n_repeats(), self.confidence)
        if self.interval == "corrected_t":
            return score_interval(table, self.outer_splits_, self.confidence)
        return None

    def _is_comparable(self):
        """Whether the outer score that is reported is the one that the search went by."""
        search = search_in(self.estimator)
        inner = own_scoring(search)
        if self.scoring is None:
            # The default score of others may be a sum over samples, and test sets differ in size.
            return inner is not None or is_classifier(search) or is_regressor(search)
        outer = self.history_.metric if self.multimetric_ else self.scoring
        return isinstance(inner, str) and inner == outer

    def _refit(self, job, hooks):
        self.best_params_ = {}  # of the candidate; those of its search come with the refit
        parallel = nullcontext() if self.n_jobs is None else parallel_config(n_jobs=self.n_jobs)
        try:
            with parallel:
                super()._refit(job, hooks)
        finally:
            del self.best_params_
        self.best_params_ = getattr(search_in(self.best_estimator_), "best_params_", {})

    def _html_repr(self):
        html = estimator_html_repr(self)
        return as_html(self.summary()) + html if hasattr(self, "outer_results_") else html


class _OneCandidate:
    """Proposes the search as it is."""

    n_candidates = 1

    def __init__(self):
        self._candidates = iter([Candidate(0, {}, source="search")])

    def ask(self, pending=()):
        return next(self._candidates, None)

    def tell(self, observation):
        pass


def search_in(estimator):
    """Return the search: the estimator, or the last step of a pipeline."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator


def check_is_search(estimator, scoring):
    """Check that an estimator is a search that can be scored, by its own score if None is given."""
    search = search_in(estimator)
    if not isinstance(search, BaseSearchCV):
        raise TypeError(
            "estimator must be a search, such as SearchCV or GridSearchCV, or a Pipeline that "
            f"ends in one; got {estimator!r}. Give the search as estimator, "
            "NestedCV(SearchCV(model, ...)); a model that is not tuned needs only "
            "cross_val_score."
        )
    if search.refit is False:
        raise ValueError(
            "The search inside must refit its choice, which is scored on the outer folds; got "
            f"refit=False in {search!r}. Set it to True or to the name of a score."
        )
    if scoring is None and callable(search.refit) and is_several(search.scoring):
        raise ValueError(
            "scoring must be given where the search inside has several scores and a rule as refit: "
            f"none of them is its own; got None with {list(search.scoring)}. Name one of them."
        )


def _check_predicts(nested):
    if nested.return_predictions and not hasattr(nested.estimator, "predict"):
        raise ValueError(
            "return_predictions needs an estimator with a predict method; got "
            f"{nested.estimator!r}. Set return_predictions=False."
        )


def _warn_same_seed(outer, inner):
    seeds = [getattr(cv, "random_state", None) for cv in (outer, inner)]
    if isinstance(seeds[0], Integral) and seeds[0] == seeds[1]:
        warnings.warn(
            f"The splitters of the outer and the inner folds have the same random_state={seeds[0]}"
            ", so their folds are not independent. Give them different seeds.",
            stacklevel=6,  # the caller of fit
        )


def repeated(given, cv, n_repeats, seed):
    """Return a splitter that splits so many times, each time with another seed."""
    if given is None or isinstance(given, Integral):
        cv = type(cv)(cv.n_splits, shuffle=True)
    if isinstance(given, str) or not _can_reseed(cv):
        raise ValueError(
            "n_repeats needs a splitter that shuffles and has no seed of its own; got "
            f"n_repeats={n_repeats} and cv={given!r}. Pass an int, or a splitter such as "
            "KFold(5, shuffle=True), and give random_state to NestedCV."
        )
    seeds = np.random.SeedSequence(seed).generate_state(n_repeats)
    return _Repeats([_reseeded(cv, int(s)) for s in seeds])


def _can_reseed(cv):
    shuffles = hasattr(cv, "random_state") and getattr(cv, "shuffle", True)
    return shuffles and not isinstance(cv.random_state, Integral)


def _reseeded(cv, seed):
    if cv.random_state is not None:  # a RandomState goes on by itself
        return cv
    cv = copy.copy(cv)
    cv.random_state = seed
    return cv


class _Repeats:
    """Splitters one after the other."""

    def __init__(self, splitters):
        self._splitters = splitters

    def get_n_splits(self, *args, **params):
        return sum(cv.get_n_splits(*args, **params) for cv in self._splitters)

    def split(self, *args, **params):
        return itertools.chain.from_iterable(cv.split(*args, **params) for cv in self._splitters)


def _routing_enabled():
    return get_config()["enable_metadata_routing"]


def _prefix(estimator):
    """What names of the parameters of the search begin with."""
    return f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""


def _uses_groups(cv):
    """Whether a splitter makes use of groups; the ordinary ones warn of them."""
    if not hasattr(check_cv(cv), "get_metadata_routing") or not hasattr(cv, "split"):
        return hasattr(cv, "split")
    if get_routing_for_object(cv).consumes("split", ["groups"]):
        return True
    return not type(cv).__module__.startswith("sklearn.")


def _one_job(estimator):
    """Let the fits of a search run one after the other, where searches run side by side."""
    name = f"{_prefix(estimator)}n_jobs"
    return clone(estimator).set_params(**{name: 1}) if name in estimator.get_params() else estimator


class _OwnScore:
    """The score that a search goes by: its method, which takes metadata only with routing."""

    def __init__(self, nested):
        self._estimator = nested.estimator

    def __call__(self, estimator, X, y=None, **params):
        if not params or _routing_enabled():
            return estimator.score(X, y, **params)
        scorer = estimator.scorer_
        if isinstance(scorer, dict):
            scorer = MultimetricScorer(scorers=scorer)
        scores = scorer(estimator.best_estimator_, X, y, **params)
        return scores[estimator.refit] if estimator.multimetric_ else scores

    def get_metadata_routing(self):
        return get_routing_for_object(self._estimator)
