"""Rungs whose candidates do not all get all folds: laws of fold stopping in brackets."""

import math
from itertools import pairwise

import numpy as np
import pytest
from _scheduling import Run
from hypothesis import given, settings
from hypothesis import strategies as st

from skhpo.fold_stopping import (
    AggressiveStopping,
    BoundedStopping,
    ForgivingStopping,
    PairedStopping,
)
from skhpo.optimizers import GaussianProcess
from skhpo.schedulers import Hyperband, SuccessiveHalving

RULES = [PairedStopping(), ForgivingStopping(), AggressiveStopping(), BoundedStopping()]
SPECS = [
    SuccessiveHalving("n_trees", max_resources=27, min_resources=1),
    SuccessiveHalving("n_trees", max_resources=27, min_resources=9, aggressive_elimination=True),
    SuccessiveHalving("n_trees", max_resources=27, min_resources="auto"),
    Hyperband("n_trees", max_resources=27, min_resources=1),
    Hyperband("n_trees", max_resources=27, min_resources=1, promotion="asynchronous"),
]
whole_rungs = pytest.mark.parametrize("spec", SPECS[:4], ids=repr)
all_specs = pytest.mark.parametrize("spec", SPECS, ids=repr)
all_rules = pytest.mark.parametrize("rule", RULES, ids=repr)


def scores(seed, n_levels=10):
    """Good candidates, easy folds, and noise that shrinks as the resource grows; many are equal."""

    def score(task):
        rng = np.random.default_rng((seed, task.candidate.id, task.split, int(task.resource)))
        easy = 0.2 * np.random.default_rng((seed, task.split)).random()
        noise = 0.2 * rng.random() / math.sqrt(task.resource)
        return round((0.6 * task.candidate.params["a"] + easy + noise) * n_levels) / n_levels

    return score


def play(spec, rule, score, window=1, n_iter=27, n_splits=5):
    return Run(spec, score, n_iter=n_iter, n_splits=n_splits, rule=rule).go(window)


def rungs(run):
    """Ids of the candidates at each rung of each bracket, in order."""
    found = {}
    for (id_, amount), about in run.history.rows:
        if about["iter"] >= 0:
            found.setdefault((about.get("bracket", 0), about["iter"], amount), []).append(id_)
    return found


def n_done(run, id_, amount):
    return len(run.history.folds(id_, amount))


@whole_rungs
@settings(derandomize=True, max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), window=st.integers(1, 9), n_levels=st.sampled_from([5, 1000]))
def test_the_exact_rule_changes_nothing_but_the_number_of_fits(spec, seed, window, n_levels):
    score = scores(seed, n_levels)
    full = play(spec, None, score, window)
    less = play(spec, BoundedStopping(), score, window)
    assert rungs(full) == rungs(less)
    assert less.history.best_score == full.history.best_score
    assert less.history.n_fits <= full.history.n_fits
    assert less.history.n_fits + less.history.n_spared == full.history.n_fits


@all_specs
@all_rules
@pytest.mark.parametrize("window", [1, 4])
def test_who_climbs_had_all_folds(spec, rule, window):
    done = play(spec, rule, scores(1), window, n_iter=60)
    keys = [task.key for task in done.tasks]
    assert len(set(keys)) == len(keys) == done.history.n_fits
    for id_ in range(60):
        amounts = sorted(amount for other, amount in done.history.rungs if other == id_)
        assert all(n_done(done, id_, amount) == 5 for amount in amounts[:-1])
    assert all(1 <= n_done(done, *rung) <= 5 for rung in done.history.rungs)
    told = [(o.id, o.resource) for o in done.told]
    assert sorted(told) == sorted(done.history.rungs)  # each once
    for observation in done.told:
        n_folds = n_done(done, observation.id, observation.resource)
        assert observation.n_folds == n_folds
        assert observation.status == ("complete" if n_folds == 5 else "stopped")


@whole_rungs
@all_rules
def test_the_schedule_stays(spec, rule):
    full, less = play(spec, None, scores(2)), play(spec, rule, scores(2))
    assert [len(ids) for ids in rungs(full).values()] == [len(ids) for ids in rungs(less).values()]
    assert less.history.n_resources_used < full.history.n_resources_used
    spent = sum(task.resource for task in less.tasks) / 5
    assert less.history.n_resources_used == pytest.approx(spent)
    assert less.history.n_resources_spared == pytest.approx(full.history.n_resources_used - spent)


