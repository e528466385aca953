"""What every optimiser must do: laws, over all of `skhpo.optimizers`."""

import copy
import dataclasses
import math
import pickle

import numpy as np
import pytest
from scipy.stats import expon, loguniform, norm, randint, uniform

from skhpo import optimizers
from skhpo._records import Observation
from skhpo.space import SearchSpace

ALL = [getattr(optimizers, name) for name in optimizers.__all__ if name[0].isupper()]


class OnlyDraws:
    """A distribution that can only draw."""

    def rvs(self, random_state=None):
        return random_state.random()


SPACES = {
    "one number": {"x": uniform(0, 1)},
    "numbers": {"x": uniform(0, 1), "C": loguniform(1e-3, 1e3), "n": randint(1, 50)},
    "unbounded": {"x": norm(0, 1), "y": expon(scale=3)},
    "choices": {"a": list("abc"), "b": [True, False]},
    "mixed": {"x": uniform(0, 1), "a": list("abc"), "d": [None, 1, 2, 4], "k": ["one"]},
    "list of dicts": [
        {"kernel": ["rbf"], "C": loguniform(1e-3, 1e3), "gamma": loguniform(1e-5, 1)},
        {"kernel": ["linear"], "C": loguniform(1e-3, 1e3)},
        {"kernel": ["poly"], "degree": [2, 3, 4], "shrinking": [True, False]},
    ],
    "seeds": {"a": OnlyDraws()},
    "seeds and numbers": {"a": OnlyDraws(), "x": uniform(0, 1)},
    "one value drawn": {"x": uniform(0, 1), "n": randint(3, 4)},
    "one setting": {"a": [1], "b": ["only"]},
    "empty": {},
    "two settings": {"a": [1, 2]},
}
WIDE = {
    "40 numbers": {f"x{i}": uniform(0, 1) for i in range(40)},
    "50 levels": {f"a{i}": [f"level {k}" for k in range(50)] for i in range(5)},
}


@pytest.fixture(params=ALL, ids=lambda cls: cls.__name__)
def spec(request):
    return request.param()


@pytest.fixture(params=SPACES)
def space(request):
    return SearchSpace(SPACES[request.param])


@pytest.fixture
def mixed():
    return SearchSpace(SPACES["mixed"])


def rng_of(index, seed=0):
    return np.random.default_rng([seed, index + 1])


def score_of(point):
    return -float(np.nansum((point - 0.3) ** 2))


def search(spec, space, n, score=score_of, seed=0, **about):
    """A serial search; returns the running optimiser and its suggestions."""
    running, points = spec.start(space, seed=seed, n_iter=n), []
    for index in range(n):
        point = running.ask((), index=index, rng=rng_of(index, seed)).point
        running.tell(Observation(point, score(point), id=index, **about))
        points.append(point)
    return running, points


def ask(running, index, pending=()):
    return running.ask(pending, index=index, rng=rng_of(index)).point


def is_point(point, space):
    active = space.active[space.branch(point[None])[0]] if space.n_dims else np.empty(0, bool)
    return point.shape == (space.n_dims,) and bool(
        np.all((point[active] >= 0) & (point[active] <= 1))
    )


class TestSpec:
    def test_is_a_value(self, spec):
        assert spec == type(spec)()
        assert hash(spec) == hash(type(spec)())
        assert spec == pickle.loads(pickle.dumps(spec)) == copy.deepcopy(spec)
        assert isinstance(spec.adaptive, bool)

    def test_cannot_be_changed(self, spec):
        names = [field.name for field in dataclasses.fields(spec)] or ["adaptive"]
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(spec, names[0], None)

    def test_two_searches_do_not_meet(self, spec, mixed):
        alone = np.array(search(spec, mixed, 14)[1])
        first, second = (spec.start(mixed, seed=0, n_iter=14) for _ in range(2))
        for index in range(14):
            point = ask(first, index)
            np.testing.assert_array_equal(point, alone[index])
            first.tell(Observation(point, score_of(point)))
            second.tell(Observation(point, -score_of(point)))


class TestSpaces:
    def test_suggestions_are_points_of_the_space(self, spec, space):
        for point in search(spec, space, 16)[1]:
            assert is_point(point, space)
            assert space.contains(space.from_unit(point)) or space.dims[0].kind == "opaque"

    @pytest.mark.parametrize("name", WIDE)
    def test_wide_spaces(self, spec, name):
        space = SearchSpace(WIDE[name])
        assert all(is_point(point, space) for point in search(spec, space, 14)[1])

    def test_more_asked_than_there_is(self, spec):
        space = SearchSpace(SPACES["choices"])
        assert all(is_point(point, space) for point in search(spec, space, 20)[1])

    def test_every_setting_of_a_small_space_is_found(self, spec):
        if not spec.adaptive:
            pytest.skip("draws without memory repeat themselves")
        space = SearchSpace(SPACES["choices"])
        _, points = search(spec, space, 6)
        assert len({space.key(space.from_unit(point)) for point in points}) == 6

    def test_a_constraint_is_kept(self, spec):
        if not spec.adaptive:
            pytest.skip("the caller rejects what is forbidden")
        space = SearchSpace({"x": uniform(0, 1), "y": uniform(0, 1)}, constraint=lowest)
        _, points = search(spec, space, 20, score=lambda point: point.sum())
        assert all(space.feasible(point) for point in points)


def lowest(params):
    return params["x"] + params["y"] < 0.6


