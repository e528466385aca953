"""What a history knows, and its tidy table."""

import math
import pickle

import numpy as np
import pandas as pd
import pytest
from _histories import candidate, evaluation, history

from skhpo._records import Candidate, Evaluation, Task
from skhpo.history import History

NAN = math.nan


class TestCounts:
    def test_empty(self):
        empty = History(3)
        assert (empty.n_fits, empty.n_candidates, empty.n_failed) == (0, 0, 0)
        assert empty.best_score == -math.inf
        assert empty.best_so_far == []
        assert empty.rungs == []
        assert empty.elapsed == 0

    def test_fits_candidates_failures(self):
        made = history([[1, NAN], [2, None], [NAN, NAN]])
        assert (made.n_fits, made.n_candidates, made.n_failed) == (5, 3, 3)
        assert list(made.candidates) == [0, 1, 2]
        assert [e.task.key for e in made.evaluations][:3] == [
            (0, 0, None),
            (0, 1, None),
            (1, 0, None),
        ]

    def test_a_candidate_is_known_from_its_first_fit(self):
        made, first, second = History(2, "score"), candidate(0), candidate(0)
        made.append(evaluation(0, 0, 1.0, candidate=first))
        made.append(evaluation(0, 1, 1.0, candidate=second))
        assert made.candidates[0] is first

    def test_folds(self):
        made = history([[1, None, 3]])
        assert {split: e.scores["score"] for split, e in made.folds(0).items()} == {0: 1, 2: 3}
        assert made.folds(7) == {}
        assert made.folds(0, resource=9) == {}

    def test_other_statuses_are_failures(self):
        made = History(1, "score")
        for id_, status in enumerate(["timeout", "out_of_memory", "killed", "ok"]):
            made.append(evaluation(id_, 0, 1.0, status=status))
        assert made.n_failed == 3


class TestObservation:
    def test_mean_and_standard_error(self):
        seen = history([[1, 2, 6]]).observation(candidate(0))
        assert (seen.score, seen.n_folds, seen.status, seen.id) == (3, 3, "complete", 0)
        assert seen.noise == pytest.approx(np.std([1, 2, 6], ddof=1) / math.sqrt(3))
        assert seen.point == [0.0]

    @pytest.mark.parametrize(
        ("row", "score", "n_folds", "status"),
        [
            ([None, None], NAN, 0, "partial"),
            ([4, None], 4, 1, "partial"),
            ([NAN, None], NAN, 1, "partial"),
            ([NAN, 4], NAN, 2, "failed"),
            ([4, 6], 5, 2, "complete"),
            ([-math.inf, 4], -math.inf, 2, "complete"),
            ([-math.inf, math.inf], NAN, 2, "failed"),
        ],
    )
    def test_statuses(self, row, score, n_folds, status):
        seen = history([row], 2).observation(candidate(0))
        np.testing.assert_equal([seen.score, seen.n_folds, seen.status], [score, n_folds, status])

    def test_noise_of_one_fold_is_unknown(self):
        assert math.isnan(history([[1, None]], 2).observation(candidate(0)).noise)
        assert math.isnan(history([[1]]).observation(candidate(0)).noise)

    def test_constant_folds(self):
        assert history([[0.1] * 5]).observation(candidate(0)).noise == pytest.approx(0, abs=1e-15)

    @pytest.mark.parametrize("row", [[1e300, -1e300], [1e308, 1e308], [math.inf, 1.0]])
    def test_huge_scores(self, row):
        seen = history([row]).observation(candidate(0))
        assert seen.status == "complete"
        assert seen.noise != seen.noise or seen.noise >= 0

    def test_only_the_guiding_metric(self):
        made = History(1, "own")
        made.append(evaluation(0, 0, {"other": 1.0, "own": 2.0}))
        made.append(evaluation(1, 0, {"other": 1.0, "own": NAN}))
        made.append(evaluation(2, 0, {"other": 1.0}))
        seen = [made.observation(candidate(id_)) for id_ in range(3)]
        assert [one.status for one in seen] == ["complete", "failed", "failed"]
        assert seen[0].score == 2.0

    def test_of_a_resource(self):
        made = history([[1, 3]], resource=9)
        assert made.observation(candidate(0)).n_folds == 0
        seen = made.observation(candidate(0), 9)
        assert (seen.score, seen.resource) == (2, 9)

    def test_a_candidate_outside_the_space_has_no_point(self):
        made, outside = History(1, "score"), candidate(0, point=None)
        made.append(evaluation(0, 0, 1.0, candidate=outside))
        assert made.observation(outside).point is None


class TestBestSoFar:
    def test_after_each_complete_candidate(self):
        made = history([[1, 3], [5, None], [0, 0], [NAN, 9], [4, 4]])
        assert made.best_so_far == [2, 2, 2, 4]
        assert made.best_score == 4

    def test_before_the_first_success(self):
        made = history([[NAN], [NAN], [-5]])
        assert made.best_so_far == [-math.inf, -math.inf, -5]

    def test_more_resource_is_more_than_a_better_score(self):
        made = History(1, "score")
        for id_, resource, score in [
            (0, 3, 0.9),
            (1, 3, 0.8),
            (0, 9, 0.7),
            (1, 3, 1.0),
            (1, 9, 0.6),
        ]:
            made.append(evaluation(id_, 0, score, resource))
        assert made.best_so_far == [0.7, 0.7]  # what was known with less does not compare
        assert made.best_score == 0.7

    def test_scores_may_be_negative_or_infinite(self):
        assert history([[-3], [-2], [-4]]).best_so_far == [-3, -2, -2]
        assert history([[1], [math.inf], [2]]).best_so_far == [1, math.inf, math.inf]


