"""The composition of an optimiser and a scheduler, public."""

from __future__ import annotations

import math
from typing import ClassVar

from .._sklearn import HasMethods
from ._base import BaseSearch
from ._docs import with_shared_docs

__all__ = ["SearchCV"]


@with_shared_docs
class SearchCV(BaseSearch):
    """Search with any optimiser and any scheduler.

    The optimiser says where to look next, the scheduler what to spend on a candidate. The other
    searches of this package are presets of this one.

    Parameters
    ----------
    <estimator>
    optimizer : {"random", "sobol", "bayes"} or optimiser, default="random"
        Where to look: a name, or a value of ``skhpo.optimizers``. "random" and "sobol" do not
        learn from results. "bayes" does, and evaluates the estimator's own parameters first
        when they lie in the space.
    scheduler : {"cv"} or scheduler, default="cv"
        What to spend: "cv" evaluates every candidate on every fold.
    n_iter : int, default=10
        Number of candidates, those of `initial_params` included. A space of lists that holds no
        more settings than that is run whole, in the order of ``ParameterGrid``.
    <search>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    BayesSearchCV : Bayesian optimisation.
    sklearn.model_selection.RandomizedSearchCV : What "random" is a drop-in for; the same seed
        gives other candidates there.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpo import SearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> space = {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-4, 1e1)}
    >>> search = SearchCV(SVC(), space, optimizer="sobol", n_iter=8, random_state=0)
    >>> bool(search.fit(X, y).best_score_ > 0.95)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseSearch._parameter_constraints,
        "optimizer": [str, HasMethods(["start"])],
        "scheduler": [str, HasMethods(["start"])],
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        optimizer="random",
        scheduler="cv",
        n_iter=10,
        initial_params=None,
        constraint=None,
        stopping=None,
        fold_stopping=None,
        journal=None,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=math.nan,
        return_train_score=False,
        store_predictions=False,
    ):
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            initial_params=initial_params,
            constraint=constraint,
            stopping=stopping,
            fold_stopping=fold_stopping,
            journal=journal,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
            store_predictions=store_predictions,
        )
        self.optimizer = optimizer
        self.scheduler = scheduler

    def _composition(self):
        return self.optimizer, self.scheduler
