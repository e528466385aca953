"""Hyperband: successive halving with every trade of candidates for resource."""

from __future__ import annotations

import math
from numbers import Integral
from typing import ClassVar

from .._sklearn import Interval, StrOptions
from ..schedulers import Hyperband
from ._base import BaseSearch
from ._docs import with_shared_docs
from ._halving import RUNG_CONSTRAINTS

__all__ = ["HyperbandSearchCV"]


@with_shared_docs
class HyperbandSearchCV(BaseSearch):
    """Search with Hyperband: brackets from many candidates with little to few with everything.

    Successive halving needs to know how little of the resource is too little. Hyperband need not:
    it runs brackets that begin with more and more of it, down to a few candidates that get
    everything at once [1]_. Later brackets are proposed by an optimiser that learns from all
    results so far [2]_.

    Parameters
    ----------
    <estimator>
    resource : str, default="n_samples"
        What grows: the number of samples, or an integer parameter of the estimator such as
        ``"n_estimators"`` or ``"step__max_iter"``. It must not be searched.
    max_resources : int or "auto", default="auto"
        What the best of each bracket get in the end; "auto" is the number of samples.
    min_resources : int or {"smallest", "auto"}, default="auto"
        The least that a candidate gets. "smallest" is 1, or with ``"n_samples"`` two samples for
        each split and class, and what groups need. "auto" begins with the amount that ranks the
        first nine candidates as `factor` times as much does, which saves brackets that mislead.
    factor : int, default=3
        One in so many candidates climbs to the next rung, which gets so many times more.
    optimizer : str or optimiser, default="bayes"
        Who proposes candidates: a name or a value of ``skhpo.optimizers``. With "random" the search
        is Hyperband as it was published [1]_, with "tpe" BOHB [2]_, with "de" much like DEHB.
    promotion : {"synchronous", "asynchronous"}, default="synchronous"
        Whether a rung waits until it is whole before its best climb. "asynchronous" lets those
        climb at once who are among the best so far [3]_, which keeps many workers busy. Both
        give the same answer whichever worker is faster.
    n_sweeps : int, default=1
        How many times all brackets are run.
    subsample_test : bool, default=False
        Whether the test parts are subsampled as well.
    <rungs>

    Attributes
    ----------
    brackets_ : list of (int, int)
        Candidates, and the amount of the resource they begin with, for each bracket of a sweep.
    n_resources_used_ : float
        Amount of the resource that was spent, all folds of a candidate counted once.
    min_resources_ : int
        What candidates got at the first rung.
    max_resources_ : int
        The most that a candidate may get.
    <attributes>

    See Also
    --------
    HalvingRandomSearchCV : One bracket.
    skhpo.stopping.MaxResources : A budget.

    Notes
    -----
    ``cv_results_`` has a row for each candidate at each rung, with the columns ``bracket``,
    ``iter``, the number of the rung, and ``n_resources``. Ranks go by the amount of the resource
    first. Fits that only helped to find the first rung have bracket and iter -1.

    Where the resource is ``n_estimators`` or ``max_iter``, models that climb go on instead of
    beginning from zero, if the estimator can; ``resumed`` says of which rows that is true. Then
    ``n_resources_used_`` counts what each fit added. See :ref:`spending_less`.

    References
    ----------
    .. [1] L. Li, K. Jamieson, G. DeSalvo, A. Rostamizadeh, A. Talwalkar (2018). "Hyperband: a
           novel bandit-based approach to hyperparameter optimization." JMLR 18.
    .. [2] S. Falkner, A. Klein, F. Hutter (2018). "BOHB: robust and efficient hyperparameter
           optimization at scale." ICML.
    .. [3] L. Li et al. (2020). "A system for massively parallel hyperparameter tuning." MLSys.

    Examples
    --------
    >>> from scipy.stats import loguniform, randint
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.ensemble import GradientBoostingRegressor
    >>> from skhpo import HyperbandSearchCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> space = {"learning_rate": loguniform(0.01, 1), "max_depth": randint(1, 5)}
    >>> search = HyperbandSearchCV(
    ...     GradientBoostingRegressor(random_state=0),
    ...     space,
    ...     resource="n_estimators",
    ...     max_resources=27,
    ...     min_resources=3,
    ...     cv=3,
    ...     random_state=0,
    ... ).fit(X, y)
    >>> search.brackets_
    [(9, 3), (5, 9), (3, 27)]
    """

    _parameter_constraints: ClassVar[dict] = {
        **RUNG_CONSTRAINTS,
        "min_resources": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"smallest", "auto"}),
        ],
        "factor": [Interval(Integral, 2, None, closed="left")],
        "promotion": [StrOptions({"synchronous", "asynchronous"})],
        "n_sweeps": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        resource="n_samples",
        max_resources="auto",
        min_resources="auto",
        factor=3,
        optimizer="bayes",
        promotion="synchronous",
        n_sweeps=1,
        subsample_test=False,
        initial_params=None,
        constraint=None,
        stopping=None,
        fold_stopping=None,
        journal=None,
        cv=5,
        scoring=None,
        refit=True,
        error_score=math.nan,
        return_train_score=True,
        store_predictions=False,
        random_state=None,
        n_jobs=None,
        pre_dispatch="2*n_jobs",
        verbose=0,
    ):
        # Not that of the parent, which has the parameters of searches without rungs as well.
        super(BaseSearch, self).__init__(
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
        self.resource = resource
        self.max_resources = max_resources
        self.min_resources = min_resources
        self.factor = factor
        self.optimizer = optimizer
        self.promotion = promotion
        self.n_sweeps = n_sweeps
        self.subsample_test = subsample_test
        self.initial_params = initial_params
        self.constraint = constraint
        self.stopping = stopping
        self.fold_stopping = fold_stopping
        self.journal = journal
        self.random_state = random_state
        self.store_predictions = store_predictions

    def _composition(self):
        return self.optimizer, Hyperband(
            resource=self.resource,
            max_resources=self.max_resources,
            min_resources=self.min_resources,
            factor=int(self.factor),
            promotion=self.promotion,
            n_sweeps=self.n_sweeps,
            subsample_test=self.subsample_test,
        )

    def _n_candidates(self, scheduler, amounts):
        plans = scheduler.brackets(*scheduler.amounts(**amounts))
        return self.n_sweeps * sum(plan.n_candidates for plan in plans)

    def _publish(self):
        super()._publish()
        vars(self).update(self.history_.schedule)
        self.n_resources_used_ = self.history_.n_resources_used
