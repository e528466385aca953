"""The ranking rule and the table of folds, held to their definitions on random histories."""

import math

import numpy as np
import pytest
from _histories import evaluation, history
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, uniform

from skhpo._records import Candidate
from skhpo.history import History
from skhpo.results import fold_table, partial_columns, posterior_means, ranks
from skhpo.space import SearchSpace

NAN = math.nan
quick = settings(derandomize=True, database=None, deadline=None, max_examples=100)
scores = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 0.1, 0.2, 0.3, NAN, math.inf, -math.inf, 1e308]),
    st.floats(-1e3, 1e3),
)
tables = st.integers(1, 4).flatmap(
    lambda n_splits: st.lists(
        st.lists(st.none() | scores, min_size=n_splits, max_size=n_splits).filter(
            lambda row: any(score is not None for score in row)
        ),
        min_size=1,
        max_size=7,
    )
)
complete_tables = st.integers(1, 20).flatmap(
    lambda n: st.lists(st.lists(st.floats(-1, 1), min_size=n, max_size=n), min_size=1, max_size=9)
)
resources = st.sampled_from([None, 1.0, 3.0, 9.0])


def mean(row):
    """Of what was evaluated; NaN when a fold failed."""
    with np.errstate(all="ignore"):
        return np.mean([score for score in row if score is not None])


def better(row, other):
    """The rule, spelled out."""
    if np.isnan(mean(row)) or np.isnan(mean(other)):
        return bool(np.isnan(mean(other)) and not np.isnan(mean(row)))
    if n_folds(row) != n_folds(other):
        return n_folds(row) > n_folds(other)
    return bool(mean(row) > mean(other))


def n_folds(row):
    return sum(score is not None for score in row)


class TestRanks:
    @quick
    @given(tables)
    def test_the_rule(self, table):
        expected = [1 + sum(better(other, row) for other in table) for row in table]
        found = ranks(history(table, len(table[0])), "score")
        assert found.tolist() == expected
        assert found.dtype == np.int32

    @quick
    @given(complete_tables)
    def test_complete_candidates_are_ranked_as_by_scikit_learn(self, table):
        expected = rankdata(-np.average(np.array(table), axis=1), method="min")
        assert ranks(history(table), "score").tolist() == expected.tolist()

    @quick
    @given(tables, st.randoms(use_true_random=False))
    def test_the_order_of_telling_does_not_matter(self, table, random):
        told = history(table, len(table[0])).evaluations
        shuffled = History(len(table[0]), "score")
        for one in random.sample(told, len(told)):
            shuffled.append(one)
        found = dict(zip((id_ for id_, _ in shuffled.rungs), ranks(shuffled, "score"), strict=True))
        expected = ranks(history(table, len(table[0])), "score").tolist()
        assert [found[id_] for id_ in range(len(table))] == expected

    @quick
    @given(st.lists(st.tuples(resources, st.floats(-1, 1) | st.just(NAN)), min_size=1, max_size=8))
    def test_resources(self, rows):
        made = History(1, "score")
        for id_, (resource, score) in enumerate(rows):
            failed = math.isnan(score)
            made.append(evaluation(id_, 0, None if failed else score, resource))
        order = [
            (not math.isnan(s), (math.inf if r is None else r, s)) if s == s else (False,)
            for r, s in rows
        ]
        expected = [1 + sum(other > one for other in order) for one in order]
        assert ranks(made, "score").tolist() == expected

    def test_an_example_of_each_step(self):
        rows = [
            [0.5, 0.5, 0.5],  # complete
            [0.9, 0.9, None],  # better on fewer folds
            [0.9, NAN, 0.9],  # failed
            [0.2, 0.2, 0.2],  # complete and worse
            [0.9, None, None],
            [0.5, 0.6, 0.4],  # as good as the first
            [NAN, None, None],
        ]
        assert ranks(history(rows), "score").tolist() == [1, 4, 6, 3, 5, 1, 6]

    def test_a_candidate_at_two_resources_has_two_rows(self):
        made = History(1, "score")
        for id_, resource, score in [(0, 1, 0.9), (1, 1, 0.95), (0, 3, 0.5)]:
            made.append(evaluation(id_, 0, score, resource))
        assert made.rungs == [(0, 1), (1, 1), (0, 3)]
        assert ranks(made, "score").tolist() == [3, 2, 1]

    def test_all_folds_come_before_more_resource(self):
        made = History(2, "score")
        for id_, split, resource, score in [
            *((0, 0, 1, 0.5), (0, 1, 1, 0.5), (1, 0, 1, 0.4), (1, 1, 1, 0.4)),
            *((2, 0, 3, 0.3), (2, 1, 3, 0.3), (3, 0, 9, 0.9)),  # the last one lacks a fold
        ]:
            made.append(evaluation(id_, split, score, resource))
        assert ranks(made, "score").tolist() == [2, 3, 1, 4]

    def test_each_score_has_its_own(self):
        made = History(1, "up")
        for id_, up in enumerate([1.0, 3.0, 2.0]):
            made.append(evaluation(id_, 0, {"up": up, "down": -up}))
        assert ranks(made, "up").tolist() == [3, 1, 2]
        assert ranks(made, "down").tolist() == [1, 3, 2]
        assert ranks(made, "none of them").tolist() == [1, 1, 1]


def column(out, name, n_splits):
    return np.reshape([entry["test_scores"][name] for entry in out], (-1, n_splits))


