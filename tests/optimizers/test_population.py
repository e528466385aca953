import math

import numpy as np
import pytest
from scipy.stats import uniform

from skhpo._records import Observation
from skhpo.optimizers._population import (
    Member,
    Settings,
    check_population_size,
    merit,
    n_initial,
    parents,
    replace_worst,
)
from skhpo.space import SearchSpace

POINT = np.array([0.5])


def member(u, score, id=-1):
    return Member(np.array([u]), merit(Observation(np.array([u]), score)), id)


def test_merit_is_the_order_of_the_ranking():
    worst_to_best = [
        Observation(POINT, math.nan),
        Observation(POINT, 9.0, n_folds=1, resource=1.0, status="stopped"),
        Observation(POINT, 0.1, n_folds=2, resource=1.0, status="partial"),
        Observation(POINT, -9.0, n_folds=5, resource=1.0),
        Observation(POINT, -9.0, n_folds=2, resource=3.0, status="stopped"),
        Observation(POINT, -math.inf, n_folds=5),
        Observation(POINT, 0.5, n_folds=5),
        Observation(POINT, math.inf, n_folds=5),
    ]
    merits = [merit(observation) for observation in worst_to_best]
    assert merits == sorted(merits)
    assert len(set(merits)) == len(merits)


def test_a_score_that_was_known_is_as_good_as_one_that_was_found():
    """The searches tell what a user knows as complete with one fold."""
    known, found = (Observation(POINT, 0.5, n_folds=n) for n in (1, 5))
    assert merit(known) == merit(found)


def test_a_failure_has_no_score_whatever_it_says():
    failed = Observation(POINT, 1e9, status="failed")
    assert merit(failed) == merit(Observation(POINT, math.nan))


def test_the_best_are_kept_best_first():
    rng, members = np.random.default_rng(0), []
    scores = rng.permutation(50)
    for u, score in zip(rng.random(50), scores, strict=True):
        members = replace_worst(members, member(u, score), 10)
    assert [m.merit[-1] for m in members] == list(range(49, 39, -1))


def test_of_equals_the_newcomer_stays():
    members = replace_worst([member(0.1, 1.0), member(0.2, 1.0)], member(0.3, 1.0), 2)
    assert [m.point[0] for m in members] == [0.3, 0.1]


@pytest.mark.parametrize("scores", [(1.0, 2.0), (2.0, 1.0)])
def test_a_setting_told_twice_is_there_once_at_its_best(scores):
    members = []
    for score in scores:
        members = replace_worst(members, member(0.1, score), 5)
    assert [m.merit[-1] for m in members] == [2.0]


def test_parents_are_candidates_of_the_search_each_once():
    assert parents(member(0, 0, 7), member(0, 0), member(0, 0, 3), member(0, 0, 7)) == (7, 3)


@pytest.mark.parametrize(("size", "n_iter", "n"), [(12, 100, 10), (80, 20, 10), (12, 1, 2)])
def test_no_more_than_half_of_the_search_is_drawn(size, n_iter, n):
    assert n_initial(size, n_iter) == n


@pytest.mark.parametrize("value", ["large", 1, 2.0, True, None])
def test_population_size_is_checked(value):
    with pytest.raises(ValueError, match=r"population_size must be 'auto' or an int of at least 2"):
        check_population_size(value, least=2)


class TestSettings:
    @pytest.fixture
    def settings(self):
        space = SearchSpace({"a": list("abcd")}, constraint=lambda params: params["a"] != "c")
        settings = Settings(space, seed=0)
        settings.tell(Observation(np.array([0.1]), 0.0))
        return settings

    def test_seen_pending_and_forbidden_are_passed_over(self, settings):
        proposals = [(np.array([u]), f"{u}", ()) for u in (0.2, 0.3, 0.6, 0.8)]
        pending = [Observation(np.array([0.4]), math.nan, status="partial")]
        rng = np.random.default_rng(0)
        assert settings.first_new(proposals, pending, rng).source == "0.8"

    def test_a_random_setting_when_nothing_is_new(self, settings):
        found = settings.first_new([(np.array([0.1]), "old", ())], (), np.random.default_rng(0))
        assert found.source == "random"
        assert found.point.item() in (0.375, 0.875)

    def test_any_point_when_the_space_is_exhausted(self, settings):
        for u in (0.3, 0.8):
            settings.tell(Observation(np.array([u]), 0.0))
        found = settings.first_new([], (), np.random.default_rng(0))
        assert 0 <= found.point.item() <= 1

    def test_proposals_are_read_as_far_as_needed(self):
        settings = Settings(SearchSpace({"x": uniform(0, 1)}), seed=0)

        def proposals():
            yield np.array([0.5]), "first", ()
            raise AssertionError("read too far")

        rng = np.random.default_rng(0)
        assert settings.first_new(proposals(), (), rng).source == "first"
