"""Rules that end a search."""

import copy
import math
import pickle

import numpy as np
import pytest
from _estimators import Dial
from _histories import history
from scipy.stats import uniform
from sklearn.base import clone
from sklearn.dummy import DummyClassifier

from skhpo import HalvingRandomSearchCV, SearchCV, stopping
from skhpo.history import History
from skhpo.stopping import MaxFits, MaxResources, MaxTime, NoImprovement, StoppingRule, TargetScore

EXAMPLES = {  # a rule of each kind, and the same with another argument
    "MaxFits": (MaxFits(3), MaxFits(4)),
    "MaxResources": (MaxResources(100), MaxResources(0.5)),
    "MaxTime": (MaxTime(1.5), MaxTime(2)),
    "NoImprovement": (NoImprovement(2), NoImprovement(2, min_delta=0.1)),
    "TargetScore": (TargetScore(0.9), TargetScore(-1)),
}
NAMES = sorted(set(stopping.__all__) - {"StoppingRule"})


def stops(rule, *rows, elapsed=0.0):
    made = history([[row] for row in rows], 1)
    made.elapsed = elapsed
    return rule(made)


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    def test_is_a_value(self, name):
        rule, other = EXAMPLES[name]
        for same in (
            pickle.loads(pickle.dumps(rule)),
            copy.deepcopy(rule),
            clone(rule, safe=False),
        ):
            assert same == rule
            assert hash(same) == hash(rule)
        assert rule != other
        assert isinstance(rule, getattr(stopping, name))
        assert isinstance(rule, StoppingRule)

    def test_cannot_be_changed(self, name):
        rule, _ = EXAMPLES[name]
        field = next(iter(vars(rule)))
        with pytest.raises(AttributeError):
            setattr(rule, field, 99)

    def test_can_be_read(self, name):
        rule, _ = EXAMPLES[name]
        assert eval(repr(rule), vars(stopping)) == rule

    def test_answers_yes_or_no_and_leaves_the_history_alone(self, name):
        rule, _ = EXAMPLES[name]
        for made in (History(2), history([[1], [math.nan], [2]])):
            before = pickle.dumps(made)
            assert rule(made) in (True, False)
            assert pickle.dumps(made) == before

    def test_does_not_stop_what_has_not_begun(self, name):
        assert not EXAMPLES[name][0](History(2))

    @pytest.mark.parametrize("bad", [None, "3", math.nan, True])
    def test_refuses_what_is_no_number(self, name, bad):
        with pytest.raises(ValueError, match=rf"of {name} must be .*; got {bad!r}"):
            getattr(stopping, name)(bad)

    def test_is_kept_by_a_clone_of_a_search(self, name):
        rule, _ = EXAMPLES[name]
        assert clone(SearchCV(DummyClassifier(), {}, stopping=rule)).stopping == rule


class TestMaxTime:
    @pytest.mark.parametrize(("elapsed", "expected"), [(0, False), (1.4, False), (1.5, True)])
    def test_seconds(self, elapsed, expected):
        assert stops(MaxTime(1.5), elapsed=elapsed) is expected

    @pytest.mark.parametrize("bad", [0, -1, -math.inf])
    def test_refuses(self, bad):
        with pytest.raises(ValueError, match="seconds of MaxTime must be a number greater than 0"):
            MaxTime(bad)


class TestMaxFits:
    def test_counts_failed_fits_too(self):
        assert not stops(MaxFits(3), 1, math.nan)
        assert stops(MaxFits(3), 1, math.nan, 1)

    @pytest.mark.parametrize("bad", [0, -1, 2.5])
    def test_refuses(self, bad):
        with pytest.raises(ValueError, match="n_fits of MaxFits must be an int of at least 1"):
            MaxFits(bad)


class TestMaxResources:
    @pytest.mark.parametrize("rule", [MaxResources(5), MaxResources(5) & MaxFits(1)])
    def test_is_refused_where_it_would_never_end_a_search(self, rule):
        with pytest.raises(ValueError, match="counts a resource, and this search spends none"):
            SearchCV(DummyClassifier(), {}, stopping=rule).fit([[0]] * 10, [0, 1] * 5)

    def test_beside_a_rule_that_ends_it(self):
        rule = MaxResources(5) | MaxFits(1)
        search = SearchCV(DummyClassifier(), {}, cv=2, stopping=rule, refit=False)
        with pytest.warns(UserWarning, match="No candidate was evaluated on all"):
            search.fit([[0]] * 10, [0, 1] * 5)
        assert search.history_.n_fits == 1


class TestTargetScore:
    def test_of_a_mean(self):
        assert not TargetScore(2)(history([[1, 2.9]]))
        assert TargetScore(2)(history([[1, 3]]))

    def test_an_incomplete_candidate_does_not_count(self):
        assert not TargetScore(2)(history([[9, None]], 2))

    def test_negative_scores(self):
        assert stops(TargetScore(-0.5), -1, -0.5)
        assert not stops(TargetScore(-0.5), -1, -0.6, math.nan)


