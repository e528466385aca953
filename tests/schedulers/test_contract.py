"""What every scheduler must do: laws, over all of `skhpo.schedulers`."""

import copy
import dataclasses
import math
import pickle

import pytest
from _scheduling import N_SPLITS, Run, by_a, keys
from scipy.stats import randint

from skhpo import schedulers
from skhpo.optimizers import GaussianProcess, RandomSearch
from skhpo.schedulers import make_scheduler

ALL = [getattr(schedulers, name) for name in schedulers.__all__ if name[0].isupper()]


@pytest.fixture(params=ALL, ids=lambda cls: cls.__name__)
def spec(request):
    return request.param()


STORIES = {
    "good": by_a,
    "constant": lambda task: 1.0,
    "failing": lambda task: math.nan,
    "failing at times": lambda task: math.nan if task.candidate.id % 2 else by_a(task),
    "failing on a fold": lambda task: math.nan if task.split == 1 else by_a(task),
    "infinite": lambda task: -math.inf if task.candidate.id % 2 else math.inf,
}


class TestSpec:
    def test_is_a_value(self, spec):
        assert spec == type(spec)()
        assert hash(spec) == hash(type(spec)())
        assert spec == pickle.loads(pickle.dumps(spec)) == copy.deepcopy(spec)
        assert repr(spec).startswith(type(spec).__name__ + "(")

    def test_cannot_be_changed(self, spec):
        names = [field.name for field in dataclasses.fields(spec)] or ["anything"]
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
            setattr(spec, names[0], None)

    def test_starting_leaves_it_alone(self, spec):
        before = pickle.dumps(spec)
        Run(spec, by_a).go()
        assert pickle.dumps(spec) == before

    def test_two_runs_do_not_meet(self, spec):
        alone = keys(Run(spec, by_a).go())
        first, second = Run(spec, by_a), Run(spec, by_a)
        for _ in range(100):
            for run in (first, second):
                if (task := run.running.ask()) is not None:
                    run.tasks.append(task)
                    run.finish(task)
        assert keys(first) == keys(second) == alone


@pytest.mark.parametrize("window", [1, 2, 5, math.inf])
@pytest.mark.parametrize("story", STORIES)
class TestLaws:
    def test_every_task_once_and_of_a_split_that_is(self, spec, story, window):
        run = Run(spec, STORIES[story]).go(window)
        assert len(set(keys(run))) == len(run.tasks) > 0
        assert {task.split for task in run.tasks} <= set(range(N_SPLITS))

    def test_candidates_are_numbered_as_they_start(self, spec, story, window):
        run = Run(spec, STORIES[story]).go(window)
        ids = list(dict.fromkeys(task.candidate.id for task in run.tasks))
        assert ids == list(range(len(ids)))
        assert len(ids) <= 6

    def test_it_ends_and_stays_ended(self, spec, story, window):
        run = Run(spec, STORIES[story]).go(window)
        assert [run.running.ask() for _ in range(3)] == [None] * 3

    def test_the_optimiser_learns_of_each_candidate(self, spec, story, window):
        run = Run(spec, STORIES[story]).go(window)
        assert {observation.id for observation in run.told} == set(run.history.candidates)
        for observation in run.told:
            assert observation.status in ("complete", "stopped", "failed")
            assert (observation.status == "failed") == math.isnan(observation.score)

    def test_the_answer_is_a_function_of_the_window(self, spec, story, window):
        runs = [Run(spec, STORIES[story]).go(window) for _ in range(2)]
        assert keys(runs[0]) == keys(runs[1])


class TestOtherLaws:
    def test_one_split(self, spec):
        run = Run(spec, by_a, n_splits=1).go()
        assert {task.split for task in run.tasks} == {0}
        assert {task.candidate.id for task in run.tasks} == set(range(6))

    def test_an_exhausted_space(self, spec):
        run = Run(spec, by_a, space={"a": randint(0, 2)}).go(4)
        assert {task.candidate.params["a"] for task in run.tasks} == {0, 1}

    def test_one_that_learns(self, spec):
        run = Run(spec, by_a, optimizer=GaussianProcess(), n_iter=16).go(3)
        assert len(run.history.candidates) == 16

    def test_asking_without_telling_does_not_block(self, spec):
        run = Run(spec, by_a)
        tasks = [task for _ in range(500) if (task := run.running.ask()) is not None]
        assert len({task.key for task in tasks}) == len(tasks) <= 6 * N_SPLITS

    def test_pending_candidates_are_known_to_the_optimiser(self, spec):
        seen = []

        class Watched(RandomSearch):
            adaptive = True

            def start(self, space, *, seed, n_iter):
                running = super().start(space, seed=seed, n_iter=n_iter)
                original = running.ask

                def ask(pending, **about):
                    seen.append([(p.id, p.status, p.n_folds) for p in pending])
                    return original(pending, **about)

                running.ask = ask
                return running

        Run(spec, by_a, optimizer=Watched()).go(N_SPLITS + 1)
        assert all(status == "partial" for pending in seen for _, status, _ in pending)
        assert any(pending for pending in seen)


class TestMakeScheduler:
    def test_names(self):
        assert make_scheduler("cv") == schedulers.CrossValidation()

    def test_values(self, spec):
        assert make_scheduler(spec) is spec

    def test_unknown_names(self):
        with pytest.raises(ValueError, match=r"scheduler must be one of.*'cv'.*got 'csv'"):
            make_scheduler("csv")
