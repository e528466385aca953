"""Evolutionary search with full cross-validation."""

from __future__ import annotations

import math
from numbers import Integral
from typing import ClassVar

from .._sklearn import HasMethods, Interval, StrOptions
from ..optimizers import Evolution
from ._base import BaseSearch
from ._docs import with_shared_docs

__all__ = ["EvolutionarySearchCV"]


@with_shared_docs
class EvolutionarySearchCV(BaseSearch):
    """Search by variation and selection: a genetic algorithm and its relatives.

    New candidates are made from the best ones found so far. Only the order of the scores counts,
    a suggestion takes less than a millisecond however long the search, and no candidate waits
    for a generation to end.

    Parameters
    ----------
    <estimator>
    n_iter : int, default=100
        Number of candidates. The estimator's own parameters, when they lie in the space, and
        `initial_params` are among them. A space of lists that holds no more settings than that
        is run whole, in the order of ``ParameterGrid``.
    algorithm : {"auto", "ga", "de", "cmaes"} or optimiser, default="auto"
        How candidates are made: a genetic algorithm [1]_, differential evolution [2]_, or the
        covariance matrix adaptation evolution strategy [3]_. "auto" is "cmaes" when at
        least two thirds of the parameters are numbers and all are always in use, "ga" when none is
        a number, and "de" otherwise. Pass a value of ``skhpo.optimizers``, such as
        ``CMAES(sigma0=0.1)``, to change its settings.
    population_size : int or "auto", default="auto"
        How many of the best candidates are parents of others. It has no effect when `algorithm`
        is a value.
    <search>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    BayesSearchCV : Needs fewer candidates, and more time for each suggestion.
    SearchCV : Any optimiser with any scheduler.

    References
    ----------
    .. [1] J. H. Holland, "Adaptation in Natural and Artificial Systems", 1975.
    .. [2] R. Storn, K. Price, "Differential Evolution", Journal of Global Optimization 1997.
    .. [3] N. Hansen, "The CMA Evolution Strategy: A Tutorial", arXiv:1604.00772, 2016.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpo import EvolutionarySearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> space = {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-4, 1e1)}
    >>> search = EvolutionarySearchCV(SVC(), space, n_iter=30, random_state=0).fit(X, y)
    >>> bool(search.best_score_ > 0.97)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseSearch._parameter_constraints,
        "algorithm": [StrOptions({"auto", "ga", "de", "cmaes"}), HasMethods(["start"])],
        "population_size": [StrOptions({"auto"}), Interval(Integral, 4, None, closed="left")],
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_iter=100,
        algorithm="auto",
        population_size="auto",
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
        self.algorithm = algorithm
        self.population_size = population_size

    def _composition(self):
        if isinstance(self.algorithm, str):
            return Evolution(self.algorithm, self.population_size), "cv"
        return self.algorithm, "cv"
