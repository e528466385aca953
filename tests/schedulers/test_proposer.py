"""Where candidates come from: known settings, a small grid, then the optimiser."""

import math

import numpy as np
import pytest
from scipy.stats import randint, uniform

from skhpo._records import Observation, Suggestion
from skhpo.optimizers import RandomSearch, Sobol
from skhpo.schedulers._proposer import Proposer
from skhpo.space import SearchSpace


class Scripted:
    """An optimiser that suggests what it is told to and writes down what happens."""

    def __init__(self, points, adaptive=False):
        self.points = points
        self.adaptive = adaptive
        self.asked, self.told, self.started = [], [], []

    def start(self, space, *, seed, n_iter):
        """Return itself."""
        self.started.append((space, seed, n_iter))
        return self

    def ask(self, pending, *, index, rng):
        """Suggest the next point, the last one for ever."""
        self.asked.append((list(pending), index, rng.random()))
        point = self.points[min(index, len(self.points) - 1)]
        return Suggestion(np.atleast_1d(np.asarray(point, dtype=float)), "script", (index,))

    def tell(self, observation):
        """Write it down."""
        self.told.append(observation)


LINE = {"a": uniform(0, 1)}


def proposer(space, optimizer=None, *, n_iter=5, seed=0, constraint=None, **settings):
    space = SearchSpace(space, constraint=constraint)
    return Proposer(space, optimizer or RandomSearch(), n_iter=n_iter, seed=seed, **settings)


def drain(running, most=100):
    """Every candidate there is."""
    found = []
    while len(found) < most and (candidate := running.ask()) is not None:
        found.append(candidate)
    return found


def test_candidates_are_numbered_and_say_where_they_come_from():
    script = Scripted([0.1, 0.2, 0.3])
    found = drain(proposer(LINE, script, n_iter=3))
    assert [candidate.id for candidate in found] == [0, 1, 2]
    assert [candidate.params["a"] for candidate in found] == pytest.approx([0.1, 0.2, 0.3])
    assert [candidate.point.tolist() for candidate in found] == [[0.1], [0.2], [0.3]]
    assert {candidate.source for candidate in found} == {"script"}
    assert [candidate.parents for candidate in found] == [(0,), (1,), (2,)]


def test_nothing_comes_after_the_last():
    running = proposer(LINE, n_iter=2)
    drain(running)
    assert running.ask() is None
    assert running.ask() is None


def test_the_optimiser_is_started_once_with_seed_and_n_iter():
    script = Scripted([0.5])
    running = proposer(LINE, script, n_iter=7, seed=3)
    assert [(seed, n_iter) for _, seed, n_iter in script.started] == [(3, 7)]
    assert running.n_candidates == 7


def test_each_ask_has_its_own_index_and_generator():
    first, second = Scripted([0.1, 0.2, 0.3]), Scripted([0.4, 0.5, 0.6])
    for script in (first, second):
        drain(proposer(LINE, script, n_iter=3, seed=8))
    assert [index for _, index, _ in first.asked] == [0, 1, 2]
    assert len({draw for *_, draw in first.asked}) == 3
    assert [draw for *_, draw in first.asked] == [draw for *_, draw in second.asked]


def test_suggestions_are_snapped():
    found = drain(proposer({"a": list("abcd")}, Scripted([0.01, 0.9, 0.4]), n_iter=3))
    assert [candidate.point[0] for candidate in found] == [0.125, 0.875, 0.375]


def test_pending_reaches_the_optimiser_without_what_is_outside():
    script = Scripted([0.1, 0.2], adaptive=True)
    running = proposer(LINE, script, n_iter=2)
    inside, outside = Observation(np.array([0.5]), math.nan), Observation(None, math.nan)
    running.ask([inside, outside])
    assert script.asked[0][0] == [inside]


def test_what_is_outside_teaches_nothing():
    script = Scripted([0.1])
    running = proposer(LINE, script)
    inside = Observation(np.array([0.5]), 1.0)
    running.tell(Observation(None, 1.0))
    running.tell(inside)
    assert script.told == [inside]


