"""The interval of nested cross-validation: layout, formulas, laws and coverage."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RepeatedKFold,
    ShuffleSplit,
    TimeSeriesSplit,
)

from skhpo.statistics import fold_numbers, ncv_interval, ncv_scores, ncv_splits


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def mean_model(y):
    """Squared errors of the training mean."""
    return lambda train, test: (y[test] - y[train].mean()) ** 2


def table_of(score, folds):
    return ncv_scores(folds, [score(train, test) for train, test in ncv_splits(folds)])


@pytest.mark.parametrize(
    ("cv", "groups"),
    [(KFold(4, shuffle=True, random_state=0), None), (GroupKFold(4), np.arange(20) // 2)],
)
def test_fold_numbers(cv, groups):
    splits = list(cv.split(np.zeros(20), groups=groups))
    folds = fold_numbers(iter(splits), 20)
    assert len(set(folds)) == 4
    assert all((np.flatnonzero(folds == k) == test).all() for k, (_, test) in enumerate(splits))


def test_folds_of_groups_may_differ_in_size():
    groups = [0, 0, 1, 1, 1, 2, 2]
    splits = LeaveOneGroupOut().split(np.zeros(7), groups=groups)
    assert fold_numbers(splits, 7).tolist() == groups


@pytest.mark.parametrize(
    "cv", [TimeSeriesSplit(3), ShuffleSplit(4, random_state=0), RepeatedKFold(n_repeats=2)]
)
def test_other_splits_have_no_fold_numbers(cv):
    with pytest.raises(ValueError, match=r"hold every sample exactly once.*got sample"):
        fold_numbers(cv.split(np.zeros(20)), 20)


def test_splits_leave_out_each_fold_and_each_two():
    folds = np.array([2, 0, 1, 3, 0, 1, 2, 3])
    splits = ncv_splits(folds)
    expected = [{k} for k in range(4)] + [set(pair) for pair in combinations(range(4), 2)]
    assert [set(folds[test]) for _, test in splits] == expected
    for train, test in splits:
        assert sorted([*train, *test]) == list(range(8))
        assert not set(folds[train]) & set(folds[test])


def test_the_layout(rng):
    # Scores that tell which folds were left out.
    folds = rng.permutation(15) % 5
    table = table_of(lambda train, test: np.full(len(test), len(set(folds[test]))), folds)
    assert (table == np.where(folds[:, None] == np.arange(5), 1, 2)).all()
    seen = table_of(
        lambda train, test: np.full(len(test), sum(2**k for k in set(folds[test]))), folds
    )
    for sample, fold in enumerate(folds):
        assert list(seen[sample]) == [2**fold | 2**k for k in range(5)]


def by_loops(scores, folds, confidence):
    """Algorithm 1 and section 4.3 of Bates et al., as loops over one sample's scores."""
    a, b, inner, outer = [], [], [], []
    for table, fold in zip(scores, folds, strict=True):
        n, K = table.shape
        for k in range(K):
            e_in = [table[i, k] for i in range(n) if fold[i] != k]
            e_out = [table[i, k] for i in range(n) if fold[i] == k]
            a.append((np.mean(e_in) - np.mean(e_out)) ** 2)
            b.append(np.var(e_out, ddof=1) / len(e_out))
            inner += e_in
            outer += e_out
    naive = np.std(outer, ddof=1) / math.sqrt(n)
    mse = (K - 1) / K * (np.mean(a) - np.mean(b))
    error = max(naive, min(math.sqrt(max(mse, 0)), math.sqrt(K) * naive))
    bias = (1 + (K - 2) / K) * (np.mean(inner) - np.mean(outer))
    half = stats.norm.ppf(1 - (1 - confidence) / 2) * error
    estimate = np.mean(inner) - bias
    return estimate, estimate - half, estimate + half, error, bias, error / naive


@pytest.mark.parametrize("effect", [0, 0.3, 2])  # of the fold: no, some and full inflation
def test_it_is_what_loops_give(effect, rng):
    folds = np.array([rng.permutation(26) % 4 for _ in range(3)])
    scores = rng.normal(size=(3, 26, 4)) + effect * folds[..., None]
    found = ncv_interval(scores, folds, confidence=0.9)
    fields = ("estimate", "low", "high", "standard_error", "bias", "inflation")
    expected = by_loops(scores, folds, 0.9)
    assert [getattr(found, field) for field in fields] == pytest.approx(expected)
    assert 1 <= found.inflation <= 2


def test_one_repeat_needs_no_axis(rng):
    folds = np.arange(20) % 4
    scores = rng.normal(size=(20, 4))
    assert ncv_interval(scores, folds) == ncv_interval(scores[None], folds[None])


