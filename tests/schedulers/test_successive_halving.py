"""The rungs of successive halving, on tables of scores."""

import math
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from _scheduling import Run, by_a
from hypothesis import given, settings
from hypothesis import strategies as st

from skhpo.results import ranks
from skhpo.schedulers import SuccessiveHalving
from skhpo.schedulers._rungs import log_floor


def halving(**settings):
    return SuccessiveHalving(
        "n_estimators", **{"max_resources": 27, "min_resources": 1, **settings}
    )


def from_one(**settings):
    """Halving of an estimator's parameter, which begins at 1."""
    spec = halving(**settings)
    return SimpleNamespace(start=partial(spec.start, n_samples=99, smallest=1))


def rungs(run):
    """Ids of the candidates at each rung, in order."""
    found = {}
    for (id_, amount), about in run.history.rows:
        found.setdefault((about["iter"], amount), []).append(id_)
    return found


def sizes(run):
    return [(amount, len(ids)) for (_, amount), ids in rungs(run).items()]


@given(st.integers(1, 10**12), st.integers(2, 12))
def test_logarithms_are_exact(n, factor):
    k = log_floor(n, factor)
    assert factor**k <= n < factor ** (k + 1)


def test_no_slip_where_floats_have_one():
    assert math.floor(math.log(243, 3)) == 4
    assert log_floor(243, 3) == 5


def test_the_best_climb():
    run = Run(halving(), by_a, n_iter=27).go()
    assert sizes(run) == [(1, 27), (3, 9), (9, 3), (27, 1)]
    found = list(rungs(run).values())
    value = {c.id: c.params["a"] for c in run.history.candidates.values()}
    for below, above in pairwise(found):
        assert sorted(above, key=value.get) == sorted(below, key=value.get)[-len(above) :]
        assert above == sorted(above, key=value.get)  # worst first


def test_nobody_gets_an_amount_twice():
    run = Run(halving(aggressive_elimination=True, min_resources=9), by_a, n_iter=27).go()
    assert sizes(run) == [(9, 27), (9, 9), (9, 3), (27, 1)]
    assert len(run.tasks) == (27 + 1) * 3


def test_exhaust():
    run = Run(from_one(min_resources="exhaust"), by_a, n_iter=9).go()
    assert sizes(run) == [(3, 9), (9, 3), (27, 1)]
    run = Run(halving(n_candidates="exhaust", min_resources=3), by_a, n_iter=99).go()
    assert sizes(run) == [(3, 9), (9, 3), (27, 1)]


def test_no_amount_is_probed_twice():
    """Powers of 1.5 in whole numbers: 1, 1, 2, 3, 5, ..."""
    run = Run(from_one(min_resources="auto", factor=1.5), lambda task: 1.0, n_iter=9).go()
    keys = [task.key for task in run.tasks]
    assert len(set(keys)) == len(keys)


def test_equals():
    run = Run(halving(), lambda task: 1.0, n_iter=9).go()
    assert list(rungs(run).values())[1] == [6, 7, 8]  # the later ones, as in scikit-learn


def test_failures_do_not_climb_while_others_live():
    run = Run(halving(), lambda t: by_a(t) if t.candidate.id in (2, 5) else math.nan, n_iter=27)
    found = list(rungs(run.go()).values())
    assert set(found[1]) == {2, 5}
    assert len(found[2]) == 1


def test_where_all_failed_some_get_more():
    run = Run(halving(), lambda t: math.nan if t.resource == 1 else by_a(t), n_iter=27).go()
    assert sizes(run) == [(1, 27), (3, 9), (9, 3), (27, 1)]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 8), st.integers(1, 40), st.sampled_from([2, 2.5, 3, 4]))
def test_any_numbers(n, least, more, factor):
    spec = halving(factor=factor, min_resources=least, max_resources=least + more)
    schedule = sizes(Run(spec, by_a, n_iter=n).go(4))
    counts = [count for _, count in schedule]
    assert counts[0] == n
    assert all(k == math.ceil(i / factor) for i, k in pairwise(counts))
    assert all(least <= amount <= least + more for amount, _ in schedule)
    assert len(counts) == 1 or counts[-2] >= factor


def misleading(upto):
    """Up to an amount scores are mere noise."""

    def score(task):
        rng = np.random.default_rng((task.candidate.id, int(task.resource)))
        return rng.random() if task.resource <= upto else by_a(task)

    return score


@pytest.mark.parametrize(("upto", "first"), [(0, 1), (1, 3), (3, 9), (9, 27)])
def test_the_first_rung_is_where_ranks_agree(upto, first):
    run = Run(from_one(min_resources="auto", max_resources=81), misleading(upto), n_iter=27).go(3)
    assert run.history.schedule["min_resources_"] == first
    places = rungs(run)
    assert len(places[0, first]) == 27
    assert len({task.key for task in run.tasks}) == len(run.tasks)
    probed = [ids for (rung, _), ids in places.items() if rung == -1]
    assert all(set(ids) <= set(range(9)) for ids in probed)


def test_a_misled_search_is_led():
    def winner(least):
        run = Run(from_one(min_resources=least), misleading(1), n_iter=27).go()
        value = {c.id: c.params["a"] for c in run.history.candidates.values()}
        (last,) = list(dict.fromkeys(i for (i, amount), _ in run.history.rows if amount == 27))[-1:]
        return value[last], max(value.values())

    assert winner("auto")[0] == winner("auto")[1]
    assert winner(1)[0] < winner(1)[1]


def test_least_above_most():
    with pytest.raises(ValueError, match=r"max_resources=3 and min_resources=4"):
        Run(halving(min_resources=4, max_resources=3), by_a)


@pytest.mark.parametrize("n_tasks", range(81, 120))
def test_a_stop_amid_a_rung_leaves_the_best(n_tasks):
    """The best climb first: those that have more than the others must not be the poorest."""
    run = Run(halving(), by_a, n_iter=27)
    for _ in range(n_tasks):
        task = run.running.ask()
        run.tasks.append(task)
        run.finish(task)
    values = [candidate.params["a"] for candidate in run.history.candidates.values()]
    best = int(np.argmin(ranks(run.history, "score")))
    assert run.history.candidates[run.history.rows[best][0][0]].params["a"] == max(values)
