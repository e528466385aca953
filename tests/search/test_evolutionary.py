"""What EvolutionarySearchCV adds to its base."""

import numpy as np
import pytest
from scipy.stats import loguniform, uniform
from sklearn.base import BaseEstimator
from sklearn.svm import SVC

from skhpo import EvolutionarySearchCV, SearchCV
from skhpo.optimizers import CMAES, Evolution
from skhpo.stopping import MaxFits, NoImprovement, TargetScore

NUMBERS = {"a": uniform(0, 1), "b": loguniform(1e-3, 1e3)}
MIXED = NUMBERS | {"c": ["x", "y", "z"]}
DICTS = [
    {"a": uniform(0, 1), "c": ["x"]},
    {"b": loguniform(1e-3, 1e3), "c": ["y", "z"]},
]
FLAGS = [f"flag_{i:02d}" for i in range(12)]
ALGORITHMS = ["auto", "ga", "de", "cmaes"]
MOSTLY_CHOICES = {"a": uniform(0, 1), "b": [0.1, 1.0, "10"], "c": ["x", "y", "z"]}
X, Y = np.zeros((8, 1)), np.arange(8) % 2


class Hill(BaseEstimator):
    """An estimator whose score is a smooth function of its parameters."""

    def __init__(self, a=0.1, b=1.0, c="z"):
        self.a = a
        self.b = b
        self.c = c

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def score(self, X, y=None):
        """At most 0, at a = 0.7, b = 10 and c = "z"."""
        return (
            -((self.a - 0.7) ** 2) - (np.log10(float(self.b)) - 1) ** 2 - 0.2 * "zyx".index(self.c)
        )


def search(space, cls=EvolutionarySearchCV, seed=0, **settings):
    return cls(Hill(), space, cv=2, random_state=seed, **settings).fit(X, Y)


@pytest.mark.parametrize("algorithm", ["auto", "ga", "de", "cmaes", CMAES(sigma0=0.2)])
@pytest.mark.parametrize("space", [NUMBERS, MIXED], ids=["numbers", "mixed"])
def test_it_climbs(algorithm, space):
    """Chance comes to -0.013 in the numbers, and to -0.031 with the choice: medians."""
    found = [search(space, algorithm=algorithm, n_iter=100, seed=seed) for seed in range(3)]
    assert np.median([one.best_score_ for one in found]) > -0.01
    assert len(found[0].cv_results_["params"]) == 100


def test_it_is_a_preset():
    preset = search(MIXED, algorithm="de", population_size=8, n_iter=20)
    same = search(MIXED, SearchCV, optimizer=Evolution("de", 8), n_iter=20)
    assert preset.cv_results_["params"] == same.cv_results_["params"]


@pytest.mark.parametrize(
    ("space", "source"),
    [(NUMBERS, "cmaes"), (MIXED, "cmaes"), (MOSTLY_CHOICES, "de"), (DICTS, "de")],
)
def test_auto_goes_by_the_space(space, source):
    sources = set(search(space, n_iter=20).history_.to_dict()["source"])
    assert any(name.startswith(source) for name in sources)


def test_population_size_reaches_the_algorithm():
    sources = table(search(MIXED, algorithm="ga", population_size=16, n_iter=40))["source"]
    # The default first, then most of the population from a sequence.
    assert sources[:13].tolist() == ["default"] + ["sobol"] * 12
    assert "sobol" not in sources[13:]


def table(found):
    """Columns of the history, one row a candidate."""
    return {name: column[::2] for name, column in found.history_.to_dict().items()}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_population_larger_than_the_search(algorithm):
    """It is made to fit, so that the second half of the search has learned something."""
    found = search(MIXED, algorithm=algorithm, population_size=500, n_iter=24)
    assert table(found)["generation"][18:].min() > 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("space", [NUMBERS, MIXED, DICTS], ids=["numbers", "mixed", "dicts"])
