import math

import numpy as np
import pytest
from scipy.special import ndtr
from scipy.stats import poisson, randint, uniform

from skhpo._records import Observation
from skhpo.optimizers import CMAES
from skhpo.optimizers._cmaes import _Choices, _correct, _inner_edges, _Normal, _Strategy
from skhpo.space import SearchSpace

WIDTH = 10.0  # the box is [-10, 10]


def box(d):
    return {f"x{i:02d}": uniform(-WIDTH, 2 * WIDTH) for i in range(d)}


def search(spec, space, n, loss, seed=0, target=-math.inf, window=1):
    """Points and losses; at most `window` are under evaluation at a time."""
    running, found, pending = spec.start(space, seed=seed, n_iter=n), [], []
    for index in range(n):
        rng = np.random.default_rng([seed, index])
        point = running.ask([told for told, _ in pending], index=index, rng=rng).point
        found.append((point, loss(point)))
        if found[-1][1] < target:
            break
        waiting = Observation(point, math.nan, n_folds=0, status="partial", id=index)
        pending.append((waiting, Observation(point, -found[-1][1], id=index)))
        if len(pending) == window:
            running.tell(pending.pop(0)[1])
    return running, found


def sphere(x):
    return np.sum(x**2)


def ellipsoid(x):
    return np.sum(1e6 ** (np.arange(len(x)) / (len(x) - 1)) * x**2)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


# Medians over 10 seeds of the evaluations that the package `cmaes` 0.13 needs, same box and start.
@pytest.mark.parametrize(
    ("function", "x0", "sigma", "reference"),
    [(sphere, 3, 2.0, 878), (ellipsoid, 3, 2.0, 1743), (rosenbrock, 0, 0.5, 1899)],
)
def test_as_fast_as_the_reference(function, x0, sigma, reference):
    """In 5 dimensions: the quartiles of one run are 15 % from its median at most; 5 seeds."""
    spec = CMAES(mean0=0.5 + x0 / (2 * WIDTH), sigma0=sigma / (2 * WIDTH))
    space, counts = SearchSpace(box(5)), []

    def loss(point):
        return function((2 * point - 1) * WIDTH)

    for seed in range(5):
        counts.append(len(search(spec, space, 6000, loss, seed, target=1e-10)[1]))
    assert max(counts) < 6000
    assert 0.75 * reference < np.median(counts) < 1.25 * reference


def ellipsoid_one_max(point):
    x, z = (2 * point[:5] - 1) * WIDTH, point[5:] > 0.5
    return ellipsoid(x) + np.sum(~z)


@pytest.mark.parametrize(("margin", "is_solved"), [(True, True), (False, False)])
def test_the_margin_keeps_binary_parameters_moving(margin, is_solved):
    """Rounding alone fixes them before the ellipsoid lets their scores be seen."""
    space = SearchSpace(box(5) | {f"z{i}": [0, 1] for i in range(5)})
    spec = CMAES(mean0=(0.65,) * 5 + (0.5,) * 5, sigma0=0.1, margin=margin, restarts=None)
    best = [
        min(loss for _, loss in search(spec, space, 6000, ellipsoid_one_max, s, 1e-10)[1])
        for s in range(3)
    ]
    assert all((loss < 1e-10) == is_solved for loss in best)


class TestMargin:
    @pytest.mark.parametrize("m", [-0.7, 0.1, 0.26, 0.4, 0.74, 0.9, 1.6])
    @pytest.mark.parametrize("std", [1e-9, 0.01, 0.1, 1.0])
    def test_a_level_is_left_with_probability_alpha(self, m, std):
        alpha, edges = 0.01, np.array([0.25, 0.5, 0.75])
        new_m, A = _correct(m, std, 1.0, edges, alpha)
        level = edges.searchsorted(m)
        low = ndtr((edges[level - 1] - new_m) / (A * std)) if level > 0 else 0.0
        up = ndtr((new_m - edges[level]) / (A * std)) if level < 3 else 0.0
        assert low + up >= alpha * (1 - 1e-6)
        if 0 < level < 3:
            assert min(low, up) >= alpha / 2 * (1 - 1e-6)

    def test_a_wide_distribution_is_left_alone(self):
        assert _correct(0.4, 1.0, 1.0, np.array([0.25, 0.5]), 0.01) == (0.4, 1.0)

    def test_edges_of_levels(self):
        dims = SearchSpace({"a": [1, 5, 9, 10], "b": poisson(2), "c": uniform(0, 1)}).dims
        np.testing.assert_allclose(_inner_edges(dims[0]), [0.25, 0.5, 0.75])
        edges = _inner_edges(dims[1])
        np.testing.assert_allclose(edges[:8], poisson(2).cdf(np.arange(8)))
        assert _inner_edges(dims[2]) is None

    def test_many_levels_count_as_continuous(self):
        (dim,) = SearchSpace({"n": randint(0, 10**6)}).dims
        assert _inner_edges(dim) is None


