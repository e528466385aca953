r"""Acquisition functions: how much a candidate promises, given what a surrogate says of it.

All are for maximisation and work on arrays. With :math:`z = (\mu - f^*) / \sigma`, they see
the posterior through its mean :math:`\mu`, its standard deviation :math:`\sigma` and the best
score so far :math:`f^*`; :math:`\phi` and :math:`\Phi` are the normal density and distribution.
Asked for, each also returns its derivatives by :math:`\mu` and :math:`\sigma`, for searches
that follow gradients.
"""

from __future__ import annotations

import numpy as np
from scipy.special import erfcx, log_ndtr

__all__ = ["log_expected_improvement", "log_probability_of_improvement", "upper_confidence_bound"]

LOG_SQRT_2PI = 0.5 * np.log(2.0 * np.pi)
SQRT_HALF, SQRT_HALF_PI = np.sqrt(0.5), np.sqrt(0.5 * np.pi)


def _log_h(z):
    """Logarithm of h(z) = phi(z) + z Phi(z), without the cancellation that h has below 0.

    h(z) = phi(z) (1 + z R(z)), R(z) = Phi(z) / phi(z) = sqrt(pi/2) erfcx(-z/sqrt 2) (Mills);
    below -100, 1 + z R(z) is better had from its expansion 1/z^2 (1 - 3/z^2 + 15/z^4 - ...).
    """
    near, far = z > -1.0, z < -100.0
    middle = np.clip(z, -100.0, -1.0)
    bracket = np.log1p(middle * SQRT_HALF_PI * erfcx(-SQRT_HALF * middle))
    if far.any():
        q = z[far] ** -2
        bracket[far] = np.log(q) + np.log1p(q * (-3.0 + q * (15.0 - 105.0 * q)))
    out = bracket + _log_phi(z)
    a = z[near]
    out[near] = np.log(np.exp(_log_phi(a)) + a * np.exp(log_ndtr(a)))
    return out


def _log_phi(z):
    return -0.5 * z * z - LOG_SQRT_2PI


def log_expected_improvement(mean, std, best, *, derivatives=False):
    r"""Logarithm of :math:`E[\max(f - f^*, 0)] = \sigma h(z)`, accurate where it underflows [1]_.

    Parameters
    ----------
    mean, std : ndarray of shape (n,)
        Of the posterior; ``std`` is positive.
    best : float
        The score to improve on.
    derivatives : bool, default=False
        Whether to return the derivatives too.

    Returns
    -------
    value : ndarray of shape (n,)
    by_mean, by_std : ndarray of shape (n,)
        Only with ``derivatives=True``.

    References
    ----------
    .. [1] S. Ament et al., "Unexpected Improvements to Expected Improvement for Bayesian
       Optimization", NeurIPS 2023, eq. 9.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.acquisition import log_expected_improvement
    >>> log_expected_improvement(np.array([0.0, -50.0]), np.ones(2), 0.0)
    array([-9.18938533e-01, -1.25874418e+03])
    """
    z = (mean - best) / std
    log_h = _log_h(z)
    value = np.log(std) + log_h
    if not derivatives:
        return value
    # h' = Phi, so the derivatives of sigma h(z) are Phi(z) and phi(z)
    return value, np.exp(log_ndtr(z) - log_h) / std, np.exp(_log_phi(z) - log_h) / std


def log_probability_of_improvement(mean, std, best, *, derivatives=False):
    r"""Logarithm of :math:`P(f > f^*) = \Phi(z)` [1]_; arguments and result as those of
    `log_expected_improvement`.

    References
    ----------
    .. [1] H. J. Kushner, "A New Method of Locating the Maximum Point of an Arbitrary Multipeak
       Curve in the Presence of Noise", 1964.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.acquisition import log_probability_of_improvement
    >>> log_probability_of_improvement(np.array([0.0]), np.ones(1), 0.0).round(3)
    array([-0.693])
    """
    z = (mean - best) / std
    value = log_ndtr(z)
    if not derivatives:
        return value
    slope = np.exp(_log_phi(z) - value)
    return value, slope / std, -z * slope / std


def upper_confidence_bound(mean, std, best=None, *, beta=2.0, derivatives=False):
    r"""An optimist's score :math:`\mu + \beta \sigma` [1]_; the rest as `log_expected_improvement`.

    References
    ----------
    .. [1] N. Srinivas et al., "Gaussian Process Optimization in the Bandit Setting", ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.acquisition import upper_confidence_bound
    >>> upper_confidence_bound(np.array([0.5]), np.array([0.25]))
    array([1.])
    """
    value = mean + beta * std
    if not derivatives:
        return value
    return value, np.ones_like(mean), np.full_like(std, beta)