class TestKnownSettings:
    def test_order_initial_default_suggestions(self):
        script = Scripted([0.1, 0.2], adaptive=True)
        running = proposer(LINE, script, n_iter=3, initial=[{"a": 0.7}], own={"a": 0.5, "z": 1})
        found = drain(running)
        assert [candidate.source for candidate in found] == ["initial", "default", "script"]
        assert [candidate.params for candidate in found[:2]] == [{"a": 0.7}, {"a": 0.5}]
        assert [candidate.point[0] for candidate in found[:2]] == [0.7, 0.5]

    def test_no_default_for_one_that_does_not_learn(self):
        found = drain(proposer(LINE, Scripted([0.1]), n_iter=1, own={"a": 0.5}))
        assert [candidate.source for candidate in found] == ["script"]

    def test_a_default_that_is_not_in_the_space(self):
        script = Scripted([0.1], adaptive=True)
        for own in ({"a": 2.0}, {"b": 0.5}, {"a": "x"}, {}):
            assert drain(proposer(LINE, script, n_iter=1, own=own))[0].source == "script"

    def test_outside_the_space_there_is_no_point(self):
        found = drain(proposer(LINE, n_iter=3, initial=[{"a": 5.0}, {"b": 1}]))
        assert [candidate.point for candidate in found[:2]] == [None, None]

    def test_a_part_has_the_point_of_the_whole(self):
        space = {"a": uniform(0, 1), "b": uniform(0, 1)}
        found = drain(proposer(space, n_iter=1, initial=[{"a": 0.25}], own={"b": 0.75}))
        assert found[0].params == {"a": 0.25}
        assert found[0].point.tolist() == [0.25, 0.75]

    def test_the_dict_is_handed_on_as_it_is(self):
        given = {"a": 0.5}
        assert drain(proposer(LINE, n_iter=1, initial=[given]))[0].params is given


class TestSuggestionsThatCannotBeUsed:
    def test_are_asked_for_again_with_the_next_index(self):
        script = Scripted([0.1, 0.1, 0.1, 0.9])
        found = drain(proposer({"a": [0, 1, 2, 3]}, script, n_iter=2))
        assert [candidate.params["a"] for candidate in found] == [0, 3]
        assert [index for _, index, _ in script.asked] == [0, 1, 2, 3]

    def test_an_obstinate_optimiser_is_replaced_by_chance(self):
        script = Scripted([0.1])
        found = drain(proposer({"a": randint(0, 5)}, script, n_iter=99))
        assert sorted(candidate.params["a"] for candidate in found) == [0, 1, 2, 3, 4]
        assert {candidate.source for candidate in found[1:]} == {"random"}

    def test_what_the_constraint_forbids(self):
        def constraint(params):
            return params["a"] > 0.5

        script = Scripted([0.1, 0.2, 0.6])
        running = proposer(LINE, script, n_iter=1, constraint=constraint)
        assert drain(running)[0].params["a"] == pytest.approx(0.6)

    def test_an_optimiser_that_must_be_rescued_is_asked_again_later(self):
        script = Scripted([*[0.1] * 60, 0.35])
        found = drain(proposer({"a": randint(0, 1000)}, script, n_iter=6))
        assert [candidate.source for candidate in found[:3]] == ["script", "random", "random"]
        assert len({candidate.params["a"] for candidate in found}) == 6


class TestTheEnd:
    def test_of_a_discrete_space_is_counted_not_searched_for(self):
        script = Scripted([0.1, 0.5, 0.9])
        found = drain(proposer({"a": randint(0, 3)}, script, n_iter=99, initial=[{"a": 9}] * 2))
        assert len(found) == 4
        assert len(script.asked) == 3

    def test_of_what_a_constraint_leaves(self):
        space = {"a": randint(0, 50)}
        running = proposer(space, Sobol(), n_iter=99, constraint=lambda params: params["a"] < 3)
        assert sorted(candidate.params["a"] for candidate in drain(running)) == [0, 1, 2]

    def test_no_space_at_all(self):
        found = drain(proposer({"a": [1]}, n_iter=4))
        assert [candidate.params for candidate in found] == [{"a": 1}]
        assert found[0].point.shape == (0,)

    @pytest.mark.parametrize("n_iter", [3, 4])
    def test_of_a_grid(self, n_iter):
        running = proposer({"a": [3, 1, 2]}, n_iter=n_iter)
        assert running.n_candidates == 3
        assert [candidate.params["a"] for candidate in drain(running)] == [3, 1, 2]

    def test_number_of_candidates_with_initial_settings(self):
        initial = [{"a": 9}, {"a": 9}, {"a": 2}]
        running = proposer({"a": [3, 1, 2]}, n_iter=3, initial=initial)
        assert running.n_candidates == 4
        assert [candidate.params["a"] for candidate in drain(running)] == [9, 2, 3, 1]


