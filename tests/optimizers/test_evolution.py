import numpy as np
import pytest
from scipy.stats import randint, uniform

from skhpo.optimizers import CMAES, DifferentialEvolution, Evolution, GeneticAlgorithm
from skhpo.space import SearchSpace

NUMBERS = {"x": uniform(0, 1), "n": randint(0, 9)}


CHOICES = {"a": list("abc"), "b": [True, False]}


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        (NUMBERS, CMAES()),
        (NUMBERS | {"a": list("abc")}, CMAES()),
        (NUMBERS | CHOICES, DifferentialEvolution()),
        (CHOICES, GeneticAlgorithm()),
        ([NUMBERS, {"y": uniform(0, 1)}], DifferentialEvolution()),
        ({"a": [1]}, CMAES()),
    ],
)
def test_auto_is_one_of_the_algorithms(space, expected):
    space = SearchSpace(space)
    ours, theirs = (spec.start(space, seed=0, n_iter=50) for spec in (Evolution(), expected))
    assert type(ours) is type(theirs)


@pytest.mark.parametrize(
    ("name", "cls"), [("ga", GeneticAlgorithm), ("de", DifferentialEvolution), ("cmaes", CMAES)]
)
def test_a_name_is_the_algorithm(name, cls):
    space, points = SearchSpace(NUMBERS), []
    for spec in (Evolution(name, population_size=8), cls(population_size=8)):
        running = spec.start(space, seed=3, n_iter=50)
        points.append(running.ask((), index=0, rng=np.random.default_rng(0)).point)
    np.testing.assert_array_equal(*points)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"algorithm": "pso"}, "algorithm must be one of 'auto', 'ga', 'de', 'cmaes', got 'pso'"),
        ({"population_size": 3}, "population_size must be 'auto' or an int of at least 4, got 3"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        Evolution(**settings)
