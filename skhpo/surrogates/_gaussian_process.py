r"""Gaussian process regression with tied length-scales, fitted by its maximum a posteriori.

Notation (Rasmussen & Williams, 2006, chapters 2 and 5)
-------------------------------------------------------
n, m, p      observations, points to predict, columns of the inputs
F            groups of columns; the columns of a group share one length-scale
X            (n, p) inputs, y (n,) targets of mean about 0 and variance about 1
g            (p,) group of each column, 0 .. F - 1
w            (F,) inverse squared length-scales
s, v         signal variance and noise variance
r            (n,) multiples of the noise: an observation on half of the folds has r = 2
b            (n,) lacks: 0 for an observation with the whole of a resource, 1 with the least of it
B            (n, n) 1 + BIAS b b', or 1 where nothing lacks
D            (F, n, n) squared distances, one matrix a group
d2           (n, n) squared distance :math:`\sum_f w_f D_f`                                 (1)
M            (n, n) Matern-3/2 correlation :math:`(1 + t) e^{-t}, t = \sqrt{3 d2}`           (2)
K            (n, n) covariance of observations :math:`s M \circ B + v\,\mathrm{diag}(r)`        (3)
L            lower Cholesky factor of K; alpha = :math:`K^{-1} y`
theta        (F + 2,) log of (w, s, v)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import LinAlgError, lapack
from scipy.optimize import minimize

__all__ = ["Hyperparameters", "Posterior", "fit_map", "negative_log_posterior"]

LOWER, UPPER = np.log(1e-4), np.log(1e4)  # of w
SCALE_BOUNDS = np.log(1e-2), np.log(1e2)  # of s
NOISE_BOUNDS = np.log(1e-5), np.log(2.0)  # of v
SLOPE = -1.5  # derivative of M by d2, over exp(-t)
BIAS = 2.0  # variance of what an observation with the least of a resource gets wrong, over s
W_PRIOR, S_PRIOR, V_PRIOR = (0.0, 1.5), (0.0, 0.7), (-3.5, 1.5)  # mean and std of their logarithms


@dataclass(frozen=True, eq=False)
class Hyperparameters:
    """What the covariance depends on.

    Parameters
    ----------
    weights : ndarray of shape (F,)
        Inverse squared length-scales, one a group of columns.
    scale, noise : float
        Variance of the signal, and of the noise of an observation whose multiple is 1.

    Examples
    --------
    >>> from skhpo.surrogates import Hyperparameters
    >>> Hyperparameters.default(2)
    Hyperparameters(weights=array([1., 1.]), scale=1.0, noise=0.01)
    """

    weights: np.ndarray
    scale: float
    noise: float

    @classmethod
    def default(cls, n_groups):
        """Where a fit begins: one length of the cube in each direction."""
        return cls(np.ones(n_groups), 1.0, 1e-2)

    @classmethod
    def from_log(cls, theta):
        """The inverse of `to_log`."""
        *_, scale, noise = np.exp(theta)
        return cls(np.exp(theta[:-2]), float(scale), float(noise))

    def shortened(self, factor):
        """A less smooth belief: w times the factor, after raising the smallest to 0.1.

        A model that is too sure of what it has not seen stops looking; shorter length-scales
        make it look again [1]_.

        References
        ----------
        .. [1] F. Berkenkamp, A. P. Schoellig, A. Krause, "No-Regret Bayesian Optimization with
           Unknown Hyperparameters", JMLR 2019.
        """
        return replace(self, weights=np.maximum(self.weights, 0.1) * factor)

    def to_log(self):
        """The vector theta that an optimiser moves."""
        return np.log(np.r_[self.weights, self.scale, self.noise])


def squared_distances(X, groups):
    """One matrix of squared distances a group of columns: D, of shape (F, n, n)."""
    n_groups = int(groups.max(initial=-1)) + 1
    D = np.empty((n_groups, len(X), len(X)))
    for f in range(n_groups):
        columns = X[:, groups == f]
        D[f] = _squared_distance(columns, columns, _squares(columns))
    return D


def _squared_distance(A, B, squares_of_B):
    """|a - b|^2 for each pair of rows, by one product of matrices."""
    d2 = A @ B.T
    d2 *= -2.0
    d2 += _squares(A)[:, None]
    d2 += squares_of_B
    return np.maximum(d2, 0.0, out=d2)


def _squares(A):
    return np.einsum("ij,ij->i", A, A)


def _matern(d2):
    """Eq. (2) and exp(-t), in which its derivative is SLOPE exp(-t); overwrites d2."""
    t = np.sqrt(np.multiply(d2, 3.0, out=d2), out=d2)
    decay = np.negative(t)
    np.exp(decay, out=decay)
    t += 1.0
    t *= decay
    return t, decay


def _cholesky(K):
    L, info = lapack.dpotrf(K, lower=1, clean=1)
    if info:
        raise LinAlgError("the covariance of the observations is not positive definite")
    return L


def _penalty(theta):
    """Minus the log-density of the priors at theta up to a constant, and its gradient.

    All of theta is normal: parameters of little and of great effect are possible, and a model of
    few scores takes a part of what it sees for noise, or it would be too sure of the rest.
    """
    mean = np.r_[np.full(len(theta) - 2, W_PRIOR[0]), S_PRIOR[0], V_PRIOR[0]]
    std = np.r_[np.full(len(theta) - 2, W_PRIOR[1]), S_PRIOR[1], V_PRIOR[1]]
    z = (theta - mean) / std
    return 0.5 * (z @ z), z / std


def negative_log_posterior(theta, D, y, r, B=1.0):
    """What `fit_map` minimises, with its gradient [1]_ (eqs. 5.8 and 5.9, plus the priors).

    Parameters
    ----------
    theta : ndarray of shape (F + 2,)
    D : ndarray of shape (F, n, n)
    y, r : ndarray of shape (n,)
    B : ndarray of shape (n, n) or 1.0

    Returns
    -------
    value : float
    gradient : ndarray of shape (F + 2,)

    References
    ----------
    .. [1] C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.surrogates import negative_log_posterior
    >>> value, gradient = negative_log_posterior(
    ...     np.zeros(3), np.array([[[0.0, 1.0], [1.0, 0.0]]]), np.array([1.0, -1.0]), np.ones(2)
    ... )
    >>> gradient.shape
    (3,)
    """
    n = len(y)
    w, s, v = np.exp(theta[:-2]), np.exp(theta[-2]), np.exp(theta[-1])
    M, decay = _matern((w @ D.reshape(len(w), -1)).reshape(n, n))  # eqs. (1), (2)
    K = s * M * B
    K.flat[:: n + 1] += v * r  # eq. (3)
    L = _cholesky(K)
    inverse = _inverse(L)
    alpha = inverse @ y
    penalty, gradient = _penalty(theta)
    value = 0.5 * (y @ alpha) + np.sum(np.log(np.diagonal(L))) + penalty
    G = 0.5 * (inverse - np.outer(alpha, alpha))  # derivative by K
    gradient[-1] += v * (np.diagonal(G) @ r)
    G *= B
    gradient[:-2] += s * w * (D.reshape(len(w), -1) @ (G * (SLOPE * decay)).ravel())
    gradient[-2] += s * np.vdot(G, M)
    return value, gradient


def _inflation(lacks):
    """B: what observations with little of a resource get wrong, they get wrong together.

    An observation is the function and, times its lack, a second function of the same covariance
    times BIAS, as in [1]_ with one basis function. What is predicted is the first.

    References
    ----------
    .. [1] A. Klein et al., "Fast Bayesian Optimization of Machine Learning Hyperparameters on
       Large Datasets", AISTATS 2017.
    """
    return 1.0 if lacks is None or not lacks.any() else 1.0 + BIAS * np.outer(lacks, lacks)


def _inverse(L):
    """K^-1 of its Cholesky factor; potri fills one triangle only."""
    half, _ = lapack.dpotri(L, lower=1)
    inverse = half + half.T
    inverse.flat[:: len(L) + 1] *= 0.5
    return inverse


def fit_map(X, y, groups, *, noise_scale=None, lacks=None, start=None, max_iter=50):
    """Hyper-parameters of the largest posterior density, by L-BFGS-B.

    Parameters
    ----------
    X : ndarray of shape (n, p)
    y : ndarray of shape (n,)
    groups : ndarray of int of shape (p,)
        Which columns share a length-scale.
    noise_scale : ndarray of shape (n,) or None
        Multiples of the noise variance; None for ones.
    lacks : ndarray of shape (n,) or None
        How much of a resource each observation lacks, 0 to 1; None for nothing.
    start : Hyperparameters or None
        Where to begin; None for the defaults.
    max_iter : int
        Cap on the iterations, so that no fit is a spike in time.

    Returns
    -------
    Hyperparameters

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.surrogates import fit_map
    >>> x = np.linspace(0, 1, 12)[:, None]
    >>> found = fit_map(x, np.sin(6 * x[:, 0]), np.zeros(1, dtype=int))
    >>> bool(found.noise < 1e-2)
    True
    """
    D = squared_distances(X, groups)
    r = np.ones(len(y)) if noise_scale is None else noise_scale
    theta = (start or Hyperparameters.default(len(D))).to_log()
    bounds = [(LOWER, UPPER)] * len(D) + [SCALE_BOUNDS, NOISE_BOUNDS]
    options = {"maxiter": max_iter, "maxfun": 2 * max_iter, "maxcor": 10, "ftol": 1e-5}
    found = minimize(
        negative_log_posterior,
        theta,
        args=(D, y, r, _inflation(lacks)),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options=options,
    )
    return Hyperparameters.from_log(found.x)


class Posterior:
    """A Gaussian process that has seen data.

    Parameters
    ----------
    X : ndarray of shape (n, p)
    y : ndarray of shape (n,)
    groups : ndarray of int of shape (p,)
    hyperparameters : Hyperparameters
    noise_scale : ndarray of shape (n,) or None
        Multiples of the noise variance, None for ones: heteroscedastic noise of known ratios.
    lacks : ndarray of shape (n,) or None
        How much of a resource each observation lacks, 0 to 1; None for nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from skhpo.surrogates import Hyperparameters, Posterior
    >>> x = np.array([[0.0], [1.0]])
    >>> posterior = Posterior(x, np.array([-1.0, 1.0]), np.zeros(1, dtype=int),
    ...                       Hyperparameters.default(1))
    >>> mean, std = posterior.predict(np.array([[0.5]]))
    >>> bool(abs(mean[0]) < 1e-12)
    True
    """

    def __init__(self, X, y, groups, hyperparameters, noise_scale=None, lacks=None):
        self.hyperparameters = hyperparameters
        self._stretch = np.sqrt(hyperparameters.weights[groups])  # (p,)
        self._Z = X * self._stretch
        K = self._covariance(self._Z) * _inflation(lacks)
        r = np.ones(len(y)) if noise_scale is None else noise_scale
        K.flat[:: len(y) + 1] += hyperparameters.noise * r
        self._L_inverse, _ = lapack.dtrtri(_cholesky(K), lower=1)
        self._alpha = self._L_inverse.T @ (self._L_inverse @ y)

    @cached_property
    def _squares(self):
        return _squares(self._Z)

    def _covariance(self, Z):
        k, _ = _matern(_squared_distance(Z, self._Z, self._squares))
        k *= self.hyperparameters.scale
        return k

    def predict(self, X):
        """Mean and standard deviation of the noiseless function [1]_ (eqs. 2.25 and 2.26).

        Parameters
        ----------
        X : ndarray of shape (m, p)

        Returns
        -------
        mean, std : ndarray of shape (m,)

        References
        ----------
        .. [1] C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine Learning", 2006.
        """
        k = self._covariance(X * self._stretch)  # (m, n)
        V = k @ self._L_inverse.T
        variance = self.hyperparameters.scale - np.einsum("ij,ij->i", V, V)
        return k @ self._alpha, np.sqrt(np.maximum(variance, 1e-12))

    def predict_gradient(self, X):
        """Mean and standard deviation, and their gradients with respect to the inputs.

        Returns
        -------
        mean, std : ndarray of shape (m,)
        mean_gradient, std_gradient : ndarray of shape (m, p)
        """
        s, Z = self.hyperparameters.scale, X * self._stretch
        correlation, decay = _matern(_squared_distance(Z, self._Z, self._squares))  # (m, n)
        k = s * correlation
        V = k @ self._L_inverse.T
        std = np.sqrt(np.maximum(s - np.einsum("ij,ij->i", V, V), 1e-12))
        slope = s * (SLOPE * decay)
        mean_gradient = self._pull(slope * self._alpha, Z)
        std_gradient = self._pull(-slope * (V @ self._L_inverse), Z) / std[:, None]
        return k @ self._alpha, std, mean_gradient, std_gradient

    def _pull(self, A, Z):
        """Sum over j of A[i, j] * gradient of d2(x_i, x_j) by x_i."""
        return 2.0 * self._stretch * (A.sum(axis=1, keepdims=True) * Z - A @ self._Z)

    def believe(self, x):
        """This posterior after seeing its own mean at x, in O(n^2) [1]_ ("kriging believer").

        The mean stays what it is, the uncertainty around x goes: what a point under evaluation
        should do to the search for the next one.

        Parameters
        ----------
        x : ndarray of shape (p,)

        Returns
        -------
        Posterior

        References
        ----------
        .. [1] D. Ginsbourger, R. Le Riche, L. Carraro, "Kriging is well-suited to parallelize
           optimization", 2010.
        """
        z = (x * self._stretch)[None]
        row = self._L_inverse @ self._covariance(z)[0]  # last row of the new L, but its corner
        scale, noise = self.hyperparameters.scale, self.hyperparameters.noise
        corner = np.sqrt(scale + noise - row @ row)
        n = len(self._Z)
        grown = np.zeros((n + 1, n + 1))
        grown[:n, :n] = self._L_inverse
        grown[n, :n] = -(row @ self._L_inverse) / corner
        grown[n, n] = 1.0 / corner
        other = object.__new__(Posterior)
        other.hyperparameters, other._stretch = self.hyperparameters, self._stretch
        other._Z = np.vstack([self._Z, z])
        other._L_inverse = grown
        other._alpha = np.r_[self._alpha, 0.0]  # its residual is nought
        return other
