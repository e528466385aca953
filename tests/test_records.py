"""The nouns: frozen, compared by identity, at home in other processes."""

import dataclasses
import math
import pickle

import numpy as np
import pytest

from skhpo import _records
from skhpo._records import Candidate, Evaluation, Observation, Suggestion, Task

WHO = Candidate(7, {"a": 1}, np.array([0.5]), "sobol", (1, 2))
EXAMPLES = [
    WHO,
    Task(WHO, 2, 9.0),
    Evaluation(Task(WHO, 0), {"score": 1.0}, 0.1, 0.2),
    Suggestion(np.array([0.5]), "random"),
    Observation(np.array([0.5]), 1.0),
]


@pytest.mark.parametrize("record", EXAMPLES, ids=lambda record: type(record).__name__)
class TestEach:
    def test_is_frozen_and_has_no_room_for_more(self, record):
        field = dataclasses.fields(record)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field, None)
        assert not hasattr(record, "__dict__")

    def test_is_compared_by_identity(self, record):
        same = dataclasses.replace(record)
        assert record != same
        assert len({record, same}) == 2

    def test_survives_a_pickle(self, record):
        loaded = pickle.loads(pickle.dumps(record))
        assert repr(loaded) == repr(record)


def test_all_are_here():
    assert {type(record).__name__ for record in EXAMPLES} == set(_records.__all__)


def test_key_of_a_task():
    assert Task(WHO, 2).key == (7, 2, None)
    assert Task(WHO, 2, 9.0, continues=Task(WHO, 2, 3.0)).key == (7, 2, 9.0)


def test_defaults():
    seen = Observation(np.array([0.5]), 1.0)
    assert math.isnan(seen.noise)
    assert (seen.n_folds, seen.resource, seen.status, seen.id) == (1, None, "complete", -1)
    candidate = Candidate(0, {})
    assert (candidate.point, candidate.source, candidate.parents) == (None, "initial", ())