def test_the_number_of_jobs_changes_nothing(algorithm, space):
    serial, parallel = (
        search(space, algorithm=algorithm, n_iter=30, n_jobs=n_jobs, pre_dispatch=4)
        for n_jobs in (1, 2)
    )
    assert serial.cv_results_["params"] == parallel.cv_results_["params"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_choice_of_dicts(algorithm):
    """At its best with b = 10 and c = "z", which one of the dicts has."""
    found = [search(DICTS, algorithm=algorithm, n_iter=80, seed=seed) for seed in range(3)]
    assert np.median([one.best_score_ for one in found]) > -0.361  # a = 0.1 comes to -0.36
    assert found[0].best_params_["c"] == "z"
    for params in found[0].cv_results_["params"]:
        assert set(params) == ({"a", "c"} if params["c"] == "x" else {"b", "c"})


class Flags(BaseEstimator):
    """An estimator with a dozen flags, of which every second should be set."""

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def score(self, X, y=None):
        """Share of the flags that are right."""
        return np.mean([getattr(self, name) == i % 2 for i, name in enumerate(FLAGS)])

    def get_params(self, deep=True):
        """All flags."""
        return {name: getattr(self, name, False) for name in FLAGS}

    def __init__(self, **flags):
        vars(self).update(dict.fromkeys(FLAGS, False) | flags)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_nothing_but_booleans(algorithm):
    """100 of 4,096 settings, none of them twice: chance comes to 10 of the 12 flags."""
    space = {name: [False, True] for name in FLAGS}
    best = []
    for seed in range(3):
        found = EvolutionarySearchCV(
            Flags(), space, algorithm=algorithm, n_iter=100, cv=2, random_state=seed
        ).fit(X, Y)
        seen = {tuple(params.values()) for params in found.cv_results_["params"]}
        assert len(seen) == 100
        best.append(found.best_score_)
    assert np.median(best) > 10.5 / 12


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "space", [{"a": uniform(0, 1)}, {"a": (np.arange(101) / 100).tolist()}], ids=["any", "list"]
)
def test_one_dimension(algorithm, space):
    found = [search(space, algorithm=algorithm, n_iter=40, seed=seed) for seed in range(3)]
    assert np.median([abs(one.best_params_["a"] - 0.7) for one in found]) < 0.01
    assert len({params["a"] for params in found[0].cv_results_["params"]}) == 40


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_history_is_a_family_tree(algorithm):
    rows = table(search(MIXED, algorithm=algorithm, n_iter=60))
    generations, operators = rows["generation"], rows["source"]
    assert operators[0] == "default"
    assert {name.split(":")[0] for name in operators[-20:]} <= {"ga", "de", "cmaes"}
    for id_, parents in enumerate(rows["parents"]):
        assert all(0 <= parent < id_ for parent in parents)
        assert generations[id_] == 1 + max((generations[p] for p in parents), default=-1)
    assert generations[-10:].min() >= 2


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("space", [MIXED, DICTS], ids=["mixed", "dicts"])
def test_a_journal_goes_on_as_if_nothing_had_happened(algorithm, space, tmp_path):
    options = {"algorithm": algorithm, "n_iter": 40, "pre_dispatch": 3}
    whole = search(space, **options)
    options["journal"] = tmp_path / "j.db"
    search(space, stopping=MaxFits(37), **options)  # ends within a candidate
    resumed = search(space, **options)
    for name in ("params", "mean_test_score"):
        np.testing.assert_array_equal(whole.cv_results_[name], resumed.cv_results_[name])
    for name in ("source", "parents", "generation"):
        assert table(whole)[name].tolist() == table(resumed)[name].tolist()


@pytest.mark.parametrize("algorithm", ["ga", "de"])
def test_what_you_know_has_children(algorithm):
    known = {"a": 0.69, "b": 9.0, "c": "z"}
    rows = table(search(MIXED, algorithm=algorithm, initial_params=[known], n_iter=40))
    assert rows["source"][0] == "initial"
    children = [id_ for id_, parents in enumerate(rows["parents"]) if 0 in parents]
    assert children
    assert np.median(rows["test_score"][children]) > np.median(rows["test_score"][1:9])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_you_know_may_lie_outside(algorithm):
    outside = {"a": 3.0, "b": 9.0, "c": "z"}
    found = search(MIXED, algorithm=algorithm, initial_params=[outside], n_iter=40)
    assert found.cv_results_["params"][0] == outside
    assert not any(0 in parents for parents in table(found)["parents"])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_rules_end_it(algorithm):
    rule = TargetScore(-0.05) | NoImprovement(25)
    found = search(MIXED, algorithm=algorithm, stopping=rule, n_iter=300)
    assert len(found.cv_results_["params"]) < 300
    same = search(MIXED, algorithm=algorithm, n_iter=300)
    n = len(found.cv_results_["params"])
    assert found.cv_results_["params"] == same.cv_results_["params"][:n]


@pytest.mark.parametrize(
    "settings", [{"algorithm": "pso"}, {"algorithm": 3}, {"population_size": 3}]
)
def test_parameters_are_checked(settings):
    name = next(iter(settings))
    with pytest.raises(ValueError, match=f"The '{name}' parameter of EvolutionarySearchCV"):
        EvolutionarySearchCV(SVC(), {"C": loguniform(1, 9)}, **settings).fit(X, Y)
