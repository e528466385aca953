"""Distributions that scipy lacks, and closed forms of the two that it has and everybody uses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from scipy import stats

__all__ = ["loguniform_int"]


def loguniform_int(low, high):
    """Log-uniform distribution of the integers ``low, ..., high``.

    A log-uniform number between ``low - 1/2`` and ``high + 1/2``, rounded: every decade is as
    likely as any other, and

    .. math:: P(k) = \\log\\frac{k + 1/2}{k - 1/2} \\Big/ \\log\\frac{high + 1/2}{low - 1/2}.

    Parameters
    ----------
    low : int
        Smallest value, at least 1.
    high : int
        Largest value, included.

    Returns
    -------
    distribution : rv_frozen
        A frozen scipy distribution. Two of the same bounds are equal.

    Raises
    ------
    ValueError
        Unless ``1 <= low <= high``, both integers.

    Examples
    --------
    >>> from skhpo.space import loguniform_int
    >>> n_estimators = loguniform_int(1, 1000)
    >>> n_estimators
    loguniform_int(1, 1000)
    >>> n_estimators.ppf([0.25, 0.5, 0.75]).tolist()
    [3.0, 22.0, 150.0]
    """
    if not (_is_int(low) and _is_int(high) and 1 <= low <= high):
        raise ValueError(
            "loguniform_int(low, high) needs integers with 1 <= low <= high, "
            f"got low={low!r}, high={high!r}. For zero or None, put the values in a list."
        )
    return _FrozenLogUniformInt(_loguniform_int, int(low), int(high))


def _is_int(value):
    return isinstance(value, Integral) and not isinstance(value, bool)


class _LogUniformInt(stats.rv_discrete):
    def _argcheck(self, low, high):
        return (low >= 1) & (low <= high)

    def _get_support(self, low, high):
        return low, high

    def _pmf(self, k, low, high):
        return np.log1p(1 / (k - 0.5)) / np.log((high + 0.5) / (low - 0.5))

    def _cdf(self, k, low, high):
        return np.log((np.floor(k) + 0.5) / (low - 0.5)) / np.log((high + 0.5) / (low - 0.5))

    def _ppf(self, q, low, high):
        k = np.ceil((low - 0.5) * ((high + 0.5) / (low - 0.5)) ** q - 0.5)
        k = np.clip(k, low, high)
        below = np.maximum(k - 1, low)  # rounding may have lifted q over the edge of a step
        return np.where(self._cdf(below, low, high) >= q, below, k)


_loguniform_int = _LogUniformInt(name="loguniform_int", shapes="low, high")


class _FrozenLogUniformInt(type(stats.randint(0, 1))):
    """A frozen distribution that shows its arguments and is compared by them."""

    def __repr__(self):
        return f"loguniform_int({self.args[0]}, {self.args[1]})"

    def __eq__(self, other):
        return isinstance(other, _FrozenLogUniformInt) and self.args == other.args

    def __hash__(self):
        return hash(("loguniform_int", self.args))


@dataclass(frozen=True)
class Uniform:
    """``scipy.stats.uniform`` of one number, 100 times faster."""

    low: float
    high: float

    def ppf(self, u):
        return self.low + u * (self.high - self.low)

    def cdf(self, x):
        return (x - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class LogUniform:
    """``scipy.stats.loguniform`` of one number, 100 times faster."""

    low: float
    high: float

    def ppf(self, u):
        return math.exp(math.log(self.low) + u * self._log_ratio)

    def cdf(self, x):
        return (math.log(x) - math.log(self.low)) / self._log_ratio

    @property
    def _log_ratio(self):
        return math.log(self.high) - math.log(self.low)


def closed_form(frozen):
    """A fast twin of a frozen continuous distribution when there is one, else itself."""
    low, high = map(float, frozen.support())
    family = type(frozen.dist)
    if not (low < high < math.inf):
        return frozen
    if family is type(stats.uniform):
        return Uniform(low, high)
    if family is type(stats.loguniform) and low > 0:
        twin = LogUniform(low, high)
        if math.isclose(twin.ppf(0.5), frozen.ppf(0.5), rel_tol=1e-9):  # not with a loc
            return twin
    return frozen