def test_as_many_as_climb_have_all_folds_and_the_others_one_look():
    done = play(SPECS[0], AggressiveStopping(), lambda task: task.candidate.params["a"])
    for below, above in pairwise(rungs(done).items()):
        (*_, amount), ids = below
        counts = [n_done(done, id_, amount) for id_ in ids]
        assert counts.count(5) == len(above[1])
        assert counts.count(1) == len(ids) - len(above[1])


def test_the_first_folds_come_first_and_then_the_most_promising():
    done = play(SPECS[0], PairedStopping(), lambda task: task.candidate.params["a"])
    first = [task for task in done.tasks if task.resource == 1]
    assert {task.candidate.id for task in first[:27]} == set(range(27))
    values = [task.candidate.params["a"] for task in first[27:]]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("window", [1, 5])
def test_who_cannot_be_lost_gets_all_folds_at_once(window):
    done = play(SPECS[0], PairedStopping(), scores(3), window)
    last = [task for task in done.tasks if task.resource == 27]
    assert [task.split for task in last] == [0, 1, 2, 3, 4]
    run = Run(SPECS[0], scores(3), n_iter=1, n_splits=5, rule=PairedStopping())
    assert [run.running.ask().split for _ in range(5)] == [0, 1, 2, 3, 4]


def test_a_failed_fold_is_the_last():
    def score(task):
        return math.nan if task.candidate.id % 2 and task.split == 1 else task.candidate.params["a"]

    done = play(SPECS[0], AggressiveStopping(), score)
    for (*_, iter_, _), ids in rungs(done).items():
        assert iter_ == 0 or all(id_ % 2 == 0 for id_ in ids)
    assert {o.status for o in done.told if o.id % 2} <= {"failed", "stopped"}


@whole_rungs
def test_where_all_of_a_rung_fail_the_same_climb(spec):
    def score(task):
        fails = task.resource < 27 and task.split == 2
        return math.nan if fails else task.candidate.params["a"]

    full, less = play(spec, None, score), play(spec, BoundedStopping(), score)
    assert rungs(full) == rungs(less)


@all_specs
@all_rules
@pytest.mark.parametrize("story", ["failing", "infinite", "constant"])
def test_odd_scores_come_to_an_end(spec, rule, story):
    if story == "infinite" and isinstance(rule, BoundedStopping):
        rule = BoundedStopping(1e300)
    odd = {
        "failing": lambda task: math.nan,
        "infinite": lambda task: -math.inf if task.candidate.id % 3 else 1e299,
        "constant": lambda task: 0.5,
    }
    done = play(spec, rule, odd[story], window=3)
    assert set(done.history.candidates) == set(range(27))
    assert len(done.told) == len(done.history.rungs)


def test_who_climbs_at_once_spares_others_too():
    done = play(SPECS[4], PairedStopping(), scores(1), n_iter=60)
    assert done.history.n_spared > 0
    iters = [about["iter"] for _, about in done.history.rows]
    assert iters.index(1) < 27  # the first climbs before all have entered


@all_specs
@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_candidates_and_two_folds(spec, n):
    done = play(spec, AggressiveStopping(), scores(4), n_iter=n, n_splits=2)
    assert len(done.history.candidates) == n
    assert done.history.best_score > -math.inf


@all_specs
def test_the_answer_is_the_same_for_the_same_window(spec):
    def keys(window):
        return [task.key for task in play(spec, PairedStopping(), scores(5), window).tasks]

    assert keys(4) == keys(4)


@pytest.mark.parametrize("spec", [SPECS[0], SPECS[3]], ids=repr)
def test_an_optimiser_that_learns_knows_one_candidate_before_it_proposes_the_next(spec):
    run = Run(
        spec,
        scores(6),
        n_iter=27,
        n_splits=5,
        rule=PairedStopping(),
        optimizer=GaussianProcess(),
    ).go()
    first = [task.candidate.id for task in run.tasks if task.resource == 1]
    assert first == sorted(first)
    assert run.history.n_spared > 0
