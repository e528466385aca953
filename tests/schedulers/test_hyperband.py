"""Brackets of Hyperband against exact integers, and promotion in step and at once."""

import math
from fractions import Fraction
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from _scheduling import Run, by_a, keys
from hypothesis import given, settings
from hypothesis import strategies as st

from skhpo._records import Suggestion
from skhpo.optimizers import GaussianProcess
from skhpo.schedulers import Hyperband, SuccessiveHalving


def hyperband(continuation=None, **settings):
    spec = Hyperband("n_estimators", **{"n_sweeps": 1, "max_resources": 81, **settings})
    about = {"n_samples": 99, "smallest": 1, "continuation": continuation}
    return SimpleNamespace(start=partial(spec.start, **about))


def run(n_iter=143, window=1, score=by_a, **settings):
    return Run(hyperband(**settings), score, n_iter=n_iter, n_splits=1).go(window)


def rungs(done):
    """Ids of the candidates at each rung of each bracket."""
    found = {}
    for (id_, amount), about in done.history.rows:
        found.setdefault((about["bracket"], amount), []).append(id_)
    return found


def sizes(done):
    table = {}
    for (bracket, _), ids in rungs(done).items():
        table.setdefault(bracket, []).append(len(ids))
    return list(table.values())


PAPER = [[81, 27, 9, 3, 1], [34, 11, 3, 1], [15, 5, 1], [8, 2], [5]]