class TestFoldTable:
    @quick
    @given(tables, st.sampled_from([NAN, 0.0, -1, "raise"]), st.booleans())
    def test_each_entry_is_its_fold(self, table, error_score, train):
        n_splits = len(table[0])
        params, out = fold_table(history(table, n_splits), error_score=error_score, train=train)
        assert params == [{"a": id_} for id_ in range(len(table))]
        assert len(out) == len(table) * n_splits
        shown = NAN if error_score == "raise" else error_score
        expected = [[as_shown(score, shown) for score in row] for row in table]
        np.testing.assert_array_equal(column(out, "score", n_splits), expected)
        names = {"fit_time", "score_time", "test_scores"} | ({"train_scores"} if train else set())
        assert all(set(entry) == names for entry in out)

    @quick
    @given(tables)
    def test_times_are_missing_where_folds_are(self, table):
        n_splits = len(table[0])
        _, out = fold_table(history(table, n_splits))
        times = np.reshape([entry["fit_time"] for entry in out], (-1, n_splits))
        missing = [[score is None for score in row] for row in table]
        np.testing.assert_array_equal(np.isnan(times), missing)

    def test_a_first_fit_that_failed_gets_the_names_of_the_others(self):
        made = History(1, "b")
        made.append(evaluation(0, 0, None))
        made.append(evaluation(1, 0, {"b": 1.0, "c": 2.0}, train_scores={"b": 3.0, "c": 4.0}))
        _, out = fold_table(made, error_score=-9.0, train=True)
        assert out[0]["test_scores"] == out[0]["train_scores"] == {"b": -9.0, "c": -9.0}
        assert out[1]["train_scores"] == {"b": 3.0, "c": 4.0}

    def test_when_all_failed_the_name_is_score(self):
        _, out = fold_table(history([[NAN]]), error_score=0.5)
        assert out[0]["test_scores"] == {"score": 0.5}

    def test_a_failed_scorer_shows_error_score_a_nan_of_its_own_does_not(self):
        made = History(2, "score")
        made.append(evaluation(0, 0, NAN, status="failed", error="scorer"))
        made.append(evaluation(0, 1, NAN))
        _, out = fold_table(made, error_score=0.0)
        np.testing.assert_array_equal(column(out, "score", 2), [[0.0, NAN]])

    def test_an_honest_score_is_shown_though_another_scorer_failed(self):
        made = History(1, "own")
        scores = {"own": 2.0, "bad": NAN}
        made.append(evaluation(0, 0, scores, status="failed", error="scorer"))
        assert fold_table(made, error_score=0.0)[1][0]["test_scores"] == {"own": 2.0, "bad": 0.0}

    def test_the_history_is_left_alone(self):
        made = history([[1, NAN], [2, None]])
        before = [dict(one.scores) for one in made.evaluations]
        _, out = fold_table(made, error_score=5.0)
        out[0]["test_scores"]["score"] = 99
        assert [one.scores for one in made.evaluations] == before


def as_shown(score, error_score):
    if score is None:
        return NAN
    return error_score if math.isnan(score) else score


class TestPartialColumns:
    @quick
    @given(tables)
    def test_means_over_what_was_evaluated(self, table):
        columns = partial_columns(history(table, len(table[0])), ["score"])
        assert columns["n_splits_evaluated"].tolist() == [n_folds(row) for row in table]
        np.testing.assert_array_equal(columns["partial_mean_test_score"], [mean(r) for r in table])


@pytest.mark.parametrize("n_splits", [1, 3])
def test_no_rows(n_splits):
    empty = History(n_splits, "score")
    assert ranks(empty, "score").tolist() == []
    assert fold_table(empty) == ([], [])


LINE = SearchSpace({"a": uniform(0, 1)})


def noisy(seed, n=30):
    """Random settings of a parabola that is worth less than its noise."""
    rng = np.random.default_rng(seed)
    made = History(3, "score")
    for id_, u in enumerate(rng.random(n)):
        who = Candidate(id_, {"a": u}, np.array([u]), "random")
        for split in range(3):
            score = 0.9 - (u - 0.3) ** 2 + 0.2 * rng.normal()
            made.append(evaluation(id_, split, score, candidate=who))
    return made


def regret(made, means):
    return (made.candidates[int(np.nanargmax(means))].params["a"] - 0.3) ** 2


def test_the_best_posterior_mean_is_a_better_choice_than_the_best_mean():
    pairs = []
    for made in map(noisy, range(100)):
        observed = [made.observation(who).score for who in made.candidates.values()]
        pairs.append((regret(made, posterior_means(made, LINE)), regret(made, observed)))
    by_model, by_luck = np.mean(pairs, axis=0)
    # .0164 and .0269; the standard error of the difference is .0032.
    assert by_model < by_luck - 0.003


def test_the_model_expects_nothing_of_what_failed_or_lies_outside():
    made = history([[0.1, 0.2], [0.3, NAN], [0.2, 0.2], [0.4, 0.3]])
    outside = Candidate(4, {"a": 9}, None, "initial")
    for split in range(2):
        made.append(evaluation(4, split, 1.0, candidate=outside))
    means = posterior_means(made, LINE)
    assert np.isnan(means).tolist() == [False, True, False, False, True]


@pytest.mark.parametrize("table", [[[0.5, 0.7]], [[0.5, 0.7], [NAN, NAN]]])
def test_where_there_is_nothing_to_model_the_means_are_the_scores(table):
    assert posterior_means(history(table), LINE)[0] == pytest.approx(0.6)


def test_a_space_without_coordinates():
    made = History(1, "score")
    for id_, score in enumerate([0.5, 0.7]):
        who = Candidate(id_, {"a": 1}, np.empty(0), "grid")
        made.append(evaluation(id_, 0, score, candidate=who))
    assert posterior_means(made, SearchSpace({"a": [1]})).tolist() == [0.5, 0.7]
