"""Rules that stop a candidate after a few folds: each asks one question.

A rule sees the scores of the folds a candidate has, and those of the incumbent: the best complete
candidate so far, and where there are rungs the last of those that would climb. Folds are run in one
order for all candidates, so that what is compared is fair.
"""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass

import numpy as np

__all__ = [
    "AggressiveStopping",
    "BoundedStopping",
    "ForgivingStopping",
    "PairedStopping",
    "make_fold_stopping",
]


@dataclass(frozen=True)
class ForgivingStopping:
    """Stop a candidate whose running mean is no better than the incumbent's worst fold.

    It skips many of the folds and seldom loses the best candidate [1]_.

    Parameters
    ----------
    shuffle : bool, default=False
        Whether the common order of the folds is shuffled once, by the seed of the search.

    References
    ----------
    .. [1] E. Bergman, L. Purucker, F. Hutter (2024). "Don't waste your time: early stopping
           cross-validation." International Conference on Automated Machine Learning.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.fold_stopping import ForgivingStopping
    >>> rule, incumbent = ForgivingStopping(), np.array([0.9, 0.8, 0.85])
    >>> rule.stops(np.array([0.82]), incumbent, np.ones(3))
    False
    >>> rule.stops(np.array([0.79]), incumbent, np.ones(3))
    True
    """

    shuffle: bool = False

    def stops(self, scores, incumbent, weights):
        """Whether the candidate is lost.

        Parameters
        ----------
        scores : ndarray of shape (n_evaluated,)
            Its scores so far, in the common order of the folds; larger is better.
        incumbent : ndarray of shape (n_splits,)
            Scores of the incumbent, in the same order.
        weights : ndarray of shape (n_splits,)
            Sizes of the test folds, in the same order.
        """
        return bool(_mean(scores, weights) <= incumbent.min())


@dataclass(frozen=True)
class AggressiveStopping:
    """Stop a candidate whose running mean is no better than the incumbent's mean.

    It skips more than `ForgivingStopping`, but with noisy folds it often misses the best
    candidate [1]_.

    Parameters
    ----------
    shuffle : bool, default=False
        Whether the common order of the folds is shuffled once, by the seed of the search.

    References
    ----------
    .. [1] E. Bergman, L. Purucker, F. Hutter (2024). "Don't waste your time: early stopping
           cross-validation." International Conference on Automated Machine Learning.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.fold_stopping import AggressiveStopping
    >>> rule, incumbent = AggressiveStopping(), np.array([0.9, 0.8, 0.85])
    >>> rule.stops(np.array([0.82]), incumbent, np.ones(3))
    True
    """

    shuffle: bool = False

    def stops(self, scores, incumbent, weights):
        """Whether the candidate is lost; parameters as in `ForgivingStopping.stops`."""
        return bool(_mean(scores, weights) <= _mean(incumbent, weights))


@dataclass(frozen=True)
class PairedStopping:
    r"""Stop a candidate that is behind the incumbent on the same folds by more than chance.

    A fold that is hard is hard for both, so the difference on a fold says more than the score
    does: for the same number of folds it loses the best candidate less often than
    `ForgivingStopping` does.

    Parameters
    ----------
    z : float, default=2.0
        By how many standard errors the candidate must be behind. Less skips more folds and
        loses the best candidate more often.
    shuffle : bool, default=False
        Whether the common order of the folds is shuffled once, by the seed of the search.

    Notes
    -----
    Of the mean difference over all n folds, k are known. What is not known about it has the
    standard error :math:`s \sqrt{1/k - 1/n}`, that of sampling k of n without replacement [1]_.
    The variance :math:`s^2` is that of the k differences, together with that of the incumbent's
    scores, which counts as much as four further differences: one difference has no variance.

    References
    ----------
    .. [1] W. G. Cochran (1977). "Sampling Techniques", chapter 2. Wiley.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.fold_stopping import PairedStopping
    >>> rule, incumbent = PairedStopping(), np.array([0.7, 0.9, 0.8, 0.9])
    >>> rule.stops(np.array([0.69]), incumbent, np.ones(4))
    False
    >>> rule.stops(np.array([0.49]), incumbent, np.ones(4))
    True
    """

    z: float = 2.0
    shuffle: bool = False

    def __post_init__(self):
        if not (isinstance(self.z, numbers.Real) and 0 <= self.z < math.inf):
            raise ValueError(
                "z of PairedStopping must be a number of standard errors, at least 0; got "
                f"{self.z!r}. Leave it at 2, or pass a smaller one to skip more folds."
            )

    def stops(self, scores, incumbent, weights):
        """Whether the candidate is lost; parameters as in `ForgivingStopping.stops`."""
        k, n = len(scores), len(incumbent)
        with np.errstate(over="ignore", invalid="ignore"):
            behind = incumbent[:k] - scores
            spread = _PRIOR * incumbent.var(ddof=1) + k * behind.var()
            error = math.sqrt(spread / (_PRIOR + k - 1) * (1 / k - 1 / n))
            return bool(_mean(behind, weights) > self.z * error)