class TestTable:
    COLUMNS = [  # noqa: RUF012
        "candidate",
        "split",
        "resource",
        "status",
        "source",
        "parents",
        "generation",
        "fit_time",
        "score_time",
        "error",
        "test_score",
        "params",
    ]

    def test_columns(self):
        table = history([[1, NAN], [2, 3]]).to_dict()
        assert list(table) == self.COLUMNS
        assert all(type(column) is np.ndarray for column in table.values())
        assert {len(column) for column in table.values()} == {4}

    @pytest.mark.parametrize("first", [NAN, 1.0])
    def test_the_order_of_columns_does_not_depend_on_what_failed(self, first):
        assert list(history([[first, 2], [3, NAN]]).to_dict()) == self.COLUMNS

    def test_kinds(self):
        kinds = {name: c.dtype.kind for name, c in history([[1, NAN]]).to_dict().items()}
        assert "".join(kinds[name] for name in self.COLUMNS) == "iifUUOiffOfO"

    def test_everything_about_a_failure(self):
        made = History(1, "score")
        made.append(evaluation(0, 0, 1.0))
        made.append(evaluation(1, 0, None, error="Traceback: broken", fit_time=2.0))
        table = made.to_dict()
        assert table["status"].tolist() == ["ok", "failed"]
        assert table["error"].tolist() == [None, "Traceback: broken"]
        assert table["fit_time"].tolist() == [0.5, 2.0]
        np.testing.assert_array_equal(table["test_score"], [1.0, NAN])
        assert table["params"].tolist() == [{"a": 0}, {"a": 1}]

    def test_scores_and_train_scores(self):
        made = History(1, "b")
        made.append(evaluation(0, 0, None))
        scores = {"b": 1.0, "c": 2.0}
        made.append(evaluation(1, 0, scores, train_scores={"b": 3.0, "c": 4.0}))
        table = made.to_dict()
        assert list(table)[-5:] == ["test_b", "test_c", "train_b", "train_c", "params"]
        np.testing.assert_array_equal(table["train_c"], [NAN, 4.0])

    @pytest.mark.parametrize("parents", [(), (3,), (3, 4)])
    def test_parents_of_equal_number_stay_tuples(self, parents):
        made = History(1, "score")
        for id_ in range(2):
            made.append(evaluation(id_, 0, 1.0, candidate=candidate(id_, parents=parents)))
        assert made.to_dict()["parents"].tolist() == [parents, parents]

    def test_order_is_that_of_telling(self):
        made = History(2, "score")
        for id_, split in [(1, 0), (0, 1), (1, 1), (0, 0)]:
            made.append(evaluation(id_, split, 1.0, resource=4.0))
        table = made.to_dict()
        assert table["candidate"].tolist() == [1, 0, 1, 0]
        assert table["split"].tolist() == [0, 1, 1, 0]
        assert table["resource"].tolist() == [4.0] * 4

    def test_frame(self):
        made = history([[1, NAN], [2, 3]])
        frame = made.to_frame()
        assert isinstance(frame, pd.DataFrame)
        assert list(frame.columns) == self.COLUMNS
        means = frame.groupby("candidate")["test_score"].mean()
        assert means.tolist() == [1, 2.5]

    def test_nothing_yet(self):
        assert len(History(2).to_frame()) == 0


def test_pickle():
    made = history([[1, NAN], [2, None]])
    loaded = pickle.loads(pickle.dumps(made))
    assert loaded.best_so_far == made.best_so_far
    assert list(loaded.to_dict()) == list(made.to_dict())
    loaded.append(evaluation(1, 1, 4.0))
    assert loaded.best_score == 3
    assert made.n_fits == 3


def test_what_was_spent_and_what_lies_below():
    made = History(2, "score")
    candidate = Candidate(0, {})
    first = [Task(candidate, split, 3) for split in (0, 1)]
    second = [Task(candidate, split, 9, first[split]) for split in (0, 1)]
    assert made.below(0, 9) == {}
    for task in first:
        made.append(Evaluation(task, {"score": 1.0}, 0.0, 0.0, "ok" if task.split else "failed"))
    assert made.below(0, 9) == {1: first[1]}
    assert made.below(0, 3) == made.below(1, 9) == {}
    assert made.n_resources_used == 3
    for task in second:
        made.append(Evaluation(task, {"score": 1.0}, 0.0, 0.0))
    assert made.n_resources_used == 9
    assert made.below(0, 27) == dict(enumerate(second))


def test_is_told_in_a_line():
    made = history([[1, 2], [3, math.nan]])
    assert repr(made) == "History(n_candidates=2, n_fits=4, n_failed=1, best_score=1.5)"
