"""Subsamples: nested, stratified, of whole groups, and the same wherever they are drawn."""

import pickle

import numpy as np
import pytest
from _estimators import Dial, Log
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import check_scoring
from sklearn.model_selection import GroupKFold, KFold

from skhpo._records import Candidate, Task
from skhpo.execution._evaluator import Evaluator
from skhpo.execution._limits import ParameterLimit, SampleLimit, nested_order


def split(n, n_splits=3):
    return list(KFold(n_splits).split(np.zeros(n)))


def train_of(limit, amount, index=0):
    return limit({}, Task(Candidate(0, {}), index, amount), *limit.splits[index])[1]


classes = st.lists(st.integers(0, 3), min_size=12, max_size=60).map(np.array)


@settings(max_examples=60, deadline=None)
@given(classes, st.integers(0, 5), st.booleans())
def test_nested_and_stratified(labels, seed, grouped):
    n = len(labels)
    groups = np.arange(n) // 3 if grouped else None
    limit = SampleLimit(n, split(n), labels=labels, groups=groups, seed=seed, test=True)
    full = limit.splits[0][0]
    before = set()
    for amount in range(1, n + 1):
        part = train_of(limit, amount)
        assert before <= set(part) <= set(full)
        assert (np.diff(part) > 0).all()
        target = amount * len(full) // n
        assert len(part) == target if not grouped else len(part) <= target
        if not grouped:
            share = np.bincount(labels[full], minlength=4) * len(part) / len(full)
            # The places k / m put every class within one sample a class of its share.
            assert (np.abs(np.bincount(labels[part], minlength=4) - share) <= 4).all()
        before = set(part)
    assert before == set(full)


@given(classes)
def test_every_class_comes_early(labels):
    order, ends = nested_order(len(labels), labels, None, np.random.default_rng(0))
    n_classes = len(np.unique(labels))
    assert len(np.unique(labels[order[:n_classes]])) == n_classes
    np.testing.assert_array_equal(ends, 1 + np.arange(len(labels)))


@settings(max_examples=60, deadline=None)
@given(classes, st.integers(0, 5), st.booleans())
def test_least_is_enough_and_no_more(labels, seed, grouped):
    n = len(labels)
    groups = np.random.default_rng(seed).integers(0, 6, n) if grouped else None
    limit = SampleLimit(n, split(n), labels=labels, groups=groups, seed=seed)

    def holds(amount):
        parts = [(train_of(limit, amount, i), train) for i, (train, _) in enumerate(limit.splits)]
        return all(
            len(part) and len(np.unique(labels[part])) >= min(2, len(np.unique(labels[train])))
            for part, train in parts
        )

    least = limit.least()
    assert holds(least)
    assert least == 1 or not holds(least - 1)


def test_whole_groups():
    groups = np.repeat(np.arange(10), 6)
    splits = list(GroupKFold(5).split(np.zeros(60), groups=groups))
    limit = SampleLimit(60, splits, groups=groups, seed=1)
    for amount in (10, 20, 30, 59):
        part = train_of(limit, amount, 2)
        assert set(np.bincount(groups[part])) <= {0, 6}
    assert limit.least() == 8  # 6 of 48 samples of a training part


def test_the_seed_and_the_split_matter_and_nothing_else():
    def parts(seed, index=0):
        limit = SampleLimit(60, split(60), seed=seed)
        train_of(limit, 9, index)
        return train_of(pickle.loads(pickle.dumps(limit)), 30, index)

    np.testing.assert_array_equal(parts(0), parts(0))
    assert not np.array_equal(parts(0), parts(1))
    assert not np.array_equal(parts(0, 1) - 20, parts(0) - 20)


@pytest.mark.parametrize("whole", [True, False])
def test_the_test_part(whole):
    limit = SampleLimit(60, split(60), test=not whole)
    _, train, test = limit({}, Task(Candidate(0, {}), 0, 15), *limit.splits[0])
    assert (len(train), len(test)) == (10, 20 if whole else 5)


def test_everything_is_the_split_itself():
    limit = SampleLimit(60, split(60))
    assert train_of(limit, 60) is limit.splits[0][0]


def evaluate(limit, resource, **fit_params):
    log, X = Log(), np.arange(60.0)[:, None]
    Evaluator(
        Dial(log=log),
        X,
        np.arange(60) % 2,
        split(60),
        scorer=check_scoring(Dial()),
        fit_params=fit_params,
        score_params={},
        error_score="raise",
        return_train_score=False,
        verbose=0,
        n_candidates=1,
        limit=limit,
    )(Task(Candidate(0, {"b": 1.0}), 1, resource))
    return log[0]


def test_weights_go_with_their_samples():
    limit = SampleLimit(60, split(60), labels=np.arange(60) % 2)
    call = evaluate(limit, 12, sample_weight=np.arange(60.0))
    assert len(call["X"]) == len(call["y"]) == 8
    np.testing.assert_array_equal(call["X"].ravel(), call["sample_weight"])
    assert np.bincount(call["y"]).tolist() == [4, 4]


def test_a_parameter():
    call = evaluate(ParameterLimit("a"), 7)
    assert (call["a"], call["b"], len(call["X"])) == (7, 1.0, 40)


def test_a_task_without_resource_gets_everything():
    assert len(evaluate(None, None)["X"]) == 40
