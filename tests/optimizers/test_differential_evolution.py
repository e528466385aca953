import numpy as np
import pytest
from scipy.stats import loguniform, randint, uniform

from skhpo._records import Observation
from skhpo.optimizers import DifferentialEvolution, RandomSearch
from skhpo.optimizers._differential_evolution import _cross, _into_cube
from skhpo.space import SearchSpace


def search(spec, space, n, loss, seed=0):
    """Suggestions and losses of a serial search."""
    running, found = spec.start(space, seed=seed, n_iter=n), []
    for index in range(n):
        suggestion = running.ask((), index=index, rng=np.random.default_rng([seed, index]))
        point = space.snap(suggestion.point[None])[0]
        found.append((suggestion, loss(point)))
        running.tell(Observation(point, -found[-1][1], id=index))
    return running, found


def mixed_loss(point):
    return abs(point[0] - 0.7) + abs(point[1] - 0.2) + (point[2] > 0.4) + (point[3] < 0.6)


@pytest.fixture
def mixed():
    lists = {"a": list("abcde"), "b": [True, False]}
    return SearchSpace({"0x": uniform(0, 1), "1n": randint(0, 50)} | lists)


def test_what_it_finds_is_better_than_chance(mixed):
    """The median over 10 seeds beats the luckiest random search of the same length."""
    ours, chance = (
        [min(loss for _, loss in search(spec, mixed, 80, mixed_loss, s)[1]) for s in range(10)]
        for spec in (DifferentialEvolution(), RandomSearch())
    )
    assert np.median(ours) < np.min(chance)


@pytest.mark.parametrize("strategy", ["rand", "best", "current-to-best"])
def test_every_strategy_converges(strategy):
    """A sphere in 3 dimensions, 400 evaluations: chance comes to about 5e-3."""
    space = SearchSpace({name: uniform(0, 1) for name in "xyz"})
    spec = DifferentialEvolution(strategy=strategy)
    losses = [
        min(loss for _, loss in search(spec, space, 400, lambda p: np.sum((p - 0.3) ** 2), seed)[1])
        for seed in range(5)
    ]
    assert np.median(losses) < 1e-3


def test_sources_and_parents_tell_the_operator(mixed):
    _, found = search(DifferentialEvolution(), mixed, 80, mixed_loss)
    sources = {suggestion.source for suggestion, _ in found}
    assert {"sobol", "de:current-to-best"} <= sources
    for index, (suggestion, _) in enumerate(found):
        assert all(parent < index for parent in suggestion.parents)
        assert (len(suggestion.parents) > 1) == suggestion.source.startswith("de")


def test_trials_lie_in_one_branch():
    space = SearchSpace(
        [
            {"kernel": ["rbf"], "C": loguniform(1e-3, 1e3), "gamma": loguniform(1e-5, 1)},
            {"kernel": ["poly"], "C": loguniform(1e-3, 1e3), "degree": [2, 3, 4]},
        ]
    )
    _, found = search(DifferentialEvolution(), space, 60, lambda p: np.nansum((p - 0.3) ** 2))
    branches = {len(space.from_unit(s.point)) for s, _ in found if s.source.startswith("de")}
    assert branches == {3}
    assert all(space.contains(space.from_unit(s.point)) for s, _ in found)


def test_a_trial_has_something_of_the_mutant():
    target, mutant = np.zeros(6), np.ones(6)
    for seed in range(50):
        assert _cross(target, mutant, np.random.default_rng(seed)).sum() >= 1


@pytest.mark.parametrize("strategy", ["rand", "best", "current-to-best"])
def test_differences_point_to_the_better_one(strategy):
    """On a slope no trial lies below the worst member; half of the differences would go down."""
    space = SearchSpace({"x": uniform(0, 1)})
    running = DifferentialEvolution(strategy=strategy).start(space, seed=0, n_iter=50)
    for id_, x in enumerate((0.3, 0.31, 0.32, 0.5)):
        running.tell(Observation(np.array([x]), x, id=id_))
    rng = np.random.default_rng(0)
    assert min(running._trial(rng)[0][0] for _ in range(100)) > 0.3


def test_the_scale_varies_between_coordinates():
    """So that a trial leaves the plane of the members, by a little."""
    space = SearchSpace({"x": uniform(0, 1), "y": uniform(0, 1)})
    running = DifferentialEvolution().start(space, seed=0, n_iter=50)
    for id_, x in enumerate(np.linspace(0.3, 0.6, 6)):
        running.tell(Observation(np.array([x, x]), x, id=id_))
    target, best, worse = (running._members[i] for i in (3, 0, 5))
    rng, off = np.random.default_rng(0), []
    for _ in range(50):
        x, y = running._mutant(target, target, [(best, worse)], rng)
        off.append(abs(x - y) / abs(x + y - 2 * target.point[0]))
    assert 0.01 < np.median(off) < 0.15


def test_what_leaves_the_cube_goes_half_way_to_the_bound():
    point, target = np.array([-0.3, 0.4, 1.2]), np.array([0.2, 0.9, 0.8])
    np.testing.assert_allclose(_into_cube(point, target), [0.1, 0.4, 0.9])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"population_size": 3}, "population_size must be"),
        ({"strategy": "worst"}, "strategy must be one of 'current-to-best', .* got 'worst'"),
        ({"scale": (0.9, 0.5)}, "scale must be two numbers"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        DifferentialEvolution(**settings)