class TestNoImprovement:
    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ([5], False),
            ([5, 4], False),
            ([5, 4, 3], True),
            ([5, 4, 6], False),
            ([5, 4, 6, 6], False),
            ([5, 4, 6, 6, 6], True),
            ([5, math.nan, math.nan], True),
            ([math.nan] * 3, True),
            ([math.nan] * 3 + [1], False),
            ([-math.inf, -math.inf, -math.inf], True),
            ([math.inf, 1, 2], True),
        ],
    )
    def test_two_in_a_row(self, rows, expected):
        assert stops(NoImprovement(2), *rows) is expected

    def test_less_than_min_delta_is_no_improvement(self):
        assert stops(NoImprovement(2, min_delta=1), 5, 5.5, 6)
        assert not stops(NoImprovement(2, min_delta=1), 5, 5.5, 6.5)

    def test_slow_improvement_adds_up(self):
        assert not stops(NoImprovement(3, min_delta=1), 5, 5.5, 6, 6.5)

    def test_refuses(self):
        with pytest.raises(ValueError, match="n_candidates of NoImprovement must be an int of at"):
            NoImprovement(0)
        with pytest.raises(ValueError, match="min_delta of NoImprovement must be a number of at"):
            NoImprovement(1, min_delta=-1)
        assert NoImprovement(1) == NoImprovement(1, min_delta=0)


def test_the_base_asks_nothing():
    with pytest.raises(NotImplementedError):
        StoppingRule()(History(1))


class TestCombinations:
    def test_either(self):
        rule = MaxFits(2) | TargetScore(5)
        assert not stops(rule, 1)
        assert stops(rule, 5)
        assert stops(rule, 1, 1)

    def test_both(self):
        rule = MaxFits(2) & TargetScore(5)
        assert not stops(rule, 5)
        assert not stops(rule, 1, 1)
        assert stops(rule, 1, 5)

    def test_nested(self):
        rule = (MaxFits(2) & TargetScore(5)) | MaxTime(9)
        assert stops(rule, elapsed=10)
        assert stops(rule, 1, 5)
        assert not stops(rule, 5)

    def test_are_values(self):
        rule = (MaxFits(2) & TargetScore(5)) | MaxTime(9)
        assert rule == (MaxFits(2) & TargetScore(5)) | MaxTime(9)
        assert rule != (MaxFits(2) | TargetScore(5)) | MaxTime(9)
        assert rule == pickle.loads(pickle.dumps(rule)) == clone(rule, safe=False)
        assert hash(rule) == hash(copy.deepcopy(rule))

    def test_can_be_read(self):
        rule = (MaxFits(2) & TargetScore(5)) | MaxTime(9)
        expected = "(MaxFits(n_fits=2) & TargetScore(score=5)) | MaxTime(seconds=9)"
        assert repr(rule) == expected
        assert eval(repr(rule), vars(stopping)) == rule

    @pytest.mark.parametrize("swap", [False, True])
    def test_with_functions(self, swap):
        def never(history):
            return False

        either = never | MaxFits(1) if swap else MaxFits(1) | never
        both = never & MaxFits(1) if swap else MaxFits(1) & never
        assert stops(either, 1)
        assert not stops(both, 1)
        assert (" | " in repr(either), " & " in repr(both)) == (True, True)

    @pytest.mark.parametrize("other", [3, None, "MaxTime", MaxTime])
    def test_not_with_anything(self, other):
        with pytest.raises(TypeError, match="unsupported operand"):
            MaxFits(1) | other
        with pytest.raises(TypeError, match="unsupported operand"):
            other & MaxFits(1)


def halving(rule):
    """Little of the resource flatters here: more of it begins with a lower score."""
    made = HalvingRandomSearchCV(
        Dial(),
        {"a": uniform(0, 1)},
        resource="tag",
        n_candidates=27,
        min_resources=1,
        max_resources=27,
        scoring=lambda model, X, y: model.a + 0.3 / model.tag,
        stopping=rule,
        cv=2,
        random_state=0,
        refit=False,
    )
    with pytest.warns(UserWarning, match="Each rung fits its models from zero"):
        return made.fit(np.zeros((20, 1)), np.arange(20) % 2)


def test_no_improvement_compares_scores_of_one_amount_of_the_resource():
    assert halving(NoImprovement(27)).n_candidates_ == [27, 9, 3, 1]


@pytest.mark.parametrize(
    "rule", [NoImprovement(1), TargetScore(0.5), NoImprovement(1) & MaxFits(1)]
)
def test_no_score_ends_a_search_below_the_last_rung(rule):
    made = halving(rule)
    assert made.cv_results_["n_resources"][made.best_index_] == 27
