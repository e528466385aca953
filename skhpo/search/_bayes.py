"""Bayesian optimisation with full cross-validation."""

from __future__ import annotations

import math
from typing import ClassVar

from sklearn.utils.validation import check_is_fitted

from .._sklearn import HasMethods
from ..results import posterior_means
from ..space import SearchSpace
from ..statistics import BestPosteriorMean
from ._base import BaseSearch
from ._docs import with_shared_docs

__all__ = ["BayesSearchCV"]


@with_shared_docs
class BayesSearchCV(BaseSearch):
    """Search with a model of the score: Bayesian optimisation.

    A Gaussian process learns from the candidates evaluated so far where a better score is to be
    expected. It needs fewer fits than a grid or a random search for the same score [1]_.

    Parameters
    ----------
    <estimator>
    optimizer : str or optimiser, default="bayes"
        Where to look: "bayes" is ``skhpo.optimizers.GaussianProcess()``; pass such a value to
        change its settings.
    n_iter : int, default=50
        Number of candidates. The estimator's own parameters, when they lie in the space, and
        `initial_params` are among them. A space of lists that holds no more settings than that
        is run whole, in the order of ``ParameterGrid``.
    <search>

    Attributes
    ----------
    <attributes>
    best_posterior_index_ : int
        Row of ``cv_results_`` of which a model, given all candidates, expects most: where folds
        are noisy a better choice than ``best_index_``. Computed when asked for;
        ``refit=skhpo.statistics.BestPosteriorMean()`` refits that row.

    See Also
    --------
    SearchCV : Any optimiser with any scheduler.
    sklearn.model_selection.GridSearchCV : Exhaustive search.

    References
    ----------
    .. [1] J. Snoek, H. Larochelle, R. P. Adams (2012). "Practical Bayesian optimization of
           machine learning algorithms." Advances in Neural Information Processing Systems 25.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpo import BayesSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> space = {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-4, 1e1)}
    >>> search = BayesSearchCV(SVC(), space, n_iter=15, random_state=0).fit(X, y)
    >>> bool(search.best_score_ > 0.97)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseSearch._parameter_constraints,
        "optimizer": [str, HasMethods(["start"])],
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        optimizer="bayes",
        n_iter=50,
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

    def _composition(self):
        return self.optimizer, "cv"

    @property
    def best_posterior_index_(self):
        check_is_fitted(self, "history_")
        space = SearchSpace(self.param_distributions, constraint=self.constraint)
        column = {"posterior_mean": posterior_means(self.history_, space)}
        return BestPosteriorMean(self.history_.metric)({**self.cv_results_, **column})
