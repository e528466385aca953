"""Laws of the Gaussian process."""

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.stats import multivariate_normal, norm

from skhpo.surrogates import Hyperparameters, Posterior, fit_map, negative_log_posterior
from skhpo.surrogates._gaussian_process import BIAS, _inflation, squared_distances

GROUPS = np.array([0, 1, 2, 2, 2])


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.random((30, 5))
    X[:, 2:] = np.sqrt(0.5) * np.eye(3)[rng.integers(3, size=30)]
    y = np.sin(5 * X[:, 0]) + X[:, 3] + 0.1 * rng.normal(size=30)
    r = rng.choice([1.0, 2.0, 5.0], size=30)
    return X, (y - y.mean()) / y.std(), r


@pytest.fixture
def theta():
    return Hyperparameters(np.array([3.0, 0.2, 1.5]), 1.7, 0.05)


def covariance(A, B, theta):
    """The Matern-3/2 covariance, written out."""
    d2 = np.zeros((len(A), len(B)))
    for column, group in enumerate(GROUPS):
        d2 += theta.weights[group] * (A[:, column, None] - B[None, :, column]) ** 2
    t = np.sqrt(3 * d2)
    return theta.scale * (1 + t) * np.exp(-t)


def dense(X, y, r, theta, new):
    """Mean and standard deviation by the textbook formula."""
    K = covariance(X, X, theta) + theta.noise * np.diag(r)
    k = covariance(new, X, theta)
    variance = theta.scale - np.einsum("ij,ji->i", k, np.linalg.solve(K, k.T))
    return k @ np.linalg.solve(K, y), np.sqrt(variance)


def test_posterior_is_the_closed_form(data, theta):
    X, y, r = data
    new = np.random.default_rng(1).random((20, 5))
    found = Posterior(X, y, GROUPS, theta, r).predict(new)
    np.testing.assert_allclose(found, dense(X, y, r, theta, new), rtol=1e-8, atol=1e-10)


