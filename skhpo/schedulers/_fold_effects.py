"""How hard each fold is, learned from the candidates that have all of them.

Notation
--------
m, n       complete candidates, folds
d          (n,) scores of a candidate less their mean
e          (n,) mean of d over the complete candidates: how easy each fold is
s_fold     mean square of the folds in the two-way table of scores without interaction
s_rest     mean square of what is left: the folds' effects on one candidate only
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["FoldEffects"]


class FoldEffects:
    """Means over a few folds, made comparable with means over all of them.

    A fold that is easy is easy for most candidates, so a mean over easy folds promises too much.
    What the folds have added to complete candidates is taken off again, as far as these agree on
    it: the estimate is shrunk by ``s_rest / s_fold`` [1]_.

    Parameters
    ----------
    n_splits : int

    References
    ----------
    .. [1] C. Morris (1983). "Parametric empirical Bayes inference: theory and applications."
           Journal of the American Statistical Association 78.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.schedulers._fold_effects import FoldEffects
    >>> effects = FoldEffects(3)
    >>> effects.add(np.array([0.9, 0.8, 0.7]))
    >>> effects.add(np.array([0.8, 0.7, 0.6]))
    >>> round(float(effects.fair_mean(np.array([0.85]))), 3)
    0.75
    """

    def __init__(self, n_splits):
        self._m = 0
        self._sum = np.zeros(n_splits)  # of d
        self._square = 0.0  # of all d

    def add(self, scores):
        """Learn from the scores of a complete candidate, in the common order of the folds."""
        with np.errstate(over="ignore", invalid="ignore"):
            d = scores - scores.mean()
            self._m += 1
            self._sum += d
            self._square += d @ d

    def fair_mean(self, scores):
        """Mean to expect over all folds of a candidate with these scores on the first ones."""
        with np.errstate(over="ignore", invalid="ignore"):
            mean = scores.mean()
            fair = mean - self._agreement() * self._sum[: len(scores)].mean() / max(self._m, 1)
        return float(fair if math.isfinite(fair) else mean)

    def _agreement(self):
        """Share of the estimated effects that is no accident, from 0 to 1."""
        m, n = self._m, len(self._sum)
        if m < 2:
            return 0.0
        explained = self._sum @ self._sum / m
        s_fold, s_rest = explained / (n - 1), (self._square - explained) / ((m - 1) * (n - 1))
        return max(0.0, 1.0 - s_rest / s_fold) if s_fold > 0.0 else 0.0
