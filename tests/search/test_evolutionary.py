"""What EvolutionarySearchCV adds to its base."""

import numpy as np
import pytest
from scipy.stats import loguniform, uniform
from sklearn.base import BaseEstimator
from sklearn.svm import SVC

from skhpo import EvolutionarySearchCV, SearchCV
from skhpo.optimizers import CMAES, Evolution

NUMBERS = {"a": uniform(0, 1), "b": loguniform(1e-3, 1e3)}
MIXED = NUMBERS | {"c": ["x", "y", "z"]}
MOSTLY_CHOICES = {"a": uniform(0, 1), "b": [0.1, 1.0, "10"], "c": ["x", "y", "z"]}
X, Y = np.zeros((8, 1)), np.arange(8) % 2


class Hill(BaseEstimator):
    """An estimator whose score is a smooth function of its parameters."""

    def __init__(self, a=0.1, b=1.0, c="z"):
        self.a = a
        self.b = b
        self.c = c

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def score(self, X, y=None):
        """At most 0, at a = 0.7, b = 10 and c = "z"."""
        return (
            -((self.a - 0.7) ** 2) - (np.log10(float(self.b)) - 1) ** 2 - 0.2 * "zyx".index(self.c)
        )


def search(space, cls=EvolutionarySearchCV, seed=0, **settings):
    return cls(Hill(), space, cv=2, random_state=seed, **settings).fit(X, Y)


@pytest.mark.parametrize("algorithm", ["auto", "ga", "de", "cmaes", CMAES(sigma0=0.2)])
@pytest.mark.parametrize("space", [NUMBERS, MIXED], ids=["numbers", "mixed"])
def test_it_climbs(algorithm, space):
    """Chance comes to -0.013 in the numbers, and to -0.031 with the choice: medians."""
    found = [search(space, algorithm=algorithm, n_iter=100, seed=seed) for seed in range(3)]
    assert np.median([one.best_score_ for one in found]) > -0.01
    assert len(found[0].cv_results_["params"]) == 100


def test_it_is_a_preset():
    preset = search(MIXED, algorithm="de", population_size=8, n_iter=20)
    same = search(MIXED, SearchCV, optimizer=Evolution("de", 8), n_iter=20)
    assert preset.cv_results_["params"] == same.cv_results_["params"]


@pytest.mark.parametrize(
    ("space", "source"), [(NUMBERS, "cmaes"), (MIXED, "cmaes"), (MOSTLY_CHOICES, "ga")]
)
def test_auto_goes_by_the_space(space, source):
    sources = set(search(space, n_iter=20).history_.to_dict()["source"])
    assert any(name.startswith(source) for name in sources)


def test_population_size_reaches_the_algorithm():
    sources = list(
        search(MIXED, algorithm="ga", population_size=16, n_iter=40).history_.to_dict()["source"][
            ::2
        ]
    )
    # The default first, then half of the population from a sequence.
    assert sources[:8] == ["default"] + ["sobol"] * 7
    assert not set(sources[8:]) & {"sobol"}


def test_a_population_larger_than_the_search():
    found = search(MIXED, algorithm="ga", population_size=500, n_iter=12)
    sources = list(found.history_.to_dict()["source"][::2])
    assert any(name.startswith("ga:") for name in sources)


def test_the_number_of_jobs_changes_nothing():
    serial, parallel = (
        search(MIXED, n_iter=24, n_jobs=n_jobs, pre_dispatch=4) for n_jobs in (1, 2)
    )
    assert serial.cv_results_["params"] == parallel.cv_results_["params"]


@pytest.mark.parametrize(
    "settings", [{"algorithm": "pso"}, {"algorithm": 3}, {"population_size": 3}]
)
def test_parameters_are_checked(settings):
    name = next(iter(settings))
    with pytest.raises(ValueError, match=f"The '{name}' parameter of EvolutionarySearchCV"):
        EvolutionarySearchCV(SVC(), {"C": loguniform(1, 9)}, **settings).fit(X, Y)