SCORES = {
    "constant": lambda k: 0.5,
    "failed": lambda k: math.nan,
    "mostly failed": lambda k: 0.1 * k if k % 5 == 0 else math.nan,
    "infinite": lambda k: [math.inf, -math.inf, 0.5][k % 3],
    "huge": lambda k: (-1) ** k * 1e300,
    "hopeless": lambda k: [-1e30, 0.5 + 0.01 * k][k % 2],
    "tiny": lambda k: 1e-300 * k,
    "steps": lambda k: k // 4,
    "largest": lambda k: [np.finfo(float).max, -np.finfo(float).max][k % 2],
}


class TestScores:
    @pytest.mark.parametrize("name", SCORES)
    def test_any_score(self, spec, mixed, name):
        running = spec.start(mixed, seed=0, n_iter=30)
        for index in range(24):
            point = ask(running, index)
            assert is_point(point, mixed)
            score = SCORES[name](index)
            status = "complete" if math.isfinite(score) else "failed"
            running.tell(Observation(point, score, status=status, id=index))

    def test_statuses_folds_and_resources(self, spec, mixed):
        running, rng = spec.start(mixed, seed=0, n_iter=30), np.random.default_rng(0)
        for k in range(20):
            status = ["complete", "partial", "stopped", "failed"][k % 4]
            score = math.nan if status == "failed" else rng.random()
            folds, resource = [5, 2, 1, 0][k % 4], [None, 1.0, 9.0][k % 3]
            point = rng.random(mixed.n_dims)
            running.tell(Observation(point, score, 0.1, folds, resource, status, k))
            assert is_point(ask(running, k), mixed)


class TestTelling:
    def test_points_it_never_asked_for_in_any_order(self, spec, space):
        rng = np.random.default_rng(0)
        points = space.snap(rng.random((15, space.n_dims)))
        running = spec.start(space, seed=0, n_iter=30)
        for k in rng.permutation(15):
            running.tell(Observation(points[k], score_of(points[k]), id=int(k)))
        assert is_point(ask(running, 0), space)

    def test_a_setting_told_twice(self, spec, mixed):
        running, points = search(spec, mixed, 6)
        for _ in range(2):
            for point in points:
                running.tell(Observation(point, score_of(point)))
        assert is_point(ask(running, 6), mixed)

    def test_told_before_asked(self, spec, mixed):
        """A resumed search goes on as the first one would have."""
        running, points = search(spec, mixed, 16)
        resumed = spec.start(mixed, seed=0, n_iter=99)
        for index, point in enumerate(points):
            resumed.tell(Observation(point, score_of(point), id=index))
        np.testing.assert_array_equal(ask(running, 16), ask(resumed, 16))

    def test_what_is_told_is_left_alone(self, spec, mixed):
        running, points = search(spec, mixed, 12)
        copies = copy.deepcopy(points)
        observation = Observation(points[0], 0.5)
        running.tell(observation)
        expected = ask(running, 12)
        np.testing.assert_array_equal(points, copies)
        points[0][:] = 0.123  # and what the caller does to its arrays later changes nothing
        np.testing.assert_array_equal(ask(running, 12), expected)


class TestAsking:
    def test_asking_changes_nothing(self, spec, mixed):
        running, points = search(spec, mixed, 13)
        expected = ask(running, 13)
        for index in (13, 40, 2):
            ask(running, index, [Observation(points[1], math.nan, n_folds=0, status="partial")])
        np.testing.assert_array_equal(ask(running, 13), expected)

    def test_asking_less_often_changes_nothing(self, spec, mixed):
        first, points = search(spec, mixed, 25)
        second = spec.start(mixed, seed=0, n_iter=25)
        for index, point in enumerate(points):
            if index % 7 == 0:
                ask(second, index)
            second.tell(Observation(point, score_of(point), id=index))
        np.testing.assert_array_equal(ask(first, 25), ask(second, 25))

    def test_the_seed_matters(self, spec, mixed):
        points = [np.array(search(spec, mixed, 8, seed=seed)[1]) for seed in (0, 1)]
        assert not np.array_equal(*points, equal_nan=True)

    def test_indices_differ(self, spec, mixed):
        running, _ = search(spec, mixed, 12)
        assert not np.array_equal(ask(running, 12), ask(running, 15), equal_nan=True)

    @pytest.mark.parametrize("told", [0, 1, 3, 12])
    def test_more_pending_than_told(self, spec, space, told):
        running, _ = search(spec, space, told)
        pending = []
        for index in range(told, told + 14):
            point = ask(running, index, pending)
            assert is_point(point, space)
            pending.append(Observation(point, math.nan, n_folds=0, status="partial", id=index))

    def test_pending_settings_are_not_suggested_again(self, spec, mixed):
        if not spec.adaptive:
            pytest.skip("draws without memory")
        running, points = search(spec, mixed, 12)
        pending, keys = [], {mixed.key(mixed.from_unit(point)) for point in points}
        for index in range(12, 20):
            point = ask(running, index, pending)
            pending.append(Observation(point, math.nan, n_folds=0, status="partial", id=index))
            keys.add(mixed.key(mixed.from_unit(point)))
        assert len(keys) == 20

    def test_first_folds_of_pending_ones(self, spec, mixed):
        running, points = search(spec, mixed, 12, n_folds=5)
        rng = np.random.default_rng(0)
        pending = [
            Observation(rng.random(mixed.n_dims), score, n_folds=folds, status="partial")
            for score, folds in [(0.3, 2), (math.nan, 0), (-9.0, 4), (math.nan, 1)]
        ]
        before = pickle.dumps([(p.point, p.score) for p in pending])
        assert is_point(ask(running, 12, pending), mixed)
        assert pickle.dumps([(p.point, p.score) for p in pending]) == before
        assert points is not None