class TestBrackets:
    @pytest.mark.parametrize(
        ("R", "expected"),
        [
            (81, [(81, 1), (34, 3), (15, 9), (8, 27), (5, 81)]),
            (27, [(27, 1), (12, 3), (6, 9), (4, 27)]),
            (243, [(243, 1), (98, 3), (41, 9), (18, 27), (9, 81), (6, 243)]),
        ],
    )
    def test_of_the_paper(self, R, expected):
        plans = Hyperband().brackets(1, R)
        assert [(plan.n_candidates, plan.resources[0]) for plan in plans] == expected

    @given(st.integers(1, 10**15), st.integers(1, 10**4), st.integers(2, 9))
    def test_exact_integers(self, most, least, eta):
        most = max(most, least)
        plans = Hyperband(factor=eta).brackets(least, most)
        s_max = len(plans) - 1
        assert least * eta**s_max <= most < least * eta ** (s_max + 1)
        for s, plan in zip(range(s_max, -1, -1), plans, strict=True):
            assert plan.n_candidates == math.ceil(Fraction((s_max + 1) * eta**s, s + 1))
            assert plan.resources == tuple(most // eta**k for k in range(s, -1, -1))
            assert plan.resources[0] >= least
            assert plan.resources[-1] == most

    def test_integers_of_numpy(self):
        most = np.int64(3**38)
        amounts = Hyperband(max_resources=most, min_resources=np.int8(1)).amounts(9, 1)
        assert [type(amount) for amount in amounts] == [int, int]
        assert Hyperband().brackets(*amounts) == Hyperband().brackets(1, 3**38)

    def test_units(self):
        done = run()
        assert sizes(done) == PAPER
        assert done.history.n_resources_used == 1902
        assert done.history.schedule["brackets_"][1] == (34, 3)

    @pytest.mark.parametrize("window", [1, 3, 40])
    def test_the_best_climb_in_any_window(self, window):
        done = run(window=window)
        assert sizes(done) == PAPER
        value = {c.id: c.params["a"] for c in done.history.candidates.values()}
        found = rungs(done)
        for (bracket, amount), ids in found.items():
            below = found.get((bracket, amount // 3))
            if below:
                assert set(ids) == set(sorted(below, key=value.get)[-len(ids) :])

    def test_sweeps(self):
        assert sizes(run(n_iter=999, n_sweeps=2)) == PAPER * 2
        assert len(run(n_iter=200, n_sweeps=None).history.candidates) == 200

    def test_a_first_rung_from_the_scores(self):
        done = run(min_resources="auto")
        assert done.history.schedule["min_resources_"] == 1
        assert sizes(done)[:4] == PAPER[:4]


class Models:
    """Lets candidates go on, and notes the ids of those who do not any more."""

    def __init__(self, applies=lambda candidate: True):
        self.applies = applies
        self.forgotten = []

    def forget(self, candidate_id):
        """Note it."""
        self.forgotten.append(candidate_id)


class TestGoingOn:
    def test_units(self):
        done = run(continuation=Models())
        assert sizes(done) == PAPER
        assert done.history.n_resources_used == 1581
        first = [task for task in done.tasks if task.candidate.id < 81]
        assert sum(task.resource for task in first) == 405
        assert sum(task.resource - getattr(task.continues, "resource", 0) for task in first) == 297

    @pytest.mark.parametrize("promotion", ["synchronous", "asynchronous"])
    @pytest.mark.parametrize("window", [1, 7])
    @pytest.mark.parametrize("least", [1, "auto"])
    def test_with_the_fit_before_it_of_the_same_candidate(self, promotion, window, least):
        done = run(continuation=Models(), promotion=promotion, window=window, min_resources=least)
        told = {}
        for task in done.tasks:
            below = [r for r in told.get(task.candidate.id, {}) if r < task.resource]
            if below:
                assert task.continues is told[task.candidate.id][max(below)]
                assert task.continues.goes_on
            else:
                assert task.continues is None
            told.setdefault(task.candidate.id, {})[task.resource] = task
            assert task.goes_on == (task.resource < 81)

    @pytest.mark.parametrize("promotion", ["synchronous", "asynchronous"])
    def test_who_goes_no_further_is_forgotten_once(self, promotion):
        models = Models()
        done = run(continuation=models, promotion=promotion)
        assert sorted(models.forgotten) == sorted(done.history.candidates)

    def test_nobody_is_forgotten_who_goes_on(self):
        models = Models()
        done = Run(hyperband(models), by_a, n_iter=143, n_splits=1)
        while (task := done.running.ask()) is not None:
            assert task.candidate.id not in models.forgotten
            done.finish(task)

    def test_only_who_can(self):
        done = run(continuation=Models(lambda candidate: candidate.id % 2 == 0))
        for task in done.tasks:
            if task.candidate.id % 2:
                assert task.continues is None
                assert not task.goes_on

    def test_not_with_a_fit_that_failed(self):
        done = run(
            score=lambda task: math.nan if task.resource == 1 else by_a(task),
            continuation=Models(),
            n_iter=81,
        )
        assert done.history.n_failed == 81
        assert all(task.continues is None for task in done.tasks if task.resource == 3)
        assert all(task.continues is not None for task in done.tasks if task.resource == 9)


class TestAsynchronous:
    def test_nobody_waits(self):
        done = run(n_iter=9, max_resources=9, promotion="asynchronous")
        amounts = [task.resource for task in done.tasks[:5]]
        assert amounts == [1, 1, 1, 3, 1]

    @settings(max_examples=30, deadline=None)
    @given(st.integers(1, 12), st.integers(1, 81))
    def test_rungs_hold_no_less_and_little_more(self, window, n_iter):
        done = run(n_iter=n_iter, window=window, promotion="asynchronous")
        for counts in sizes(done)[:1]:
            for n, k in pairwise(counts):
                assert max(1, n // 3) <= k <= n

    def test_the_best_is_found(self):
        done = run(promotion="asynchronous", window=4)
        value = {c.id: c.params["a"] for c in done.history.candidates.values()}
        first = [ids for (bracket, _), ids in rungs(done).items() if bracket == 0]
        assert max(first[0], key=value.get) in rungs(done)[0, 81]

    def test_reproducible_in_a_window(self):
        runs = [run(n_iter=60, window=5, promotion="asynchronous") for _ in range(2)]
        assert keys(runs[0]) == keys(runs[1])


def test_a_model_learns_from_all_rungs():
    done = Run(
        hyperband(max_resources=9), by_a, n_iter=17, n_splits=1, optimizer=GaussianProcess()
    ).go()
    assert {observation.resource for observation in done.told} == {1, 3, 9}
    assert len(done.told) == len(done.history.rungs)


@pytest.mark.parametrize("n_failing", [0, 2])
def test_of_more_probed_than_there_are_places_for_the_best_enter(n_failing):
    """No two amounts agree, so that brackets begin with 27, for three and for two candidates."""

    def score(task):
        turn = 1 if task.resource in (1, 9, 81) else -1
        return math.nan if task.candidate.id < n_failing else turn * task.candidate.params["a"]

    done = run(min_resources="auto", score=score)
    value = {c.id: c.params["a"] for c in done.history.candidates.values()}
    by_last_score = sorted(range(9), key=lambda id_: (id_ < n_failing, value[id_]))
    found = rungs(done)
    assert found[0, 27] == by_last_score[:3]
    assert found[1, 81] == by_last_score[3:5]


@pytest.mark.parametrize("spec", [SuccessiveHalving, Hyperband])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("factor", [1, 0.5, math.inf, "3"]),
        ("max_resources", [0, 9.5, "all", True, None]),
        ("min_resources", [0, 2.5, "exhausted", None]),
        ("resource", [None, 3]),
    ],
)
def test_values_of_both_are_checked(spec, name, values):
    for value in values:
        message = f"{name} of {spec.__name__} must be .*; got {value!r}"
        with pytest.raises(ValueError, match=message):
            spec(**{name: value})


@pytest.mark.parametrize(
    ("spec", "name", "value"),
    [
        (Hyperband, "promotion", "fast"),
        (Hyperband, "factor", 2.5),
        (Hyperband, "n_sweeps", 0),
        (Hyperband, "min_resources", "exhaust"),
        (SuccessiveHalving, "n_candidates", 9),
    ],
)
def test_values_are_checked(spec, name, value):
    with pytest.raises(ValueError, match=f"{name} of {spec.__name__} must be .*; got {value!r}"):
        spec(**{name: value})


class Diary(GaussianProcess):
    """Suggests uniform points, and notes how much was told before each."""

    def start(self, space, *, seed, n_iter):
        """Begin."""
        diary, told = self.diary, []

        def ask(pending, *, index, rng):
            diary.append([observation.resource for observation in told])
            return Suggestion(rng.random(space.n_dims), "diary")

        return SimpleNamespace(ask=ask, tell=told.append)


@pytest.mark.parametrize("least", [1, "auto"])
@pytest.mark.parametrize("promotion", ["synchronous", "asynchronous"])
def test_a_model_waits_until_somebody_got_everything(promotion, least):
    optimizer = Diary()
    object.__setattr__(optimizer, "diary", [])
    spec = hyperband(promotion=promotion, min_resources=least)
    done = Run(spec, by_a, n_iter=143, n_splits=1, optimizer=optimizer).go()
    assert any(optimizer.diary)
    for told in optimizer.diary:
        assert not told or 81 in told
    assert len(done.told) == len(done.history.rungs)


def test_one_in_three_is_drawn_at_random_where_a_model_proposes():
    optimizer = Diary()
    object.__setattr__(optimizer, "diary", [])
    done = Run(hyperband(), by_a, n_iter=143, n_splits=1, optimizer=optimizer).go()
    sources = [done.history.candidates[i].source for i in range(143)]
    assert sources[:6] == ["diary", "diary", "random"] * 2
    assert sources.count("random") == 143 // 3
