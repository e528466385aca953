"""Laws that hold for any space, any failures, any window."""

import math

import numpy as np
import pytest
from _estimators import Dial, fail
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import loguniform, randint, uniform

from skhpo import SearchCV
from skhpo.space import SearchSpace
from skhpo.stopping import MaxFits

X, Y = np.zeros((6, 1)), np.arange(6) % 2
quick = settings(derandomize=True, database=None, deadline=None, max_examples=40)

numbers = st.sampled_from(
    [uniform(0, 1), loguniform(0.1, 10), randint(0, 3), [0, 1], [0.0, 0.5, 1.0], [2], range(4)]
)
words = st.sampled_from([["x", "y"], ["x", None, 1], [(1, 2), [1, 2]], [None]])
dicts = st.fixed_dictionaries(
    {}, optional={"a": numbers | st.just([1, fail, 2]), "b": numbers, "tag": words}
).filter(bool)
spaces = dicts | st.lists(dicts, min_size=1, max_size=3)
known = st.fixed_dictionaries(
    {}, optional={"a": st.sampled_from([0, 0.5, 1, 9]), "b": st.just(1), "tag": st.just("x")}
)
cases = st.fixed_dictionaries(
    {
        "param_distributions": spaces,
        "n_iter": st.integers(2, 9),
        "optimizer": st.sampled_from(["random", "sobol", "bayes"]),
        "pre_dispatch": st.integers(1, 5),
        "cv": st.integers(2, 3),
        "error_score": st.sampled_from([math.nan, 0.0]),
        "initial_params": st.none() | st.lists(known, max_size=2),
        "stopping": st.none() | st.integers(2, 20).map(MaxFits),
        "random_state": st.integers(0, 3),
    }
)


def fitted(case):
    """A fitted search; None when everything failed."""
    made = SearchCV(Dial(), refit=False, **case)
    try:
        return made.fit(X, Y)
    except ValueError as error:
        if "fits failed" not in str(error):
            raise
        return None


def grid_size(space):
    return len(list(space.grid())) if space.is_grid else math.inf


@pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.FitFailedWarning",
    "ignore:One or more of the test scores",
    "ignore:No candidate was evaluated on all",
)
class TestLaws:
    @quick
    @given(cases)
    def test_candidates(self, case):
        made, space = fitted(case), SearchSpace(case["param_distributions"])
        found = list(made.history_.candidates.values()) if made else []
        known = case["initial_params"] or []
        assert [one.id for one in found] == list(range(len(found)))
        assert len({space.key(one.params) for one in found}) == len(found)
        most = max(case["n_iter"], min(grid_size(space), case["n_iter"]) + len(known))
        assert len(found) <= most
        for one in found:
            assert one.source in ("initial", "default", "grid", "random", "sobol", "bayes", "init")
            if one.source == "initial":
                assert one.params in known
            elif one.source != "default" or one.params not in known:
                assert space.contains(one.params)

    @quick
    @given(cases)
    def test_results(self, case):
        made = fitted(case)
        if made is None:
            return
        results, history = made.cv_results_, made.history_
        n = history.n_candidates
        assert {len(column) for column in results.values()} == {n}
        assert history.n_fits <= n * case["cv"]
        if case["stopping"] is None:
            assert history.n_fits == n * case["cv"]
        rank = results["rank_test_score"]
        assert sorted(rank)[0] == 1
        assert rank[made.best_index_] == 1
        assert made.best_params_ is results["params"][made.best_index_]

    @quick
    @given(cases)
    def test_failed_then_incomplete_then_by_score(self, case):
        made = fitted(case)
        if made is None:
            return
        table = made.history_.to_dict()
        keys = []
        for id_ in made.history_.candidates:
            mine = table["candidate"] == id_
            scores = table.get("test_score", np.full(len(mine), math.nan))[mine]
            failed = (table["status"][mine] == "failed").any()
            keys.append((not failed, mine.sum(), -math.inf if failed else np.average(scores)))
        keys = [key if key[0] else (False,) for key in keys]
        expected = [1 + sum(other > key for other in keys) for key in keys]
        assert made.cv_results_["rank_test_score"].tolist() == expected

    @quick
    @given(cases)
    def test_the_same_again(self, case):
        first, second = fitted(case), fitted(case)
        assert (first is None) == (second is None)
        if first is not None:
            assert repr(first.cv_results_["params"]) == repr(second.cv_results_["params"])
