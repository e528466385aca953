"""Laws of random search, and of the names of optimisers."""

import numpy as np
import pytest
from scipy.stats import kstest, uniform

from skhpo.optimizers import GaussianProcess, RandomSearch, Sobol, make_optimizer
from skhpo.space import SearchSpace


def test_draws_are_uniform():
    running = RandomSearch().start(SearchSpace({"x": uniform(0, 1)}), seed=0, n_iter=500)
    draws = [
        running.ask((), index=k, rng=np.random.default_rng([7, k])).point[0] for k in range(500)
    ]
    assert kstest(draws, "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    ("name", "expected"),
    [("random", RandomSearch()), ("sobol", Sobol()), ("bayes", GaussianProcess())],
)
def test_names(name, expected):
    assert make_optimizer(name) == expected


def test_values_are_passed_on():
    value = GaussianProcess(n_initial=3)
    assert make_optimizer(value) is value


def test_unknown_name():
    with pytest.raises(ValueError, match=r"optimizer must be one of 'bayes'.* got 'baies'"):
        make_optimizer("baies")
