"""Laws of one coordinate, over many families of distributions and kinds of lists."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.svm import SVC

from skhpo.space import SearchSpace, loguniform_int
from skhpo.space._dimension import EPS, from_distribution

quick = settings(derandomize=True, database=None, deadline=None, max_examples=8)

HISTOGRAM = np.array([1, 0, 4, 2]), np.array([0.0, 1.0, 2.0, 4.0, 8.0])
CONTINUOUS = {
    "uniform": stats.uniform(-1, 3),
    "uniform tiny": stats.uniform(5, 1e-12),
    "uniform far": stats.uniform(1e10, 1e-3),
    "loguniform": stats.loguniform(1e-6, 1e6),
    "loguniform many decades": stats.loguniform(1e-300, 1e300),
    "loguniform narrow": stats.loguniform(1e-3, 1e-3 * (1 + 1e-9)),
    "loguniform loc": stats.loguniform(1, 100, loc=-5, scale=0.1),
    "norm": stats.norm(1e3, 1e-2),
    "beta": stats.beta(0.7, 3),
    "beta peaks": stats.beta(0.02, 0.02),
    "gamma": stats.gamma(2, scale=1e-4),
    "gamma spike": stats.gamma(0.01),
    "expon": stats.expon(scale=1e-4),
    "t": stats.t(3),
    "cauchy": stats.cauchy(),
    "lognorm": stats.lognorm(5),
    "truncnorm": stats.truncnorm(-1, 4, loc=2),
    "pareto": stats.pareto(0.01),
    "burr": stats.burr(10.5, 4.3),
    "weibull_min": stats.weibull_min(1.5),
    "histogram": stats.rv_histogram(HISTOGRAM, density=False),
    "norm itself": stats.norm,
}
DISCRETE = {
    "randint": stats.randint(0, 5),
    "randint loc": stats.randint(0, 5, loc=7),
    "randint negative": stats.randint(-3, 4),
    "randint one": stats.randint(3, 4),
    "randint large": stats.randint(0, 2**31 - 1),
    "randint huge": stats.randint(0, 2**60),
    "bernoulli": stats.bernoulli(0.2),
    "binom": stats.binom(1000, 0.3),
    "binom large": stats.binom(10**6, 0.5),
    "betabinom": stats.betabinom(20, 0.5, 0.5),
    "hypergeom": stats.hypergeom(100, 20, 30),
    "poisson": stats.poisson(4),
    "poisson loc": stats.poisson(1000, loc=-10),
    "geom": stats.geom(0.2),
    "geom large": stats.geom(1e-6),
    "nbinom": stats.nbinom(5, 0.3),
    "zipf": stats.zipf(4),
    "skellam": stats.skellam(3, 5),
    "dlaplace": stats.dlaplace(0.8),
    "boltzmann": stats.boltzmann(0.5, 10),
    "table": stats.rv_discrete(values=([1, 5, 100], [0.2, 0.5, 0.3])),
    "table frozen": stats.rv_discrete(values=([1, 5, 100], [0.2, 0.5, 0.3]))(loc=2),
    "table with a hole": stats.rv_discrete(values=([1, 5, 9], [0.5, 0.0, 0.5])),
    "table of fractions": stats.rv_discrete(values=([0.5, 1.5, 4.25], [0.2, 0.5, 0.3])),
    "loguniform_int": loguniform_int(1, 1000),
    "loguniform_int large": loguniform_int(10, 10**6),
}
LISTS = {
    "ints": [3, 1, 2],
    "one decade apart": np.logspace(-3, 3, 7),
    "mixed numbers": [1, 2.5, np.float32(0.1), np.int8(7)],
    "equal numbers": [1, 1.0, 2],
    "infinite": [1.0, math.inf, -math.inf],
    "huge integers": [10**400, 1, 2**70],
    "none and numbers": [None, 10, 3, 5],
    "strings": ["b", "a", "c"],
    "strings of an array": np.array(["b", "a"]),
    "booleans": [True, False],
    "booleans and numbers": [True, 1, 0.5],
    "nan": [1.0, math.nan, 2.0],
    "none and strings": [None, "sqrt", "log2"],
    "strings and numbers": ["sqrt", 0.5, None],
    "complex": [1j, 2],
    "tuples": [(10,), (10, 10), (5, 5, 5)],
    "arrays": [np.zeros(2), np.ones(2), np.ones(3)],
    "estimators": [SVC(), SVC(C=2.0), "passthrough"],
    "functions": [np.mean, np.median, lambda x: x],
    "range": range(0, 100, 7),
    "large": list(range(1000)),
}


def dimension(values):
    (dim,) = SearchSpace({"a": values}).dims
    return dim


ALL = CONTINUOUS | DISCRETE | LISTS
DIMENSIONS = {name: dimension(values) for name, values in ALL.items() if name != "randint one"}
# A space has no coordinate for one value.
DIMENSIONS["randint one"] = from_distribution("a", stats.randint(3, 4))
unit = st.floats(0, 1)


def over(families):
    return pytest.mark.parametrize("name", list(families))


@over(ALL)
@quick
@given(u=unit)
def test_snapping_is_idempotent_and_keeps_the_value(name, u):
    dim = DIMENSIONS[name]
    snapped = dim.snap(np.array([u]))
    np.testing.assert_array_equal(dim.snap(snapped), snapped)
    assert EPS <= snapped[0] <= 1 - EPS
    value, again = dim.from_unit(u), dim.from_unit(snapped[0])
    assert value is again or value == again


@over(ALL)
def test_outside_of_the_open_cube_is_moved_into_it(name):
    dim = DIMENSIONS[name]
    for edge, outside in (EPS, [-math.inf, -1, 0, 5e-324]), (1 - EPS, [1, 2, math.inf]):
        value = dim.from_unit(edge)
        assert not isinstance(value, float) or name == "infinite" or math.isfinite(value)
        for u in outside:
            again = dim.from_unit(u)
            assert again is value or again == value


@over(CONTINUOUS)
@quick
@given(seed=st.integers(0, 2**32 - 1))
def test_a_continuous_draw_comes_back_up_to_rounding(name, seed):
    drawn = CONTINUOUS[name].rvs(random_state=seed)
    value = DIMENSIONS[name].from_unit(DIMENSIONS[name].to_unit(drawn))
    assert type(value) is float
    # A rounding error of u, divided by the density: draws are beyond 1e-6 once in a million.
    assert value == pytest.approx(drawn, rel=1e-6, abs=1e-300)


@over(CONTINUOUS)
@quick
@given(u=st.floats(1e-6, 1 - 1e-6))
def test_a_continuous_value_is_a_quantile(name, u):
    distribution = CONTINUOUS[name]
    assert DIMENSIONS[name].from_unit(u) == pytest.approx(distribution.ppf(u), rel=1e-12)


@over(DISCRETE)
@quick
@given(seed=st.integers(0, 2**32 - 1))
def test_a_discrete_draw_comes_back(name, seed):
    drawn = DISCRETE[name].rvs(random_state=seed)
    value = DIMENSIONS[name].from_unit(DIMENSIONS[name].to_unit(drawn))
    assert type(value) is (float if name == "table of fractions" else int)
    # A step of 1 / 2**60 is thinner than a rounding error of u.
    assert value == (pytest.approx(drawn, rel=1e-15, abs=2**8) if name == "randint huge" else drawn)


@over(DISCRETE)
@quick
@given(u=st.floats(1e-6, 1 - 1e-6))
def test_a_discrete_value_is_a_quantile_but_for_rounding_at_the_edge_of_a_step(name, u):
    around = DISCRETE[name].ppf([u - 1e-9, u + 1e-9])
    assert around[0] <= DIMENSIONS[name].from_unit(u) <= around[1]


@over(LISTS)
def test_each_value_of_a_list_is_itself_the_middle_of_an_equal_cell(name):
    dim = DIMENSIONS[name]
    values = list(LISTS[name])
    units = [dim.to_unit(value) for value in values]
    assert sorted(units) == pytest.approx((np.arange(len(values)) + 0.5) / len(values))
    for value, u in zip(values, units, strict=True):
        again = dim.from_unit(u)
        assert again is value or (type(again) is type(value) and again == value)


@over(LISTS)
def test_levels_of_a_list_count_its_cells(name):
    dim, n = DIMENSIONS[name], len(LISTS[name])
    assert dim.n_levels == n
    centers = (np.arange(n) + 0.5) / n
    np.testing.assert_array_equal(dim.level(centers), np.arange(n))
    np.testing.assert_array_equal(dim.snap(centers), centers)
    assert dim.level(centers).dtype.kind == "i"


@pytest.mark.parametrize("n", [2, 3, 5, 7, 10, 49, 1000, 4097])
def test_cells_are_equal_for_any_number_of_levels(n):
    dim = dimension(range(n))
    edges = np.arange(n + 1) / n
    np.testing.assert_array_equal(dim.level(edges[:-1] + 1e-9), np.arange(n))
    np.testing.assert_array_equal(dim.level(edges[1:] - 1e-9), np.arange(n))
    assert dim.level(1.0) == n - 1
    assert dim.level(0.0) == 0


ORDERED = {
    "ints": [1, 2, 3],
    "one decade apart": np.logspace(-3, 3, 7).tolist(),
    "equal numbers": [1, 1.0, 2],
    "infinite": [-math.inf, 1.0, math.inf],
    "huge integers": [1, 2**70, 10**400],
    "none and numbers": [None, 3, 5, 10],
}


@over(ORDERED)
def test_numbers_are_ordered_with_none_first(name):
    dim, n = DIMENSIONS[name], len(ORDERED[name])
    assert dim.kind == "ordered"
    assert dim.has_none == (None in ORDERED[name])
    assert [dim.from_unit((i + 0.5) / n) for i in range(n)] == ORDERED[name]


@over(
    ["strings", "booleans", "booleans and numbers", "nan", "none and strings", "tuples", "complex"]
)
def test_other_lists_are_categorical_in_their_order(name):
    dim, values = DIMENSIONS[name], LISTS[name]
    assert dim.kind == "categorical"
    assert not dim.has_none
    assert [dim.level(dim.to_unit(value)) for value in values] == list(range(len(values)))


@pytest.mark.parametrize(
    ("name", "n_levels"),
    [
        ("uniform", math.inf),
        ("randint", 5),
        ("randint one", 1),
        ("randint large", 2**31 - 1),
        ("poisson", math.inf),
        ("geom large", math.inf),
        ("table", 3),
        ("table with a hole", 2),
        ("loguniform_int", 1000),
        ("loguniform_int large", 10**6 - 9),
    ],
)
def test_number_of_levels_of_a_distribution(name, n_levels):
    assert DIMENSIONS[name].n_levels == n_levels


@over(DISCRETE)
@quick
@given(u=unit)
def test_levels_of_a_distribution_count_its_values(name, u):
    dim = DIMENSIONS[name]
    assert dim.kind == "ordered"
    level, next_level = dim.level(np.array([u, min(u + 0.3, 1)]))
    assert 0 <= level < dim.n_levels
    assert (level == next_level) == (dim.from_unit(u) == dim.from_unit(min(u + 0.3, 1)))
    assert level <= next_level
    assert dim.level(0.0) == 0


@over(DISCRETE)
def test_the_middle_of_the_mass_of_a_level(name):
    dim, distribution = DIMENSIONS[name], DISCRETE[name]
    value = dim.from_unit(0.4)
    center = distribution.cdf(value) - distribution.pmf(value) / 2
    assert dim.snap(np.array([0.4]))[0] == pytest.approx(center, abs=1e-9)
    assert dim.to_unit(value) == pytest.approx(center, abs=1e-9)


@over(CONTINUOUS)
def test_a_continuous_dimension_has_no_levels(name):
    assert DIMENSIONS[name].kind == "continuous"
    with pytest.raises(ValueError, match="Only a dimension with levels has a level, 'a' is contin"):
        DIMENSIONS[name].level([0.5])


@pytest.mark.parametrize("value", [60, 400])
def test_far_tails_of_a_discrete_distribution_are_sane(value):
    dim = DIMENSIONS["poisson"]
    assert dim.from_unit(dim.to_unit(value)) == dim.from_unit(1.0) > 25


@pytest.mark.parametrize("distribution", [stats.zipf(1.5), stats.yulesimon(0.5)])
def test_a_heavy_tail_without_closed_form_ends_with_the_table(distribution):
    dim = dimension(distribution)
    assert dim.from_unit(1.0) == 2**14
    assert dim.to_unit(10**9) == dim.to_unit(2**14)
    assert dim.from_unit(0.4) == distribution.ppf(0.4)


class Setting:
    """Inside and outside of what a distribution or a list can give."""

    IN = (
        ("loguniform", [1, 1.0, np.float32(2), np.int64(3), 1e-6, 1e6]),
        ("uniform", [-1, 2, 0.0]),
        ("uniform far", [1e10]),
        ("norm", [0, -1e300, 1e300]),
        ("expon", [0, 5.0]),
        ("randint", [0, 4, 3.0, np.int64(2)]),
        ("randint large", [0, 7.0, 2**31 - 2]),
        ("geom large", [1, 10**12]),
        ("table", [1, 5, 100]),
        ("table of fractions", [0.5, 4.25]),
        ("binom", [0, 1000]),
        ("ints", [1, 1.0, np.float64(2)]),
        ("none and numbers", [None, 3, 3.0]),
        ("estimators", [SVC(), SVC(C=2.0), "passthrough"]),
        ("arrays", [[np.zeros(2)][0], np.ones(3)]),
        ("nan", [math.nan, 1.0]),
        ("booleans", [np.True_, False]),
        ("strings", ["a", np.str_("b")]),
    )
    OUT = (
        ("loguniform", ["scale", None, True, math.nan, math.inf, 1e-7, 2e6, [1.0], 1j, SVC()]),
        ("uniform", [-1.1, 2.1]),
        ("expon", [-1e-9, math.inf]),
        ("norm", [10**400]),
        ("randint", [-1, 5, 3.5, "3", None, True, math.nan, math.inf, 10**400]),
        ("randint large", [-1, 2**31, 0.5, None]),
        ("geom large", [0, 1.5]),
        ("table", [2, 101]),
        ("table with a hole", [5]),
        ("ints", [4, True, "1", None, 1.5]),
        ("none and numbers", [0, False, "None", math.nan]),
        ("estimators", [SVC(C=3.0), SVC(C=2), SVC, None]),
        ("arrays", [np.zeros(3), [0.0, 0.0]]),
        ("booleans", [1, 0, None]),
        ("booleans and numbers", [1.0, False]),
        ("strings", ["d", b"a", 0]),
    )


@pytest.mark.parametrize(("name", "values"), Setting.IN, ids=lambda x: x if type(x) is str else "")
def test_values_in_a_dimension(name, values):
    for value in values:
        assert 0 < DIMENSIONS[name].to_unit(value) < 1


@pytest.mark.parametrize(("name", "values"), Setting.OUT, ids=lambda x: x if type(x) is str else "")
def test_values_outside_of_a_dimension(name, values):
    for value in values:
        with pytest.raises(ValueError, match=r"Parameter 'a' must be .*, got"):
            DIMENSIONS[name].to_unit(value)


def test_a_long_list_is_shortened_in_an_error():
    with pytest.raises(ValueError, match=r"one of \[0, 1, .*9, ...\] \(1000 values\), got -1\."):
        DIMENSIONS["large"].to_unit(-1)


class Seeded:
    """All that ParameterSampler asks for."""

    def rvs(self, random_state=None):
        return random_state.uniform(), random_state.randint(100)


def test_an_object_that_can_only_draw_is_a_seed():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    dim = dimension(Seeded())
    assert (dim.kind, dim.n_levels) == ("opaque", math.inf)
    assert dim.from_unit(0.3) == dim.from_unit(0.3) != dim.from_unit(0.3001)
    assert dim.to_unit(dim.from_unit(0.3)) == 0.5
    assert dim.snap(np.array([0.0, 0.3])).tolist() == [EPS, 0.3]
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_distribution_of_vectors_is_opaque():
    assert dimension(stats.dirichlet([1, 2])).from_unit(0.3).shape == (1, 2)


@over([name for name in ALL if name != "functions"])
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda d: pickle.loads(pickle.dumps(d))])
def test_a_copy_answers_the_same(name, duplicate):
    dim = DIMENSIONS[name]
    twin = duplicate(dim)
    u = np.linspace(0, 1, 17)
    np.testing.assert_array_equal(twin.snap(u), dim.snap(u))
    if name not in ("arrays", "estimators", "nan"):
        assert [twin.from_unit(x) for x in u] == [dim.from_unit(x) for x in u]


@over(["norm", "beta", "loguniform", "gamma"])
def test_uniform_coordinates_give_the_law_of_a_continuous_distribution(name):
    u = np.random.default_rng(0).random(1000)
    values = [DIMENSIONS[name].from_unit(x) for x in u]
    # The seed is fixed, so this fails for a wrong law and never by chance; 1e-3 keeps it honest.
    assert stats.kstest(values, CONTINUOUS[name].cdf).pvalue > 1e-3


@over(["randint", "poisson", "binom", "loguniform_int", "table"])
def test_uniform_coordinates_give_the_law_of_a_discrete_distribution(name):
    u = np.random.default_rng(0).random(2000)
    values = np.array([DIMENSIONS[name].from_unit(x) for x in u])
    edges = np.unique(DISCRETE[name].ppf([0.2, 0.4, 0.6, 0.8, 1 - EPS]))
    expected = np.diff(DISCRETE[name].cdf(edges), prepend=0) * len(u)
    observed = np.diff([(values <= edge).sum() for edge in edges], prepend=0)
    assert stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 1e-3


def test_a_dimension_is_frozen():
    with pytest.raises(AttributeError):
        DIMENSIONS["norm"].name = "b"


def test_a_quantile_outside_the_support_is_no_value():
    dim = from_distribution("a", stats.geom(1.0))  # scipy has 0 for all of its quantiles
    assert [dim.from_unit(u) for u in (1e-9, 0.5, 0.9)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        (stats.uniform(0, 1), (0.0, 1.0)),
        (stats.loguniform(1e-5, 1e5), (0.0, 1.0)),
        (stats.randint(1, 500), (0.0, 1.0)),
        (loguniform_int(1, 10**9), (0.0, 1.0)),
        ([1, 2, 3], (0.0, 1.0)),
        (["a", "b"], (0.0, 1.0)),
        (stats.norm(0, 1), (1e-3, 1 - 1e-3)),
        (stats.expon(scale=3), (1e-3, 1 - 1e-3)),  # its values come near to 0, and nobody means 0
        (stats.geom(0.3), (1e-3, 1 - 1e-3)),
        (stats.poisson(1e-4), (0.0, 1.0)),  # all but one of its values lie beyond
    ],
)
def test_a_search_leaves_endless_tails_alone(values, ends):
    space = SearchSpace({"a": values})
    assert space.dims[0].ends == ends
    np.testing.assert_array_equal(space.ends, np.transpose([ends]))
