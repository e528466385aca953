"""Rules for the argument ``refit``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from ..space._dimension import is_number
from ..space._keys import key_of
from ._field import field_of

__all__ = ["BestPosteriorMean", "OneStandardError"]

_DIRECTIONS = ("ascending", "descending")


@dataclass(frozen=True)
class BestPosteriorMean:
    """Refit the candidate of which a model expects most, instead of the luckiest one.

    A rule for the argument ``refit`` of the searches of this package. With it ``cv_results_`` has
    the column ``posterior_mean``: the score that a Gaussian process, given all candidates,
    expects of each. Where folds are small and noisy the best mean score is the luckiest of
    many, and the best posterior mean tends to be the better choice [1]_.

    Parameters
    ----------
    scoring : str, default=None
        Name of the score that guides the search; needed when there are several.

    Attributes
    ----------
    columns : tuple of str
        What a search adds to ``cv_results_`` for this rule.

    References
    ----------
    .. [1] D. Huang, T. T. Allen, W. I. Notz, N. Zeng (2006). "Global optimization of stochastic
           black-box systems via sequential kriging meta-models." Journal of Global Optimization.

    Examples
    --------
    >>> from scipy.stats import loguniform
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> from skhpo import BayesSearchCV
    >>> from skhpo.statistics import BestPosteriorMean
    >>> X, y = load_iris(return_X_y=True)
    >>> space = {"C": loguniform(1e-2, 1e3), "gamma": loguniform(1e-4, 1e1)}
    >>> search = BayesSearchCV(
    ...     SVC(), space, n_iter=12, refit=BestPosteriorMean(), random_state=0
    ... ).fit(X, y)
    >>> int(search.cv_results_["posterior_mean"].argmax()) == search.best_index_
    True
    """

    columns: ClassVar[tuple] = ("posterior_mean",)

    scoring: str | None = None

    def __call__(self, cv_results):
        """Choose a row of ``cv_results_``.

        Parameters
        ----------
        cv_results : dict of str -> array

        Returns
        -------
        int
        """
        if "posterior_mean" not in cv_results:
            raise ValueError(
                "cv_results_ must have the column 'posterior_mean', which the searches of skhpo "
                "add when this rule is their refit; got none. Use one of these searches."
            )
        rows = field_of(cv_results, self.scoring).rows
        means = np.asarray(cv_results["posterior_mean"], dtype=float)[rows]
        # Of settings outside the space, and of nothing else, the model expects nothing.
        return int(rows[np.where(np.isnan(means), -math.inf, means).argmax()])


@dataclass(frozen=True)
class OneStandardError:
    """Refit the simplest, or the fastest, candidate within one standard error of the best.

    A rule for the argument ``refit`` of any search in scikit-learn's conventions. As with any
    callable there, the search then has no ``best_score_``. The halving searches of scikit-learn
    do not ask such a rule.

    Parameters
    ----------
    order : dict of str -> str or sequence, default="fit_time"
        What is simple: names of parameters, the most important first, each with "ascending" (small
        is simple), "descending" (large is simple) or a list of its values from the simplest to
        the most complex. None, a parameter that a candidate does not have and a value that is not
        listed count as the most complex. "fit_time" takes the candidate with the smallest
        ``mean_fit_time`` instead, which depends on the machine.
    scoring : str, default=None
        Name of the score; needed when there are several.
    n_errors : float, default=1.0
        How many standard errors below the best score are still as good.

    Notes
    -----
    The standard error is that of the best candidate's mean, its fold scores taken for
    independent. Candidates without a score on every fold never win; of a successive halving only
    those of the largest resource can. What is equally simple is decided by the score. With a
    single fold there is no standard error and the best score decides.

    References
    ----------
    Breiman, L., Friedman, J. H., Olshen, R. A. and Stone, C. J. (1984). Classification and
    Regression Trees. Wadsworth.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> from skhpo.statistics import OneStandardError
    >>> X, y = load_iris(return_X_y=True)
    >>> grid = {"max_depth": [5, 4, 3, 2, 1]}
    >>> rule = OneStandardError({"max_depth": "ascending"})
    >>> search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid, refit=rule).fit(X, y)
    >>> search.best_params_
    {'max_depth': 3}
    """

    order: Mapping | tuple | str = "fit_time"
    scoring: str | None = None
    n_errors: float = 1.0

    def __post_init__(self):
        if self.order != "fit_time":
            object.__setattr__(self, "order", _frozen_order(self.order))
        if not (isinstance(self.n_errors, Real) and self.n_errors >= 0):
            raise ValueError(
                f"n_errors must be a number of at least 0; got {self.n_errors!r}. Pass 1 for the "
                "rule of one standard error."
            )

    def __call__(self, cv_results):
        """Choose a row of ``cv_results_``.

        Parameters
        ----------
        cv_results : dict of str -> array

        Returns
        -------
        int
        """
        field = field_of(cv_results, self.scoring)
        best = field.means.argmax()
        slack = self.n_errors * _standard_error(field.scores[best])
        good = np.flatnonzero(field.means >= field.means[best] - slack)
        keys = self._complexities(cv_results, field.rows[good])
        # Tuples: the first of what is equally simple and equally good.
        _, _, row = min(zip(keys, -field.means[good], field.rows[good], strict=True))
        return int(row)

    def _complexities(self, results, rows):
        if self.order == "fit_time":
            times = np.asarray(results["mean_fit_time"], dtype=float)[rows]
            return np.where(np.isnan(times), math.inf, times).tolist()
        params = [results["params"][row] for row in rows]
        _check_names([name for name, _ in self.order], results["params"])
        return [tuple(_complexity(p, name, how) for name, how in self.order) for p in params]


def _frozen_order(order):
    try:
        frozen = tuple((name, _frozen_values(how)) for name, how in dict(order).items())
    except (TypeError, ValueError):
        frozen = ()
    if not frozen:
        raise ValueError(
            'order must be "fit_time" or a dict from names of parameters to "ascending", '
            '"descending" or a list of values from the simplest on; got '
            f'{order!r}. Pass something like {{"max_depth": "ascending"}}.'
        )
    return frozen


def _frozen_values(how):
    if isinstance(how, (str, Mapping)):
        if how not in _DIRECTIONS:
            raise ValueError
        return how
    return tuple(how)


def _standard_error(scores):
    return scores.std(ddof=1) / math.sqrt(len(scores)) if len(scores) > 1 else 0.0


def _check_names(names, params):
    known = set().union(*params)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"order must name parameters of the candidates, {sorted(known)}; got {unknown}. "
            "Mend the names."
        )


def _complexity(params, name, how):
    """A number that grows with the complexity; inf where nothing is known of it."""
    if name not in params:
        return math.inf
    value = params[name]
    if not isinstance(how, str):
        return next((i for i, listed in enumerate(how) if _is_same(listed, value)), math.inf)
    if not (value is None or isinstance(value, (Real, np.bool_))):
        raise ValueError(
            f"Only numbers are {how}; got {name}={value!r}. In order, list the values of {name!r} "
            "from the simplest to the most complex."
        )
    if value is None or value != value:  # None or NaN
        return math.inf
    return float(value) if how == "ascending" else -float(value)


def _is_same(one, other):
    if is_number(one) and is_number(other):
        return one == other
    return key_of(one) == key_of(other)