def test_what_lacks_a_resource_errs_together(data, theta):
    """As if a second function of the same covariance were added, times the lack."""
    X, y, r = data
    new = np.random.default_rng(1).random((20, 5))
    b = np.random.default_rng(2).choice([0.0, 0.5, 1.0], size=len(y))
    K = covariance(X, X, theta)
    K = K + BIAS * np.diag(b) @ K @ np.diag(b) + theta.noise * np.diag(r)
    k = covariance(new, X, theta)
    std = np.sqrt(theta.scale - np.einsum("ij,ji->i", k, np.linalg.solve(K, k.T)))
    found = Posterior(X, y, GROUPS, theta, r, b).predict(new)
    np.testing.assert_allclose(found, (k @ np.linalg.solve(K, y), std), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("lacks", [None, np.linspace(0, 1, 30)])
def test_gradient_of_the_fit(data, lacks):
    X, y, r = data
    about = squared_distances(X, GROUPS), y, r, _inflation(lacks)
    for seed in range(5):
        at = np.random.default_rng(seed).normal(size=5)
        error = check_grad(
            lambda t: negative_log_posterior(t, *about)[0],
            lambda t: negative_log_posterior(t, *about)[1],
            at,
        )
        assert error < 1e-4 * (1 + np.linalg.norm(negative_log_posterior(at, *about)[1]))


def test_likelihood_is_the_multivariate_normal_density(data, theta):
    def priors(at):
        return (
            norm(0, 1.5).logpdf(np.log(at.weights)).sum()
            + norm(0, 0.7).logpdf(np.log(at.scale))
            + norm(-3.5, 1.5).logpdf(np.log(at.noise))
        )

    X, y, r = data
    K = covariance(X, X, theta) + theta.noise * np.diag(r)
    value, _ = negative_log_posterior(theta.to_log(), squared_distances(X, GROUPS), y, r)
    other = theta.to_log() + 0.1
    shifted = Hyperparameters.from_log(other)
    K2 = covariance(X, X, shifted) + shifted.noise * np.diag(r)
    value2, _ = negative_log_posterior(other, squared_distances(X, GROUPS), y, r)
    zero = np.zeros(len(y))
    expected = multivariate_normal(zero, K).logpdf(y) + priors(theta)
    expected -= multivariate_normal(zero, K2).logpdf(y) + priors(shifted)
    assert value2 - value == pytest.approx(expected)  # equal up to a constant


def test_gradient_of_the_prediction(data, theta):
    X, y, r = data
    posterior = Posterior(X, y, GROUPS, theta, r)
    new, h = np.random.default_rng(1).random((10, 5)), 1e-6
    mean, std, mean_gradient, std_gradient = posterior.predict_gradient(new)
    np.testing.assert_allclose((mean, std), posterior.predict(new))
    for column in range(5):
        step = h * np.eye(5)[column]
        above, below = posterior.predict(new + step), posterior.predict(new - step)
        slopes = (np.array(above) - np.array(below)) / (2 * h)
        np.testing.assert_allclose(mean_gradient[:, column], slopes[0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(std_gradient[:, column], slopes[1], rtol=1e-4, atol=1e-6)


def test_believing_equals_conditioning_anew(data, theta):
    X, y, r = data
    posterior, new = Posterior(X, y, GROUPS, theta, r), np.random.default_rng(1).random((20, 5))
    fantasies = np.random.default_rng(2).random((4, 5))
    for x in fantasies:
        y = np.r_[y, posterior.predict(x[None])[0]]
        X, r = np.vstack([X, x]), np.r_[r, 1.0]
        posterior = posterior.believe(x)
    anew = Posterior(X, y, GROUPS, theta, r)
    np.testing.assert_allclose(posterior.predict(new), anew.predict(new), rtol=1e-7, atol=1e-9)


def test_half_the_noise_is_two_observations(data, theta):
    X, y, _ = data
    twice = Posterior(np.vstack([X, X]), np.r_[y, y], GROUPS, theta)
    once = Posterior(X, y, GROUPS, theta, np.full(len(y), 0.5))
    new = np.random.default_rng(1).random((20, 5))
    np.testing.assert_allclose(once.predict(new), twice.predict(new), rtol=1e-6, atol=1e-8)


def test_fit_lowers_the_loss_and_finds_what_matters():
    rng = np.random.default_rng(0)
    X = rng.random((60, 4))
    y = np.sin(8 * X[:, 1])
    y = (y - y.mean()) / y.std()
    found = fit_map(X, y, np.arange(4))
    assert found.weights[1] > 10 * found.weights[[0, 2, 3]].max()
    D, r = squared_distances(X, np.arange(4)), np.ones(60)
    default = Hyperparameters.default(4).to_log()
    after = negative_log_posterior(found.to_log(), D, y, r)[0]
    assert after < negative_log_posterior(default, D, y, r)[0]


def test_fit_sees_the_noise():
    rng = np.random.default_rng(0)
    x = rng.random((80, 1))
    smooth = np.sin(4 * x[:, 0])
    noise = rng.normal(size=80)
    y = (smooth - smooth.mean()) / smooth.std()
    quiet = fit_map(x, y, np.zeros(1, dtype=int))
    loud = fit_map(x, y + 0.5 * noise, np.zeros(1, dtype=int))
    assert quiet.noise < 1e-3 < 0.1 < loud.noise < 0.5


@pytest.mark.parametrize("y", [np.zeros(6), np.r_[np.zeros(5), 1e3], np.full(6, -1e3)])
def test_fit_survives_degenerate_targets(y):
    X = np.repeat(np.random.default_rng(0).random((3, 2)), 2, axis=0)  # each input twice
    found = fit_map(X, y, np.arange(2))
    mean, std = Posterior(X, y, np.arange(2), found).predict(X)
    assert np.all(np.isfinite([mean, std]))
