"""Successive halving: many candidates get a little, few get much."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import ClassVar

from .._sklearn import HasMethods, Interval, StrOptions
from ..schedulers import SuccessiveHalving
from ._base import BaseSearch
from ._docs import with_shared_docs

__all__ = ["RUNG_CONSTRAINTS", "HalvingRandomSearchCV"]

RUNG_CONSTRAINTS = {
    name: allowed for name, allowed in BaseSearch._parameter_constraints.items() if name != "n_iter"
} | {
    "optimizer": [str, HasMethods(["start"])],
    "resource": [str],
    "max_resources": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
    "subsample_test": ["boolean"],
}


@with_shared_docs
class HalvingRandomSearchCV(BaseSearch):
    """Search with successive halving: all candidates get a little, the best of them more.

    The candidates are evaluated with a small amount of a resource, samples or trees for example.
    One in `factor` climbs to the next rung, where it gets `factor` times as much, and so on [1]_.

    The parameters are those of scikit-learn's experimental class, and with as many candidates
    the schedule is the same. Better inside: subsamples are stratified, keep groups whole and are
    nested from rung to rung; several metrics can be scored; a candidate that failed climbs only
    where all did; the best candidate has rank 1; any optimiser can propose.

    Parameters
    ----------
    <estimator>
    optimizer : str or optimiser, default="random"
        Who proposes candidates: a name or a value of ``skhpo.optimizers``.
    n_candidates : int or "exhaust", default="exhaust"
        Number of candidates at the first rung. "exhaust" is as many as let the last rung use as
        much of the resource as possible.
    factor : int or float, default=3
        One in so many candidates climbs, and gets so many times more; above 1.
    resource : str, default="n_samples"
        What grows: the number of samples, or an integer parameter of the estimator such as
        ``"n_estimators"`` or ``"step__max_iter"``. It must not be searched.
    max_resources : int or "auto", default="auto"
        The most that a candidate gets; "auto" is the number of samples.
    min_resources : int or {"smallest", "exhaust", "auto"}, default="smallest"
        What a candidate gets at the first rung. "smallest" is 1, or with ``"n_samples"`` two
        samples for each split and class, and what groups need. "exhaust" makes the last rung
        use as much as possible. "auto" begins with the amount that ranks the first nine
        candidates as the next rung does: where little of the resource misleads, more is given.
    aggressive_elimination : bool, default=False
        Whether candidates are dropped at the first rung until the resource suffices for the
        others.
    subsample_test : bool, default=False
        Whether the test parts are subsampled as well, as scikit-learn does. With whole ones
        scores of small rungs have less noise.
    <rungs>

    Attributes
    ----------
    n_candidates_ : list of int
        Candidates at each rung.
    n_resources_ : list of int
        Amount of the resource at each rung.
    n_iterations_ : int
        Number of rungs.
    n_remaining_candidates_ : int
        Candidates that would climb from the last rung.
    n_possible_iterations_ : int
        Rungs that the resource suffices for.
    n_required_iterations_ : int
        Rungs until less than `factor` candidates are left.
    min_resources_ : int
        What candidates got at the first rung.
    max_resources_ : int
        The most that a candidate may get.
    n_resources_used_ : float
        Amount of the resource that was spent, all folds of a candidate counted once.
    <attributes>

    See Also
    --------
    HyperbandSearchCV : Does not need to know how little of the resource is too little.
    SearchCV : Any optimiser with any scheduler.

    Notes
    -----
    ``cv_results_`` has a row for each candidate at each rung, with the columns ``iter``, the
    number of the rung, and ``n_resources``. Ranks go by the amount of the resource first, so a
    row of the last rung has rank 1. Fits that only helped to find the first rung have iter -1.

    Where the resource is ``n_estimators`` or ``max_iter``, models that climb go on instead of
    beginning from zero, if the estimator can; ``resumed`` says of which rows that is true. Then
    ``n_resources_used_`` counts what each fit added. See :ref:`spending_less`.

    References
    ----------
    .. [1] K. Jamieson, A. Talwalkar (2016). "Non-stochastic best arm identification and
           hyperparameter optimization." AISTATS.

    Examples
    --------
    >>> from scipy.stats import randint
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from skhpo import HalvingRandomSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> space = {"max_depth": [3, None], "min_samples_split": randint(2, 11)}
    >>> search = HalvingRandomSearchCV(
    ...     RandomForestClassifier(random_state=0),
    ...     space,
    ...     resource="n_estimators",
    ...     max_resources=9,
    ...     random_state=0,
    ... ).fit(X, y)
    >>> search.n_candidates_, search.n_resources_
    ([9, 3, 1], [1, 3, 9])
    """

    _parameter_constraints: ClassVar[dict] = {
        **RUNG_CONSTRAINTS,
        "n_candidates": [Interval(Integral, 1, None, closed="left"), StrOptions({"exhaust"})],
        "factor": [Interval(Real, 1, None, closed="neither")],
        "min_resources": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"smallest", "exhaust", "auto"}),
        ],
        "aggressive_elimination": ["boolean"],
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        optimizer="random",
        n_candidates="exhaust",
        factor=3,
        resource="n_samples",
        max_resources="auto",
        min_resources="smallest",
        aggressive_elimination=False,
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
        self.optimizer = optimizer
        self.n_candidates = n_candidates
        self.factor = factor
        self.resource = resource
        self.max_resources = max_resources
        self.min_resources = min_resources
        self.aggressive_elimination = aggressive_elimination
        self.subsample_test = subsample_test
        self.initial_params = initial_params
        self.constraint = constraint
        self.stopping = stopping
        self.fold_stopping = fold_stopping
        self.journal = journal
        self.random_state = random_state
        self.store_predictions = store_predictions

    def _composition(self):
        if self.n_candidates == self.min_resources == "exhaust":
            raise ValueError(
                "n_candidates and min_resources cannot both be 'exhaust': the one follows from "
                "the other. Give one of them as a number."
            )
        return self.optimizer, SuccessiveHalving(
            resource=self.resource,
            n_candidates="exhaust" if self.n_candidates == "exhaust" else None,
            factor=self.factor,
            max_resources=self.max_resources,
            min_resources=self.min_resources,
            aggressive_elimination=self.aggressive_elimination,
            subsample_test=self.subsample_test,
        )

    def _n_candidates(self, scheduler, amounts):
        if self.n_candidates != "exhaust":
            return self.n_candidates
        least, most = scheduler.amounts(**amounts)
        return most // least

    def _publish(self):
        super()._publish()
        vars(self).update(self.history_.schedule)
        self.n_resources_used_ = self.history_.n_resources_used
        if not self.history_.n_fits:
            return
        rungs = list(zip(*(self.cv_results_[n] for n in ("iter", "n_resources")), strict=True))
        begun = sorted({(int(k), int(amount)) for k, amount in rungs if k >= 0})
        self.n_resources_ = [amount for _, amount in begun]
        self.n_candidates_ = [sum(int(k == rung) for k, _ in rungs) for rung, _ in begun]
        self.n_iterations_ = len(begun)
        if begun:
            _, scheduler = self._composition()
            self.n_remaining_candidates_ = scheduler.n_kept(self.n_candidates_[-1])
