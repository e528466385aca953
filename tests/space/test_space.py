"""Laws of the unit cube behind dicts and lists of dicts."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import ParameterGrid, ParameterSampler
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from skhpo.space import SearchSpace, loguniform_int

quick = settings(derandomize=True, database=None, deadline=None, max_examples=60)

LISTS = [
    [1],
    ["rbf"],
    [1, 2],
    [2, 1, 1.0],
    [None, 3, 10],
    [True, False, 1],
    ["a", "b", "c"],
    ["b", None, 0.5, "b"],
    [SVC(), SVC(C=2.0), "passthrough"],
    [(10,), (5, 5)],
    np.logspace(-2, 2, 5),
    range(4),
]
DISTRIBUTIONS = [
    stats.loguniform(1e-3, 1e3),
    stats.norm(2, 3),
    stats.uniform(1, 4),
    stats.randint(0, 4),
    stats.randint(0, 10**6),
    stats.poisson(3),
    stats.rv_discrete(values=([1, 7], [0.3, 0.7])),
    loguniform_int(1, 200),
]


def spaces_of(values):
    one = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(values), max_size=4)
    return (one | st.lists(one, min_size=1, max_size=4)).map(SearchSpace)


grids = spaces_of(LISTS)
spaces = spaces_of(LISTS + DISTRIBUTIONS)
seeds = st.integers(0, 2**32 - 1)


def cube(space, seed, n=6):
    return np.random.default_rng(seed).random((n, space.n_dims))


@quick
@given(spaces, seeds)
def test_snap_is_idempotent_and_keeps_the_parameters(space, seed):
    points = cube(space, seed)
    before = points.copy()
    snapped = space.snap(points)
    np.testing.assert_array_equal(points, before)
    np.testing.assert_array_equal(space.snap(snapped), snapped)
    np.testing.assert_array_equal(np.isnan(snapped), ~space.active[space.branch(points)])
    assert ((snapped > 0) & (snapped < 1) | np.isnan(snapped)).all()
    for point, twin in zip(points, snapped, strict=True):
        assert space.key(space.from_unit(point)) == space.key(space.from_unit(twin))


@quick
@given(spaces, seeds)
def test_parameters_come_back(space, seed):
    for point in space.snap(cube(space, seed)):
        params = space.from_unit(point)
        assert space.contains(params)
        again = space.from_unit(space.to_unit(params))
        assert list(again) == sorted(params)
        for name, value in params.items():
            close = pytest.approx(value, rel=1e-9) if type(value) is float else value
            assert again[name] is value or again[name] == close


@quick
@given(spaces, seeds)
def test_discrete_parameters_lie_at_their_snapped_point(space, seed):
    for point in space.snap(cube(space, seed)):
        params = space.from_unit(point)
        branch = space.branch(point[None])[0]
        first = next(b for b in range(len(space.branches)) if _is_in(space, b, params))
        if first == branch:  # else an earlier dict holds the same parameters
            np.testing.assert_allclose(space.to_unit(params), point, rtol=1e-9)


def _is_in(space, branch, params):
    point = space.to_unit(params)
    return space.branch(point[None])[0] == branch


@quick
@given(grids)
def test_the_grid_is_that_of_scikit_learn_without_duplicates(space):
    keys = [space.key(params) for params in space.grid()]
    assert len(set(keys)) == len(keys) == space.size
    assert space.is_grid
    assert all(space.contains(params) for params in space.grid())


@pytest.mark.parametrize(
    "lists",
    [
        {},
        {"b": [3, 1, 2], "a": ["y", "x"]},
        [{"kernel": ["linear"], "C": [1, 10]}, {"kernel": ["rbf"], "gamma": [0.1, 1], "C": [1, 2]}],
        [{}, {"a": [1]}, {"a": [None, 2]}],
    ],
)
def test_the_order_of_the_grid_is_that_of_scikit_learn(lists):
    assert list(SearchSpace(lists).grid()) == list(ParameterGrid(lists))


def test_the_grid_drops_duplicates_and_keeps_the_first():
    space = SearchSpace([{"a": [1, 2, 1, 1.0]}, {"a": [2, 3]}, {"a": np.array([3, 4])}])
    values = [params["a"] for params in space.grid()]
    assert values == [1, 2, 1.0, 3, 4]
    assert [type(v) for v in values] == [int, int, float, int, np.int64]
    assert space.size == 5


def test_a_grid_needs_lists():
    space = SearchSpace({"a": [1, 2], "b": stats.randint(0, 3)})
    assert not space.is_grid
    with pytest.raises(ValueError, match="Every value of the space must be a list"):
        space.grid()


@pytest.mark.parametrize(
    ("distributions", "size"),
    [
        ({}, 1),
        ({"a": [1]}, 1),
        ({"a": [1, 2], "b": stats.randint(0, 5), "c": loguniform_int(1, 30)}, 300),
        ({"a": stats.randint(0, 10**9), "b": [1, 2]}, 2 * 10**9),
        ({"a": stats.poisson(3)}, math.inf),
        ({"a": stats.norm()}, math.inf),
        ([{"a": [1, 2]}, {"a": stats.norm()}], math.inf),
        ([{"a": [1, 2]}, {"b": [1, 2]}], 4),
        ([{"a": [1, 2, 3], "b": [1, 2]}, {"a": [2, 3, 4], "b": [2, 3]}], 10),
        ([{"a": [0, 1, 2]}, {"a": stats.randint(1, 5)}], 5),
        ([{"a": stats.randint(0, 10**6)}, {"a": stats.randint(0, 10**6)}], 10**6),
        ([{"a": [1, 2]}] * 40, 2),
        ([{"a": [i, i + 1], "b": [0]} for i in range(30)], 31),
    ],
)
def test_size_counts_distinct_settings(distributions, size):
    assert SearchSpace(distributions).size == size


KERNELS = [
    {"kernel": ["linear"], "C": stats.loguniform(1e-2, 1e2)},
    {"kernel": ["rbf", "sigmoid"], "C": stats.loguniform(a=0.01, b=100.0), "gamma": [0.1, 1]},
    {"kernel": ["poly"], "C": stats.uniform(0, 1), "degree": stats.randint(2, 5)},
]


def test_columns_of_a_list_of_dicts():
    space = SearchSpace(KERNELS)
    assert [(dim.name, dim.kind) for dim in space.dims] == [
        ("<branch>", "branch"),
        ("C", "continuous"),  # of the first two dicts
        ("gamma", "ordered"),
        ("kernel", "categorical"),
        ("C", "continuous"),
        ("degree", "ordered"),
    ]
    assert space.dims[0].n_levels == 3
    np.testing.assert_array_equal(
        space.active,
        [
            [True, True, False, False, False, False],
            [True, True, True, True, False, False],
            [True, False, False, False, True, True],
        ],
    )
    assert space.names == ("C", "degree", "gamma", "kernel")
    assert space.branches == (("C", "kernel"), ("C", "gamma", "kernel"), ("C", "degree", "kernel"))


def test_points_of_a_list_of_dicts():
    space = SearchSpace(KERNELS)
    nan = math.nan
    points = np.array([[0.1, 0.5, nan, nan, nan, nan], [0.9, nan, nan, nan, 0.5, 0.2]])
    np.testing.assert_array_equal(space.branch(points), [0, 2])
    first, second = map(space.from_unit, points)
    assert first == {"C": pytest.approx(1.0), "kernel": "linear"}
    assert second == {"C": 0.5, "degree": 2, "kernel": "poly"}
    np.testing.assert_allclose(
        space.snap(points), [[1 / 6, 0.5, nan, nan, nan, nan], [5 / 6, nan, nan, nan, 0.5, 1 / 6]]
    )
    np.testing.assert_allclose(space.to_unit(second), space.snap(points)[1])


def test_one_dict_in_a_list_is_a_dict():
    space = SearchSpace([{"a": [1, 2]}])
    assert [dim.name for dim in space.dims] == ["a"]
    np.testing.assert_array_equal(space.branch([[0.9], [0.1]]), [0, 0])


def test_the_first_dict_that_holds_the_parameters_is_taken():
    space = SearchSpace([{"a": [1, 2]}, {"a": [2, 3]}])
    assert space.branch([space.to_unit({"a": 2})]) == [0]
    assert space.branch([space.to_unit({"a": 3})]) == [1]


@pytest.mark.parametrize(
    ("first", "second", "is_shared"),
    [
        (stats.loguniform(1, 10), stats.loguniform(1, b=10.0), True),
        (stats.loguniform(1, 10), stats.loguniform(1, 11), False),
        (stats.norm(0, 1), stats.norm(scale=1), True),
        (stats.uniform(0, 1), stats.expon(0, 1), False),
        (stats.norm, stats.norm, True),
        (loguniform_int(1, 5), loguniform_int(1, 5), True),
        (loguniform_int(1, 5), loguniform_int(1, 6), False),
        ([1, 2, 3], np.array([3, 2, 1]), True),
        ([1, 2], [1, 2.0], False),
        (["a", "b"], ("a", "b"), True),
        (["a", "b"], ["b", "a"], False),
        ([SVC(), PCA()], [SVC(), PCA()], True),
        (
            stats.rv_discrete(values=([0, 1], [0.5, 0.5]))(),
            stats.rv_discrete(values=([0, 1], [0.2, 0.8]))(),
            False,
        ),
    ],
)
def test_equal_distributions_of_one_name_share_a_column(first, second, is_shared):
    assert SearchSpace([{"a": first}, {"a": second}]).n_dims == (2 if is_shared else 3)
    assert SearchSpace([{"a": first}, {"b": second}]).n_dims == 3


def test_one_histogram_in_two_dicts_is_shared():
    histogram = stats.rv_histogram((np.array([1, 2]), np.array([0.0, 1.0, 2.0])), density=False)
    assert SearchSpace([{"a": histogram}, {"a": histogram}]).n_dims == 2


class Seeded:
    def rvs(self, random_state=None):
        return random_state.uniform()


def test_an_object_that_can_only_draw():
    space = SearchSpace({"a": Seeded(), "b": [1, 2]})
    params = space.from_unit([0.2, 0.2])
    assert params == space.from_unit([0.2, 0.2])
    assert space.contains(params)
    np.testing.assert_array_equal(space.to_unit(params), [0.5, 0.25])
    assert space.size == math.inf


NESTED = [
    {"clf": [SVC()], "clf__C": stats.loguniform(1e-2, 1e2), "clf__gamma": ["scale", 0.1]},
    {"clf": [RandomForestClassifier()], "clf__max_depth": [None, 3, 5, 10]},
    {"select": ["passthrough", PCA(2), SelectKBest(k=3)], "clf": [SVC(), SVC(kernel="linear")]},
]


@quick
@given(seed=seeds)
def test_nested_estimators(seed):
    space = SearchSpace(NESTED)
    for point in cube(space, seed, n=2):
        params = space.from_unit(point)
        snapped = space.snap([point])[0]
        np.testing.assert_allclose(space.to_unit(params), snapped, rtol=1e-9)
        cloned = {name: clone(value, safe=False) for name, value in params.items()}
        np.testing.assert_allclose(space.to_unit(cloned), snapped, rtol=1e-9)
        assert space.key(cloned) == space.key(params)


def test_the_own_parameters_of_a_pipeline():
    space = SearchSpace(NESTED)
    own = Pipeline([("select", "passthrough"), ("clf", SVC())]).get_params()
    for names in space.branches[0], space.branches[2]:
        assert space.contains({name: own[name] for name in names})
    assert not space.contains({"clf": own["clf"], "clf__max_depth": None})


@pytest.mark.parametrize(
    ("params", "is_in"),
    [
        ({"C": 1.0, "gamma": "scale"}, False),
        ({"C": 1.0, "gamma": 0.1}, True),
        ({"C": 1, "gamma": 1}, True),
        ({"C": 1.0}, False),
        ({"C": 1.0, "gamma": 0.1, "kernel": "rbf"}, False),
        ({"C": 200.0, "gamma": 0.1}, False),
        ({}, False),
    ],
)
def test_do_an_estimators_own_parameters_lie_in_the_space(params, is_in):
    space = SearchSpace({"C": stats.loguniform(1e-2, 1e2), "gamma": stats.loguniform(1e-3, 10)})
    assert space.contains(params) is is_in


def test_an_error_names_the_parameter():
    space = SearchSpace({"C": stats.uniform(0, 1), "kernel": ["rbf"]})
    with pytest.raises(ValueError, match=r"'C' must be a number between 0\.0 and 1\.0, got 2"):
        space.to_unit({"C": 2, "kernel": "rbf"})
    with pytest.raises(ValueError, match=r"'kernel' must be one of \['rbf'\], got 'poly'"):
        space.to_unit({"C": 0.5, "kernel": "poly"})
    with pytest.raises(ValueError, match=r"got \['gamma'\] in excess and \['kernel'\] missing"):
        space.to_unit({"C": 0.5, "gamma": 1})


def test_an_error_of_a_list_of_dicts_goes_through_them():
    with pytest.raises(ValueError, match=r"one of the dicts .* dict 0: .*'a'.* dict 1: .*'b'"):
        SearchSpace([{"a": [1, 2]}, {"b": [1, 2]}]).to_unit({"a": 3})


@pytest.mark.parametrize("points", [[[0.5]], [[0.5, 0.5, 0.5]], 0.5])
def test_points_must_have_the_dimensions_of_the_space(points):
    space = SearchSpace({"a": [1, 2], "b": stats.norm()})
    for method in (space.from_unit, space.snap, space.branch):
        with pytest.raises(ValueError, match="A point must have 2 coordinates, got an array of sh"):
            method(points)


def test_an_active_coordinate_must_be_a_number():
    space = SearchSpace([{"a": [1, 2]}, {"b": stats.norm()}])
    space.snap([[0.1, 0.5, math.nan]])
    with pytest.raises(ValueError, match=r"must be a number, got NaN for \['b'\]"):
        space.snap([[0.1, 0.5, math.nan], [0.9, 0.5, math.nan]])
    with pytest.raises(ValueError, match=r"must be a number, got NaN for \['<branch>'\]"):
        space.snap([[math.nan, 0.5, 0.5]])
    with pytest.raises(ValueError, match=r"must be a number, got NaN for \['a'\]"):
        space.from_unit([0.1, math.nan, 0.5])


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("shape", [(0, 2), (1, 2), (5, 2)])
def test_snap_leaves_its_argument_alone(layout, shape):
    points = np.full(shape, 0.2, order=layout)
    snapped = SearchSpace({"a": [1, 2], "b": stats.norm()}).snap(points)
    assert snapped.shape == shape
    np.testing.assert_array_equal(points, 0.2)
    np.testing.assert_array_equal(snapped, np.broadcast_to([0.25, 0.2], shape))


@pytest.mark.parametrize("distributions", [{}, {"a": ["x"], "b": [1]}])
def test_a_space_of_one_setting(distributions):
    space = SearchSpace(distributions)
    params = {name: values[0] for name, values in distributions.items()}
    assert space.dims == ()
    assert space.active.shape == (1, 0)
    assert space.from_unit([]) == params
    assert space.to_unit(params).shape == (0,)
    assert space.snap(np.empty((3, 0))).shape == (3, 0)
    np.testing.assert_array_equal(space.branch(np.empty((3, 0))), [0, 0, 0])
    assert list(space.grid()) == [params]


def test_an_empty_dict_in_a_list():
    space = SearchSpace([{}, {"a": stats.norm()}])
    assert space.from_unit([0.2, math.nan]) == {}
    np.testing.assert_array_equal(space.to_unit({}), [0.25, math.nan])


def test_the_constraint():
    space = SearchSpace({"a": range(4), "b": range(4)}, constraint=lambda p: p["a"] < p["b"])
    assert space.allows({"a": 1, "b": 2}) is True
    assert space.allows({"a": 2, "b": 2}) is False
    assert space.feasible([0.1, 0.9])
    assert not space.feasible([0.9, 0.1])
    assert space.contains({"a": 3, "b": 0})
    assert space.size == 16


def test_without_a_constraint_all_is_allowed():
    space = SearchSpace({"a": [1, 2]})
    assert space.allows({"a": 7}) is True
    assert space.feasible([0.5]) is True


def test_an_error_of_the_constraint_names_the_parameters():
    space = SearchSpace([{"a": [1, 2]}, {"b": [1, 2]}], constraint=lambda p: p["a"] > 1)
    with pytest.raises(ValueError, match=r"for \{'b': 1\} it raised KeyError"):
        space.feasible([0.9, math.nan, 0.1])


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": np.int64(1)}, True),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"b": 1}, False),
        ({"a": 1}, {}, False),
        ({"a": SVC()}, {"a": SVC()}, True),
        ({"a": SVC()}, {"a": SVC(C=2)}, False),
        ({"z": math.nan}, {"z": float("nan")}, True),
    ],
)
def test_key_equality(first, second, is_same):
    space = SearchSpace({"a": [1, 2]})
    assert (space.key(first) == space.key(second)) is is_same
    assert len({space.key(first), space.key(second)}) == (1 if is_same else 2)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
@pytest.mark.parametrize("distributions", [KERNELS, NESTED, {"a": Seeded(), "b": stats.norm}])
def test_a_copy_answers_the_same(distributions, duplicate):
    space = SearchSpace(distributions)
    twin = duplicate(space)
    points = cube(space, 0, n=20)
    np.testing.assert_array_equal(twin.snap(points), space.snap(points))
    for point in points:
        params, again = space.from_unit(point), twin.from_unit(point)
        assert space.key(params) == twin.key(again)
        np.testing.assert_array_equal(space.to_unit(again), twin.to_unit(params))
    assert duplicate(twin).size == space.size


@pytest.mark.parametrize("distributions", [KERNELS, NESTED[:2]])
def test_what_scikit_learn_draws_lies_in_the_space(distributions):
    space = SearchSpace(distributions)
    for params in ParameterSampler(distributions, 50, random_state=0):
        again = space.from_unit(space.to_unit(params))
        assert again.keys() == params.keys()
        for name, value in params.items():
            assert again[name] is value or again[name] == pytest.approx(value, rel=1e-9)


def test_dicts_and_values_are_drawn_evenly():
    space = SearchSpace(KERNELS)
    points = cube(space, 0, n=3000)
    drawn = [space.from_unit(point) for point in points]
    # A fixed seed: fails for a wrong law, never by chance; 1e-3 keeps the seed honest.
    counts = np.bincount(space.branch(points), minlength=3)
    assert stats.chisquare(counts).pvalue > 1e-3
    counts = [sum(p["kernel"] == kernel for p in drawn) for kernel in ("rbf", "sigmoid")]
    assert stats.chisquare(counts).pvalue > 1e-3
    degrees = [p["degree"] for p in drawn if "degree" in p]
    assert stats.chisquare(np.bincount(degrees)[2:]).pvalue > 1e-3
    assert stats.kstest([p["C"] for p in drawn if "degree" in p], "uniform").pvalue > 1e-3


def test_many_overlapping_dicts_have_a_size():
    few = [{"a": [j for j in range(30) if j != i], "b": [1, 2, 3]} for i in range(40)]
    assert SearchSpace(few).size == 90  # counted
    many = [{"a": range(i, 1000 + i), "b": range(1000)} for i in range(40)]
    assert SearchSpace(many).size == 40 * 10**6  # a bound
    disjoint = [{"a": range(i, 1000), "b": [i]} for i in range(40)]
    assert SearchSpace(disjoint).size == sum(1000 - i for i in range(40))


@pytest.mark.parametrize(
    "one",
    [stats.randint(3, 4), stats.bernoulli(1.0), stats.geom(1.0)],
    ids=["randint", "bernoulli", "geom"],
)
def test_a_distribution_of_one_value_is_a_constant(one):
    space = SearchSpace({"a": one, "b": stats.uniform(0, 1)})
    assert space.n_dims == 1
    params = space.from_unit(np.array([0.25]))
    assert params == {"a": one.rvs(), "b": 0.25}
    assert space.contains(params)
    assert space.to_unit(params) == [0.25]


def test_one_point_snaps_as_one_of_many():
    numbers = {"x": stats.uniform(0, 1), "n": stats.randint(1, 9), "k": stats.geom(0.3)}
    space = SearchSpace({"a": [1, 2, 3], "b": list("uv"), **numbers})
    points = np.random.default_rng(0).random((20, space.n_dims))
    one_by_one = [space.snap(point) for point in points]
    np.testing.assert_array_equal(space.snap(points), one_by_one)
