"""Laws of the acquisition functions."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from skhpo.acquisition import (
    log_expected_improvement,
    log_probability_of_improvement,
    upper_confidence_bound,
)

ALL = [log_expected_improvement, log_probability_of_improvement, upper_confidence_bound]


def log_ei_by_integral(z):
    """E[max(f, 0)] for f ~ N(z, 1) is phi(z) times the integral of t exp(z t - t^2 / 2)."""
    peak = max(z, 0.0)
    scale = 1.0 / max(1.0, -z)  # where the integrand lives
    edges = [0.0, *(peak + scale * np.array([1.0, 4.0, 12.0, 60.0]))]
    parts = [
        quad(lambda t: t * np.exp(z * t - t * t / 2), a, b, epsabs=0, epsrel=1e-12)[0]
        for a, b in pairwise(edges)
    ]
    return norm.logpdf(z) + np.log(sum(parts))


@pytest.mark.parametrize("z", [5.0, 1.0, 0.0, -0.5, -0.999, -1.0, -1.001, -3.0, -10.0, -99.0])
def test_log_ei_is_the_integral(z):
    value = log_expected_improvement(np.array([z]), np.ones(1), 0.0)[0]
    assert value == pytest.approx(log_ei_by_integral(z), rel=1e-9)


@pytest.mark.parametrize("z", [-101.0, -500.0, -1e4])
def test_log_ei_is_the_integral_far_out(z):
    value = log_expected_improvement(np.array([z]), np.ones(1), 0.0)[0]
    assert value == pytest.approx(log_ei_by_integral(z), rel=1e-12)


def test_log_ei_is_finite_and_increasing_everywhere():
    z = np.r_[-np.logspace(8, -8, 4001), 0.0, np.logspace(-8, 8, 4001)]
    value = log_expected_improvement(z, np.ones_like(z), 0.0)
    assert np.all(np.isfinite(value))
    assert np.all(np.diff(value) > -1e-9 * np.abs(value[1:]))


@pytest.mark.parametrize("function", ALL)
def test_shift_and_scale(function):
    """A score in another unit is the same preference."""
    mean, std = np.array([-1.0, 0.3, 2.0]), np.array([0.5, 1.0, 2.0])
    first = function(mean, std, 0.7)
    second = function(10 * mean + 3, 10 * std, 10 * 0.7 + 3)
    np.testing.assert_array_equal(np.argsort(first), np.argsort(second))


@pytest.mark.parametrize("function", ALL)
def test_derivatives(function):
    rng, h = np.random.default_rng(0), 1e-6
    mean, std = rng.normal(size=50) * 3, rng.random(50) + 0.05
    value, by_mean, by_std = function(mean, std, 0.5, derivatives=True)
    np.testing.assert_array_equal(value, function(mean, std, 0.5))
    slope = (function(mean + h, std, 0.5) - function(mean - h, std, 0.5)) / (2 * h)
    np.testing.assert_allclose(by_mean, slope, rtol=1e-5)
    slope = (function(mean, std + h, 0.5) - function(mean, std - h, 0.5)) / (2 * h)
    np.testing.assert_allclose(by_std, slope, rtol=1e-4, atol=1e-6)


def test_a_sure_gain_is_the_gain():
    gain = np.exp(log_expected_improvement(np.array([3.0]), np.array([1e-6]), 1.0))
    np.testing.assert_allclose(gain, 2.0)
