import numpy as np
import pytest
from scipy.stats import loguniform, poisson, randint, uniform

from skhpo._records import Observation
from skhpo.optimizers import GeneticAlgorithm, RandomSearch
from skhpo.optimizers._genetic import _move
from skhpo.space import SearchSpace

BRANCHES = [
    {"kernel": ["rbf"], "C": loguniform(1e-3, 1e3), "gamma": loguniform(1e-5, 1)},
    {"kernel": ["poly"], "C": loguniform(1e-3, 1e3), "degree": [2, 3, 4]},
]


def search(spec, space, n, loss, seed=0):
    """Suggestions and losses of a serial search."""
    running, found = spec.start(space, seed=seed, n_iter=n), []
    for index in range(n):
        suggestion = running.ask((), index=index, rng=np.random.default_rng([seed, index]))
        point = space.snap(suggestion.point[None])[0]
        found.append((suggestion, loss(point)))
        running.tell(Observation(point, -found[-1][1], id=index))
    return running, found


def generations(found):
    """One more than the oldest parent's: what a table shows."""
    numbers = []
    for suggestion, _ in found:
        numbers.append(1 + max((numbers[i] for i in suggestion.parents), default=-1))
    return numbers


def mixed_loss(point):
    return abs(point[0] - 0.7) + abs(point[1] - 0.2) + (point[2] > 0.4) + (point[3] < 0.6)


@pytest.fixture
def mixed():
    lists = {"a": list("abcde"), "b": [True, False]}
    return SearchSpace({"0x": uniform(0, 1), "1n": randint(0, 50)} | lists)


def test_a_family_tree(mixed):
    _, found = search(GeneticAlgorithm(), mixed, 80, mixed_loss)
    sources = [suggestion.source for suggestion, _ in found]
    assert set(sources[:10]) == {"sobol"}
    assert {"ga:crossover", "ga:mutation"} <= set(sources[10:])
    for index, (suggestion, _) in enumerate(found):
        bred = {"sobol": (0,), "random": (0,), "ga:mutation": (1,), "ga:crossover": (2,)}
        assert len(suggestion.parents) in bred[suggestion.source]
        assert all(parent < index for parent in suggestion.parents)
    numbers = generations(found)
    assert numbers[:10] == [0] * 10
    assert max(numbers) > 5


def test_chance_needs_twice_as_long(mixed):
    """Medians over 20 seeds of the best of 80 settings, and of 160 drawn at random."""
    ours, chance = (
        [min(loss for _, loss in search(spec, mixed, n, mixed_loss, s)[1]) for s in range(20)]
        for spec, n in ((GeneticAlgorithm(), 80), (RandomSearch(), 160))
    )
    assert np.median(ours) < np.median(chance)


def test_a_child_keeps_the_branch_of_its_mother():
    space = SearchSpace(BRANCHES)
    running = GeneticAlgorithm().start(space, seed=0, n_iter=50)
    rng = np.random.default_rng(0)
    mother, father = space.snap([[0.1, 0.3, 0.2, 0.9], [0.9, 0.6, 0.8, 0.5]])
    for _ in range(50):
        child = running._cross(mother, father, rng)
        assert child[0] == mother[0]
        alone = np.isnan(father) & ~np.isnan(mother)
        np.testing.assert_array_equal(child[alone], mother[alone])
        np.testing.assert_array_equal(np.isnan(child), np.isnan(mother))


def test_crossover_of_equals_changes_nothing(mixed):
    running = GeneticAlgorithm().start(mixed, seed=0, n_iter=50)
    point = mixed.snap(np.random.default_rng(1).random((1, 4)))[0]
    for seed in range(20):
        child = running._cross(point, point, np.random.default_rng(seed))
        np.testing.assert_array_equal(child, point)


def test_a_mutant_is_another_setting(mixed):
    running = GeneticAlgorithm().start(mixed, seed=0, n_iter=50)
    rng = np.random.default_rng(0)
    for point in mixed.snap(rng.random((50, 4))):
        mutant = mixed.snap(running._mutate(point, rng, 1)[None])[0]
        assert not np.array_equal(mutant, point)


@pytest.mark.parametrize(
    "values", [[1, 2], [None, 1, 10], randint(0, 3000), poisson(2), loguniform(1, 9), list("ab")]
)
def test_a_move_leaves_the_level(values):
    (dim,) = SearchSpace({"a": values}).dims
    rng = np.random.default_rng(0)
    for u in [0.0, 1.0, *rng.random(50)]:
        moved = _move(dim, u, rng)
        assert 0 <= moved <= 1
        assert dim.snap(moved) != dim.snap(u)


def test_steps_to_a_neighbouring_level_are_the_most_frequent():
    (dim,) = SearchSpace({"n": list(range(9))}).dims
    rng = np.random.default_rng(0)
    levels = [int(dim.level(_move(dim, 0.5, rng))) - 4 for _ in range(400)]
    assert np.mean(np.abs(levels) == 1) > 0.5  # 2 of 8 when all were as likely


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"population_size": 1}, "population_size must be"),
        ({"crossover_rate": 1.5}, "crossover_rate must be a probability, got 1.5"),
        ({"mutation_rate": "high"}, "mutation_rate must be a probability, got 'high'"),
        ({"tournament_size": 0}, "tournament_size must be an int of at least 1, got 0"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        GeneticAlgorithm(**settings)
