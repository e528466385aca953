"""Parzen estimators: densities, who counts as good, and whether the search learns."""

import numpy as np
import pytest
from scipy.stats import loguniform, uniform

from skhpo._records import Observation
from skhpo.optimizers import TPE, RandomSearch
from skhpo.optimizers._tpe import _Parzen
from skhpo.space import SearchSpace

BRANCHES = [
    {"kernel": ["rbf"], "C": loguniform(1e-3, 1e3), "gamma": loguniform(1e-5, 10)},
    {"kernel": ["linear"], "C": loguniform(1e-3, 1e3)},
    {"kernel": ["poly"], "degree": [1, 2, 3, 4], "shape": list("xyz")},
]
NUMBERS = {f"x{i}": uniform(-5, 10) for i in range(4)}


def sphere(params):
    return -sum((x - 1.3) ** 2 for x in params.values())


def branches(params):
    if params["kernel"] == "rbf":
        return -((np.log10(params["C"]) - 1.2) ** 2) - (np.log10(params["gamma"]) + 2) ** 2
    if params["kernel"] == "linear":
        return -1 - np.log10(params["C"]) ** 2
    return -0.5 - 0.1 * params["degree"] - (params["shape"] != "y")


def best_of(spec, space, score, n, seed):
    space = SearchSpace(space)
    running, best = spec.start(space, seed=seed, n_iter=n), -np.inf
    for index in range(n):
        point = running.ask((), index=index, rng=np.random.default_rng([seed, index])).point
        found = score(space.from_unit(space.snap(point[None])[0]))
        running.tell(Observation(point, found, id=index))
        best = max(best, found)
    return best


@pytest.mark.parametrize(
    ("space", "score", "ratio"), [(NUMBERS, sphere, 0.5), (BRANCHES, branches, 0.6)]
)
def test_it_learns(space, score, ratio):
    tpe, random = (
        np.median([best_of(spec, space, score, 50, seed) for seed in range(5)])
        for spec in (TPE(), RandomSearch())
    )
    assert tpe > ratio * random  # scores are negative


def test_a_density_of_numbers_is_one():
    space = SearchSpace({"x": uniform(0, 1), "y": uniform(0, 1)})
    parzen = _Parzen(space, np.array([[0.1, 0.5], [0.95, 0.2], [0.5, 0.5]]))
    u = (np.arange(200) + 0.5) / 200
    grid = np.stack(np.meshgrid(u, u), axis=-1).reshape(-1, 2)
    assert np.exp(parzen.log_density(grid)).mean() == pytest.approx(1.0, abs=1e-3)


def test_a_density_of_choices_is_one():
    space = SearchSpace({"a": list("abc"), "b": list("abcd")})
    points = space.snap(np.random.default_rng(0).random((5, 2)))
    grid = np.array([space.to_unit({"a": a, "b": b}) for a in "abc" for b in "abcd"])
    assert np.exp(_Parzen(space, points).log_density(grid)).mean() == pytest.approx(1.0)


def test_draws_are_from_the_density():
    space = SearchSpace({"x": uniform(0, 1)})
    parzen = _Parzen(space, np.array([[0.3], [0.3], [0.8]]))
    draws = parzen.sample(20_000, np.random.default_rng(0))
    u = (np.arange(20)[:, None] + 0.5) / 20
    found = np.histogram(draws, bins=20, range=(0, 1))[0] / 1000
    np.testing.assert_allclose(found, np.exp(parzen.log_density(u)), atol=0.35)


def good(told, n_dims=1):
    space = SearchSpace({f"x{i}": uniform(0, 1) for i in range(n_dims)})
    running = TPE().start(space, seed=0, n_iter=50)
    for k, (score, resource) in enumerate(told):
        status = "failed" if np.isnan(score) else "complete"
        point = np.full(n_dims, (k + 0.5) / len(told))
        running.tell(Observation(point, score, resource=resource, status=status, id=k))
    points, _ = running._split()
    return [int(point[0] * len(told)) for point in points]


class TestWhoIsGood:
    def test_the_best(self):
        assert good([(score, None) for score in (1, 5, 3, 9, 2, 4, 0, 6, 7, 8)]) == [3, 9]

    def test_the_largest_amount_that_enough_have(self):
        told = [(9, 1), (8, 1), (7, 1), (6, 1), (1, 3), (3, 3), (2, 3), (5, 9)]
        assert good(told) == [5, 6]

    def test_no_failure(self):
        assert good([(np.nan, None)] * 5 + [(1.0, None)]) == [5]


def test_a_failed_rest_is_avoided():
    space = SearchSpace({"x": uniform(0, 1)})
    running = TPE(random_fraction=0.0).start(space, seed=0, n_iter=60)
    for k in range(30):
        x = (k + 0.5) / 30
        score, status = (np.nan, "failed") if x > 0.5 else (-abs(x - 0.2), "complete")
        running.tell(Observation(np.array([x]), score, status=status, id=k))
    asked = [running.ask((), index=i, rng=np.random.default_rng(i)).point[0] for i in range(20)]
    assert np.mean(np.array(asked) < 0.5) > 0.9


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gamma": 0}, "gamma must be"),
        ({"random_fraction": 2}, "random_fraction must be"),
        ({"n_initial": 1}, "n_initial must be"),
    ],
)
def test_values_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        TPE(**settings)
