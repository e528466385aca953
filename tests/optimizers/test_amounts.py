"""Optimisers that know of no resource: which amount is asked, and what it is told."""

import math

import numpy as np
import pytest
from scipy.stats import uniform

from skhpo._records import Observation, Suggestion
from skhpo.optimizers import TPE, GaussianProcess, RandomSearch
from skhpo.optimizers._amounts import ByAmount, start
from skhpo.space import SearchSpace

POINT = np.array([0.5])


class Scribe:
    """Notes what it is told and asked; suggests nothing in particular."""

    def __init__(self):
        self.told = []
        self.pending = None

    def tell(self, observation):
        """Note the score."""
        self.told.append(observation.score)

    def ask(self, pending, *, index, rng):
        """Note what is pending."""
        self.pending = list(pending)
        return Suggestion(POINT, ",".join(f"{score:g}" for score in self.told))


def asked(told, pending=()):
    made = ByAmount(Scribe, enough=3)
    for score, resource in told:
        made.tell(Observation(POINT, score, resource=resource))
    return made.ask(pending, index=0, rng=None).source


def test_the_largest_amount_that_enough_settings_have():
    low, middle = [(1, 1)] * 9, [(2, 3), (3, 3), (4, 3)]
    assert asked([*low, *middle, (9, 9), (8, 9)]) == "2,3,4"
    assert asked([*low, *middle, (9, 9), (8, 9), (7, 9)]) == "9,8,7"


def test_else_the_one_that_most_have():
    assert asked([(1, 1), (2, 1), (5, 3)]) == "1,2"
    assert asked([]) == ""


def test_known_scores_hold_at_each_amount():
    told = [(7, None), (1, 1), (2, 1), (3, 1)]
    assert asked(told) == "7,1,2,3"
    assert asked([*told, (6, None)]) == "7,1,2,3,6"
    assert asked([(7, None), (6, None)]) == "7,6"


def test_scores_under_way_at_other_amounts_are_not_known():
    made = ByAmount(Scribe, enough=1)
    made.tell(Observation(POINT, 1.0, resource=3))
    under_way = [Observation(POINT, 5.0, 0.1, 2, r, "partial") for r in (1, 3)]
    made.ask(under_way, index=0, rng=None)
    other, same = made._running[3].pending
    assert (math.isnan(other.score), other.n_folds) == (True, 0)
    assert same is under_way[1]


@pytest.mark.parametrize(
    ("optimizer", "wrapped"), [(GaussianProcess(), True), (TPE(), False), (RandomSearch(), False)]
)
def test_who_is_asked_so(optimizer, wrapped):
    running = start(optimizer, SearchSpace({"a": uniform(0, 1)}), seed=0, n_iter=9)
    assert isinstance(running, ByAmount) == wrapped


def test_low_scores_of_small_amounts_do_not_mislead():
    space = SearchSpace({"a": uniform(0, 1)})
    running = start(GaussianProcess(), space, seed=0, n_iter=30)
    for k in range(30):
        x = (k + 0.5) / 30
        running.tell(Observation(np.array([x]), -abs(x - 0.1) - 5, resource=1))
        if k % 3 == 0:
            running.tell(Observation(np.array([x]), -abs(x - 0.8), resource=9))
    points = [running.ask((), index=i, rng=np.random.default_rng(i)).point[0] for i in range(6)]
    assert np.median(np.abs(np.array(points) - 0.8)) < 0.15