class TestStrategy:
    @pytest.mark.parametrize("lambda_", [4, 5, 8, 20, 200, 4096])
    @pytest.mark.parametrize("n", [1, 2, 10, 100])
    def test_weights_and_rates(self, n, lambda_):
        s = _Strategy(n, lambda_)
        assert s.w[: s.mu].sum() == pytest.approx(1)
        assert np.all(np.diff(s.w) <= 0)
        assert 0 < s.c_1 + s.c_mu <= 1
        assert s.c_mu >= 0
        assert 0 < s.c_sigma < 1
        assert 0 < s.c_c <= 1
        assert 1 - s.c_1 - s.c_mu * s.w.sum() > -1e-12  # C stays positive definite

    def test_table_of_the_tutorial(self):
        """Values for n = 10, lambda = 10, worked out from the formulas by hand."""
        s = _Strategy(10, 10)
        assert s.mu == 5
        assert s.mu_eff == pytest.approx(3.167, abs=1e-3)
        assert s.c_sigma == pytest.approx(5.167 / 18.167, abs=1e-4)
        assert s.c_1 == pytest.approx(2 / (11.3**2 + 3.167), abs=1e-6)
        assert s.chi_n == pytest.approx(3.0847, abs=1e-3)


class TestNormal:
    def test_a_point_from_elsewhere_cannot_throw_it(self):
        """[Hansen 2011]: its length is that of a rare sample at most."""
        s, normal = _Strategy(4, 8), _Normal.begin(np.full(4, 0.5), 1e-6)
        x = normal.sample(8, np.random.default_rng(0))
        x[0] = 0.9
        is_own = np.arange(8) > 0
        bounded, thrown = normal.update(x, is_own, s), normal.update(x, is_own | True, s)
        assert np.linalg.norm(bounded.m - normal.m) < 1e-6 * s.c_y
        assert np.linalg.norm(thrown.m - normal.m) > 0.1
        assert bounded.sigma < 3e-6

    @pytest.mark.parametrize("seed", range(5))
    def test_without_selection_it_neither_grows_nor_shrinks(self, seed):
        """Law of random selection: log sigma has no drift. Its spread over 200 updates is < 1."""
        rng, s = np.random.default_rng(seed), _Strategy(5, 8)
        normal = _Normal.begin(np.full(5, 0.5), 1.0)
        for _ in range(200):
            normal = normal.update(normal.sample(8, rng), np.ones(8, dtype=bool), s)
        assert abs(math.log(normal.sigma)) < 3
        assert np.linalg.eigvalsh(normal.C).min() > 0


class TestChoices:
    def test_probabilities(self):
        s, choices = _Strategy(3, 8), _Choices.begin([2, 5])
        for _ in range(50):
            choices = choices.update(np.tile([1, 3], (8, 1)), s)
        for q, mode in zip(choices.q, (1, 3), strict=True):
            assert q.sum() == pytest.approx(1)
            assert q.argmax() == mode
            assert q.min() == pytest.approx((1 - 0.73**0.5) / (len(q) - 1))

    def test_samples_follow_them(self):
        choices = _Choices([np.array([0.1, 0.6, 0.3])])
        levels = choices.sample(20_000, np.random.default_rng(0))[:, 0]
        np.testing.assert_allclose(np.bincount(levels) / 20_000, choices.q[0], atol=0.02)


def mixed_loss(point):
    return abs(point[0] - 0.7) + abs(point[1] - 0.2) + (point[2] > 0.4) + (point[3] < 0.6)