class TestErrors:
    def test_an_initial_setting_that_is_forbidden(self):
        with pytest.raises(ValueError, match=r"initial_params must satisfy.*\{'a': 0.5\}"):
            proposer(LINE, initial=[{"a": 0.5}], constraint=lambda params: params["a"] < 0.1)

    def test_nothing_is_allowed(self):
        with pytest.raises(ValueError, match="allowed none of 10000 random settings"):
            proposer(LINE, constraint=lambda params: False)
        with pytest.raises(ValueError, match="allowed none of its 2"):
            proposer({"a": [1, 2]}, constraint=lambda params: False)

    def test_an_allowed_initial_setting_is_enough(self):
        running = proposer(
            LINE, n_iter=3, initial=[{"a": 0.5}], constraint=lambda params: params["a"] == 0.5
        )
        assert [candidate.params for candidate in drain(running)] == [{"a": 0.5}]


def test_scored_settings_teach_and_are_not_evaluated():
    script = Scripted([0.1, 0.2])
    known = [({"a": 0.5}, 3), ({"a": 0.7}, math.nan)]
    found = drain(proposer(LINE, script, n_iter=2, scored=known))
    assert [candidate.params["a"] for candidate in found] == pytest.approx([0.1, 0.2])
    one, other = script.told
    assert (one.point.tolist(), one.score, one.status) == ([0.5], 3.0, "complete")
    assert other.status == "failed"
    assert math.isnan(other.score)


def test_a_scored_setting_given_without_its_score_too_is_evaluated():
    found = drain(proposer(LINE, n_iter=2, scored=[({"a": 0.5}, 3)], initial=[{"a": 0.5}]))
    assert found[0].params == {"a": 0.5}


def test_a_scored_setting_is_known_to_a_grid_and_as_the_estimators_own():
    scored = [({"a": 2}, 0.5)]
    found = drain(proposer({"a": [1, 2, 3]}, n_iter=3, scored=scored))
    assert [candidate.params["a"] for candidate in found] == [1, 3]
    running = proposer(
        LINE, Scripted([0.1, 0.2]), n_iter=2, scored=[({"a": 0.5}, 3)], own={"a": 0.5}
    )
    assert [candidate.params["a"] for candidate in drain(running)] == pytest.approx([0.1, 0.2])
    with pytest.raises(ValueError, match="must have a setting whose score is not known"):
        proposer({"a": [2]}, n_iter=3, scored=scored)


def test_an_initial_setting_that_is_the_estimators_own_is_known_as_that():
    running = proposer(LINE, n_iter=3, initial=[{"a": 0.2}, {}], own={"a": 0.5})
    assert [candidate.source for candidate in drain(running)][:2] == ["initial", "default"]


class Draws:
    """An object that can only draw."""

    def __init__(self, value):
        self.value = value

    def rvs(self, random_state=None):
        return self.value


@pytest.mark.parametrize(
    ("values", "own", "is_inside"),
    [
        ([1, 2, 5], 1.0, False),  # of max_features: one, and all
        (randint(1, 6), 1.0, False),
        (uniform(0, 1), 1, False),  # of min_samples_leaf: one, and all
        ([1, 2, 5], 1, True),
        (uniform(0, 1), 1.0, True),
        (uniform(0, 4), 2, True),  # of p: two is two
        ([0.5, 2.0], 2, True),
        ([1, 2, 5], 2.0, True),
        (Draws(3), 3, False),  # nobody can tell
        (Draws(np.zeros(2)), 1.0, False),
    ],
)
def test_one_is_not_all(values, own, is_inside):
    running = proposer({"a": values}, Scripted([0.5], adaptive=True), n_iter=1, own={"a": own})
    first = running.ask()
    assert (first.source == "default") is is_inside


def test_a_user_may_write_one_for_a_float():
    space = {"C": uniform(0, 100)}
    first = proposer(space, initial=[{"C": 1}]).ask()
    assert first.point is not None
    first = proposer({"a": randint(1, 10)}, initial=[{"a": 1.0}]).ask()
    assert first.point is None