def test_losses_are_scores_with_another_sign(rng):
    folds = np.arange(20) % 4
    scores = rng.normal(size=(20, 4))
    found, mirrored = ncv_interval(scores, folds), ncv_interval(-scores, folds)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))
    assert mirrored.inflation == pytest.approx(found.inflation)


def test_the_number_of_a_fold_does_not_matter(rng):
    folds = np.arange(20) % 4
    scores = rng.normal(size=(20, 4))
    order, names = rng.permutation(20), rng.permutation(4)
    renamed = np.empty_like(scores)
    renamed[:, names] = scores
    found = ncv_interval(renamed[order], names[folds[order]])
    assert vars(found) == pytest.approx(vars(ncv_interval(scores, folds)))


def test_a_bias_of_one_over_n_is_removed():
    folds = np.arange(30) % 5
    table = table_of(lambda train, test: np.full(len(test), 3 - 2 / len(train)), folds)
    found = ncv_interval(table, folds)
    assert found.estimate == pytest.approx(3 - 2 / 30)


def test_scores_that_do_not_vary():
    found = ncv_interval(np.ones((12, 3)), np.arange(12) % 3)
    assert (found.low, found.high, found.inflation) == (1, 1, 1)


@pytest.mark.parametrize(
    "folds",
    [
        [0, 0, 1, 1],
        [0, 0, 1, 1, 2],
        [0, 0, 1, 1, 3, 3],
        [0.0, 0, 1, 1, 2, 2],
        [-1, -1, 0, 0, 1, 1, 2, 2],
        [[0, 0, 1, 1, 2, 2]],
    ],
)
def test_folds_that_are_none(folds):
    with pytest.raises(ValueError, match="folds must number the folds"):
        ncv_splits(folds)


@pytest.mark.parametrize(
    ("shape", "n_repeats"),
    [((12, 4), 1), ((11, 3), 1), ((2, 12, 3), 1), ((1, 12, 3), 2), ((12,), 1)],
)
def test_scores_of_another_shape(shape, n_repeats):
    folds = np.array([np.arange(12) % 3] * n_repeats)
    with pytest.raises(ValueError, match="scores must have a row for each sample"):
        ncv_interval(np.zeros(shape), folds[0] if len(shape) < 3 else folds)


def test_scores_must_be_finite(rng):
    table = rng.normal(size=(12, 3))
    table[2, 1] = math.nan
    with pytest.raises(ValueError, match="scores must be finite; got 1 that"):
        ncv_interval(table, np.arange(12) % 3)


def test_scores_of_every_split():
    with pytest.raises(ValueError, match=r"shorter|longer"):
        ncv_scores([0, 0, 1, 1, 2, 2], [[1.0, 1.0]] * 3)


def squared_errors(X, y, splits):
    """Of least squares without each test set: a row for each split, a column for each sample."""
    weights = np.ones((len(splits), len(y)))
    for weight, (_, test) in zip(weights, splits, strict=True):
        weight[test] = 0
    n, p = X.shape
    gram = weights @ (X[:, :, None] * X[:, None]).reshape(n, p * p)
    moments = (weights @ (X * y[:, None]))[..., None]
    coef = np.linalg.solve(gram.reshape(-1, p, p), moments)[..., 0]
    return (y - coef @ X.T) ** 2


def test_the_loss_of_the_model_at_hand_is_covered():
    # 100 samples, 20 features that say nothing, 10 folds, nominal miscoverage .10. 2,000
    # simulations give .20 for the naive interval and .10 for this; four standard errors of 300
    # are .09 and .07.
    rng = np.random.default_rng(0)
    naive, nested, folds = [], [], np.arange(100) % 10
    splits = ncv_splits(folds)
    for _ in range(300):
        X, y = rng.normal(size=(100, 20)), rng.normal(size=100)
        coef = np.linalg.lstsq(X, y, rcond=None)[0]
        truth = 1 + coef @ coef
        errors = squared_errors(X, y, splits)
        rows = [row[test] for row, (_, test) in zip(errors, splits, strict=True)]
        table = ncv_scores(folds, rows)
        found = ncv_interval(table, folds, confidence=0.9)
        losses = table[np.arange(100), folds]
        half = 1.645 * losses.std(ddof=1) / 10
        naive.append(abs(losses.mean() - truth) > half)
        nested.append(not found.low <= truth <= found.high)
    assert np.mean(naive) >= 0.12
    assert 0.03 <= np.mean(nested) <= 0.16
    assert np.mean(nested) < 0.7 * np.mean(naive)
