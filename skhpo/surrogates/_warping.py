"""Scores made roughly normal, so that a Gaussian process is a fair model of them.

Notation
--------
a            scores, larger is better, NaN is failed
b            winsorised scores: nothing is further below the median than TAIL times what the
             best is above it (a hopeless setting must not set the scale of the good ones); a
             failed one counts as such a hopeless one
c            b less its median, over its spread
y            Yeo-Johnson transform of c with power lambda, mean 0 and variance 1

All steps are equivariant to ``k * a + h`` for k > 0: neither the unit nor the sign of a score
matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Warping"]

TAIL = 3.0
MAX = np.finfo(float).max
POWERS = np.linspace(-1.0, 3.0, 17)  # 1 is the identity


@dataclass(frozen=True, eq=False)
class Warping:
    """A monotone map of scores, learned from scores.

    Parameters
    ----------
    floor, centre, spread : float
        What is below the floor counts as the floor; ``(score - centre) / spread`` is warped.
    failed : float
        The score that a failure counts as.
    power : float
        lambda of Yeo and Johnson [1]_.
    mean, std : float
        Of what the power gives.

    References
    ----------
    .. [1] I.-K. Yeo, R. A. Johnson, "A New Family of Power Transformations to Improve Normality
       or Symmetry", Biometrika 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.surrogates import Warping
    >>> scores = np.array([0.1, 0.7, 0.8, 0.85, np.nan])
    >>> y = Warping.learn(scores)(scores)
    >>> bool(y[4] <= y[0] < y[1] < y[2] < y[3])
    True
    """

    floor: float
    centre: float
    spread: float
    failed: float = 0.0
    power: float = 1.0
    mean: float = 0.0
    std: float = 1.0

    @classmethod
    def learn(cls, scores, *, power=True):
        """Fit the map to scores of shape (n,), of which some may be NaN (failed).

        With ``power=False`` scores are winsorised and standardised only.
        """
        known = scores[np.isfinite(scores)]
        if not len(known):
            return cls(0.0, 0.0, 1.0)
        unit = np.abs(known).max() or 1.0  # keeps sums of the largest floats finite
        known = known / unit
        middle, hopeless = np.median(known), _hopeless(known)
        floor, failed = max(known.min(), hopeless), max(hopeless, -MAX / max(unit, 1.0))
        b = _winsorised(scores / unit, floor, failed)
        spread = b.std()
        about = {"floor": floor * unit, "centre": middle * unit, "failed": failed * unit}
        if not spread > 1e-12 * np.abs(b).max():
            return cls(spread=unit, **about)
        c = (b - middle) / spread
        lam = _likeliest_power(c) if power else 1.0
        warped = _yeo_johnson(c, lam)
        moments = {"mean": warped.mean(), "std": warped.std()}
        return cls(spread=spread * unit, power=lam, **about, **moments)

    def __call__(self, scores):
        """Warped scores; failed ones (NaN, infinite) are no better than the worst there is."""
        b = _winsorised(scores, self.floor, self.failed)
        c = b / self.spread - self.centre / self.spread
        return (_yeo_johnson(c, self.power) - self.mean) / self.std

    def inverse(self, y):
        """Scores of warped scores, up to what winsorising has cut off."""
        c = _yeo_johnson_inverse(np.asarray(y) * self.std + self.mean, self.power)
        return np.maximum(self.centre + self.spread * c, self.floor)


def _winsorised(scores, floor, failed):
    return np.where(np.isfinite(scores), np.maximum(scores, floor), failed)


def _hopeless(known):
    """Where winsorising cuts and what a failure counts as; below all when half equal the best."""
    middle, range_ = np.median(known), np.ptp(known)
    gap = known.max() - middle
    return middle - TAIL * gap if gap > 0.0 else known.min() - (range_ or 1.0)


def _yeo_johnson(c, lam):
    """Above 0: ((c + 1)^lam - 1) / lam; below: the same of -c with 2 - lam, negated."""
    return np.sign(c) * _box_cox_plus_one(np.abs(c), np.where(c >= 0.0, lam, 2.0 - lam))


def _box_cox_plus_one(a, lam):
    """((a + 1)^lam - 1) / lam, and log(a + 1) at 0, for a >= 0."""
    log = np.log1p(a)
    return np.where(lam == 0.0, log, np.expm1(lam * log) / np.where(lam == 0.0, 1.0, lam))


def _yeo_johnson_inverse(t, lam):
    power = np.where(t >= 0.0, lam, 2.0 - lam)
    safe = np.where(power == 0.0, 1.0, power)
    # where the power is negative the transform is bounded; beyond its bound stands a large score
    inside = np.maximum(np.abs(t) * power, -1.0 + 1e-12)
    log = np.where(power == 0.0, np.abs(t), np.log1p(inside) / safe)
    return np.sign(t) * np.expm1(np.minimum(log, 50.0))


def _likeliest_power(c):
    """The power of POWERS with the largest profile likelihood under a normal distribution.

    l(lam) = -n/2 log var(y) + (lam - 1) sum sign(c) log(|c| + 1)
    """
    y = _yeo_johnson(c[None], POWERS[:, None])  # (powers, n)
    log_jacobian = np.sum(np.sign(c) * np.log1p(np.abs(c)))
    likelihood = -0.5 * len(c) * np.log(y.var(axis=1)) + (POWERS - 1.0) * log_jacobian
    return float(POWERS[np.argmax(likelihood)])