@dataclass(frozen=True)
class BoundedStopping:
    """Stop a candidate that cannot win even when its remaining folds are perfect.

    Exact: the winner is the one a full cross-validation finds.

    Parameters
    ----------
    upper : float, default=1.0
        The best score that there is: 1 for accuracy, 0 for losses with their sign turned.
    shuffle : bool, default=False
        Whether the common order of the folds is shuffled once, by the seed of the search.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.fold_stopping import BoundedStopping
    >>> rule, incumbent = BoundedStopping(), np.array([0.9, 0.8, 0.85])
    >>> rule.stops(np.array([0.6]), incumbent, np.ones(3))
    False
    >>> rule.stops(np.array([0.6, 0.9]), incumbent, np.ones(3))
    True
    """

    upper: float = 1.0
    shuffle: bool = False

    def __post_init__(self):
        if not isinstance(self.upper, numbers.Real) or not math.isfinite(self.upper):
            raise ValueError(
                "upper of BoundedStopping must be a finite number, the best possible score; got "
                f"{self.upper!r}."
            )

    def stops(self, scores, incumbent, weights):
        """Whether the candidate is lost; parameters as in `ForgivingStopping.stops`.

        Raises
        ------
        ValueError
            When a score is above `upper`.
        """
        if max(scores.max(), incumbent.max()) > self.upper:
            raise ValueError(
                f"upper of BoundedStopping must be the best possible score; got {self.upper} and "
                f"a score of {max(scores.max(), incumbent.max())}. Raise upper."
            )
        n_splits = len(incumbent)
        reachable = (scores.sum() + self.upper * (n_splits - len(scores))) / n_splits
        # The ranking takes plain means, and a tie must be left to it: hence the margin.
        best = incumbent.mean()
        return bool(reachable < best - 1e-9 * max(1.0, abs(best)))


def _mean(scores, weights):
    with np.errstate(over="ignore", invalid="ignore"):
        return np.average(scores, weights=weights[: len(scores)])


_PRIOR = 4  # differences that the incumbent's own spread counts for
_BY_NAME = {
    "aggressive": AggressiveStopping,
    "forgiving": ForgivingStopping,
    "paired": PairedStopping,
}


def make_fold_stopping(rule):
    """Return a rule from its name, or the value itself.

    Parameters
    ----------
    rule : {"forgiving", "aggressive", "paired"}, rule or None

    Returns
    -------
    rule or None

    Raises
    ------
    ValueError
        When no rule has that name.

    Examples
    --------
    >>> from skhpo.fold_stopping import make_fold_stopping
    >>> make_fold_stopping("forgiving")
    ForgivingStopping(shuffle=False)
    """
    if not isinstance(rule, str):
        return rule
    if rule not in _BY_NAME:
        raise ValueError(
            f"fold_stopping must be None, one of {sorted(_BY_NAME)} or a rule of "
            f"skhpo.fold_stopping; got {rule!r}."
        )
    return _BY_NAME[rule]()