@pytest.mark.parametrize("window", [1, 16])
def test_mixed_spaces(window):
    """Of 10 levels and 2 numbers, in 200 evaluations; chance comes to about 0.12."""
    lists = {"a": list("abcde"), "b": [True, False]}
    space = SearchSpace({"0x": uniform(0, 1), "1n": randint(0, 50)} | lists)
    best = [
        min(loss for _, loss in search(CMAES(), space, 200, mixed_loss, s, window=window)[1])
        for s in range(5)
    ]
    assert np.median(best) < 0.03


@pytest.mark.parametrize("restarts", ["ipop", "bipop"])
def test_restarts_leave_a_local_optimum(restarts):
    """A wide basin at 0.2 and a deeper one, a quarter as wide, at 0.8; with noise-free scores."""
    space = SearchSpace({"x": uniform(0, 1), "y": uniform(0, 1)})

    def loss(point):
        wide, deep = np.sum((point - 0.2) ** 2), np.sum((point - 0.8) ** 2)
        return min(0.1 + wide, 16 * deep)

    spec = CMAES(mean0=0.2, sigma0=0.1, restarts=restarts)
    running, found = search(spec, space, 5000, loss, target=1e-6)
    assert running._n_restarts > 0
    assert found[-1][1] < 1e-6
    stuck = search(CMAES(mean0=0.2, sigma0=0.1, restarts=None), space, 3000, loss, target=1e-6)
    assert min(loss for _, loss in stuck[1]) >= 0.1


def test_rounding_is_no_progress():
    """Beside an offset a score has no more digits, and its last ones are luck."""
    space = SearchSpace(box(4))

    def loss(point):
        luck = np.sum(1e6 * point) % 1
        return (3.9866 + np.sum((point - 0.4) ** 2)) * (1 + 2e-13 * luck)

    running, _ = search(CMAES(), space, 1500, loss)
    assert running._n_restarts > 0


def test_a_restart_draws_its_mean_its_sizes_and_its_samples_apart():
    """A seed that ends in zeros is the seed without them."""
    running = CMAES(restarts="bipop").start(SearchSpace({"x": uniform(0, 1)}), seed=0, n_iter=99)
    generators = [running._rng(generation, of) for generation in (0, 1, 2) for of in (0, 1, 2)]
    assert len({rng.random() for rng in generators}) == len(generators)


@pytest.mark.parametrize("score", [1.0, math.nan])
@pytest.mark.parametrize("restarts", ["ipop", "bipop", None])
def test_equal_scores(score, restarts):
    space = SearchSpace(box(2) | {"a": [0, 1, 2], "b": list("ab")})
    running = CMAES(restarts=restarts).start(space, seed=0, n_iter=1200)
    for index in range(1200):
        point = running.ask((), index=index, rng=np.random.default_rng(index)).point
        assert np.all((point >= 0) & (point <= 1))
        running.tell(Observation(point, score, id=index))
    assert (running._n_restarts > 0) == (restarts is not None)


def test_late_evaluations_cost_little():
    """16 under evaluation, twice a generation: the sphere takes three times as long at most."""
    space, spec = SearchSpace(box(4)), CMAES(mean0=0.65, sigma0=0.1)
    serial, late = (
        np.median(
            [
                len(search(spec, space, 6000, lambda u: sphere((2 * u - 1) * WIDTH), s, 1e-6, w)[1])
                for s in range(3)
            ]
        )
        for w in (1, 16)
    )
    assert late < 3 * serial


def test_generations_follow_from_parents():
    space, numbers = SearchSpace(box(3)), []
    running = CMAES().start(space, seed=0, n_iter=60)
    for index in range(60):
        suggestion = running.ask((), index=index, rng=np.random.default_rng(index))
        assert suggestion.source == "cmaes"
        numbers.append(1 + max((numbers[i] for i in suggestion.parents), default=-1))
        running.tell(Observation(suggestion.point, -np.sum(suggestion.point), id=index))
    assert numbers == [index // 7 for index in range(60)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"population_size": 3}, "population_size must be"),
        ({"mean0": 1.5}, "mean0 must lie in the unit cube, got 1.5"),
        ({"sigma0": 0.0}, "sigma0 must be a positive number, got 0.0"),
        ({"restarts": "often"}, "restarts must be 'ipop', 'bipop' or None, got 'often'"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        CMAES(**settings)
