"""Every candidate gets every fold, in the splitter's own order."""

import math

import pytest
from _scheduling import N_SPLITS, Run, by_a, keys

from skhpo.schedulers import CrossValidation


@pytest.mark.parametrize("window", [1, 2, 4, math.inf])
@pytest.mark.parametrize("score", [by_a, lambda task: math.nan])
def test_fold_after_fold_candidate_after_candidate(window, score):
    run = Run(CrossValidation(), score, n_iter=4).go(window)
    assert keys(run) == [(id_, split, None) for id_ in range(4) for split in range(N_SPLITS)]


def test_the_optimiser_learns_the_mean_of_all_folds():
    run = Run(CrossValidation(), by_a, n_iter=4).go()
    for observation in run.told:
        drawn = run.history.candidates[observation.id].params["a"]
        assert observation.score == pytest.approx(drawn + 0.1)
        assert observation.noise == pytest.approx(0.1 / math.sqrt(3))
        assert (observation.n_folds, observation.status) == (N_SPLITS, "complete")


def test_the_optimiser_learns_as_soon_as_the_last_fold_is_there():
    run = Run(CrossValidation(), by_a, n_iter=2)
    for _ in range(N_SPLITS - 1):
        run.finish(run.running.ask())
    assert not run.told
    run.finish(run.running.ask())
    assert [observation.id for observation in run.told] == [0]


def test_folds_may_be_told_in_any_order():
    run = Run(CrossValidation(), by_a, n_iter=2)
    tasks = [run.running.ask() for _ in range(2 * N_SPLITS)]
    for task in reversed(tasks):
        run.finish(task)
    assert [observation.id for observation in run.told] == [1, 0]
    assert run.running.ask() is None


def test_a_candidate_is_failed_when_a_fold_is():
    run = Run(CrossValidation(), lambda task: math.nan if task.split == 1 else 1.0, n_iter=1).go()
    assert [observation.status for observation in run.told] == ["failed"]
    assert len(run.tasks) == N_SPLITS
