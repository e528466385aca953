"""Things with a fingerprint; run as a script, it prints theirs (by test_fingerprint.py)."""

import collections
import dataclasses
import datetime
import enum
import functools
import json
import operator
import random
import re
from fractions import Fraction
from pathlib import PurePosixPath

import joblib
import numpy as np
import pandas as pd
import polars as pl
from scipy import sparse, special, stats
from sklearn.base import TransformerMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, get_scorer, make_scorer
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

try:
    from joblib.externals import cloudpickle
except ImportError:  # newer releases of joblib depend on it
    import cloudpickle

from skhpo import BayesSearchCV
from skhpo.fingerprint import fingerprint
from skhpo.optimizers import make_optimizer
from skhpo.space import loguniform_int

THRESHOLD = 0.3
NAMES = frozenset({"a", "b", "c", "d"})


class Colour(enum.Enum):
    RED = 1
    BLUE = "b"


@dataclasses.dataclass
class Point:
    x: int
    y: list = dataclasses.field(default_factory=list)

    @property
    def norm(self):
        return self.x * THRESHOLD

    @staticmethod
    def has(name):
        return name in {"a", "b", "c"}

    @classmethod
    def origin(cls):
        return cls(0)


@dataclasses.dataclass(frozen=True, slots=True)
class Slotted:
    x: int


class Lazy:
    @functools.cached_property
    def twice(self):
        return 2 * THRESHOLD


class OldSlots:
    __slots__ = ("x", "y")

    def __init__(self):
        self.x = 1


class Custom(TransformerMixin, DecisionTreeClassifier):
    """An estimator of a script."""

    def transform(self, X):
        return super().apply(X) if THRESHOLD else X


class Ramp(stats.rv_continuous):
    def _cdf(self, x):
        return x**2


class Table(stats.rv_continuous):
    def __init__(self, table, **options):
        super().__init__(**options)
        self._table = table

    def _cdf(self, x):
        return x ** self._table[0]


def even(n):
    return n == 0 or odd(n - 1)


def odd(n):
    return n > 0 and even(n - 1)


def scaled(factor):
    def inner(x, power=2):
        return factor * np.power(x, power) + THRESHOLD

    return inner


@functools.lru_cache
def cached(x):
    return x in NAMES


Pair = collections.namedtuple("Pair", "a b")
_X, _y = load_iris(return_X_y=True)


def plain():
    """What is no object of a library, by name."""
    return {
        "None": None,
        "0": 0,
        "False": False,
        "0.0": 0.0,
        "-0.0": -0.0,
        "nan": float("nan"),
        "inf": float("inf"),
        "1": 1,
        "-1": -1,
        "2**70": 2**70,
        "10**5000": 10**5000,
        "1.0": 1.0,
        "True": True,
        "1j": 1j,
        "'1'": "1",
        "b'1'": b"1",
        "'nan'": "nan",
        "text": "ü\udc80\n\0",
        "...": ...,
        "[]": [],
        "[[]]": [[]],
        "()": (),
        "{}": {},
        "set()": set(),
        "[1]": [1],
        "[1.0]": [1.0],
        "(1,)": (1,),
        "['1']": ["1"],
        "[[1], 2]": [[1], 2],
        "[[1, 2]]": [[1, 2]],
        "{1}": {1},
        "frozenset": frozenset({1}),
        "names": set(NAMES),
        "{1: 2}": {1: 2},
        "{2: 1}": {2: 1},
        "{'a': None}": {"a": None},
        "range": range(3),
        "slice": slice(3),
        "date": datetime.date(2020, 1, 1),
        "datetime": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
        "fraction": Fraction(1, 3),
        "path": PurePosixPath("a/b"),
        "regex": re.compile("a+"),
        "another regex": re.compile("a+", re.IGNORECASE),
        "random": random.Random(0),
        "ordered": collections.OrderedDict(a=1, b=2),
        "ordered otherwise": collections.OrderedDict(b=2, a=1),
        "defaultdict": collections.defaultdict(list, a=[1]),
        "counter": collections.Counter("aab"),
        "deque": collections.deque([1, 2], maxlen=3),
        "pair": Pair(1, 2),
        "enum": Colour.RED,
        "another enum": Colour.BLUE,
        "dataclass": Point(1, [2]),
        "another dataclass": Point(1, [3]),
        "slots": Slotted(1),
        "old slots": OldSlots(),
        "cycle": _cycle([]),
        "another cycle": _cycle([1]),
    }


def _cycle(items):
    items.append(items)
    return items


def functions():
    return {
        "function": even,
        "closure": scaled(2),
        "another closure": scaled(3),
        "lambda": lambda x: np.mean(x) > THRESHOLD,
        "another lambda": lambda x: np.mean(x) < THRESHOLD,
        "lambda with a set": lambda x: x in {"a", "b", "c", "d"},
        "lambda with a default": lambda x, y=1: x,
        "lambda with another default": lambda x, y=2: x,
        "partial": functools.partial(even, n=2),
        "another partial": functools.partial(even, n=3),
        "cached": cached,
        "class": Point,
        "lazy class": Lazy,
        "enum class": Colour,
        "pair class": Pair,
        "slots class": OldSlots,
        "estimator class": Custom,
        "imported class": DecisionTreeClassifier,
        "imported function": f1_score,
        "method": Point(1).has,
        "bound method": KFold(3).split,
        "another bound method": KFold(4).split,
        "builtin": len,
        "math.log": __import__("math").log,
        "cmath.log": __import__("cmath").log,
        "builtin method": "abc".upper,
        "descriptor": str.lower,
        "itemgetter": operator.itemgetter(1),
        "ufunc": np.log1p,
        "another ufunc": special.expit,
        "module": np,
        "alias": list[int],
    }


def arrays():
    structured = np.zeros(2, dtype=[("a", "i4"), ("b", "f8")])
    return {
        "array": _X,
        "row": _X[0],
        "column": _X[:1].T,
        "float32": _X[0].astype(np.float32),
        "integers": _y,
        "int32": _y.astype(np.int32),
        "mask": _y > 0,
        "no dimension": np.array(1.0),
        "empty": np.empty(0),
        "empty rows": np.empty((0, 3)),
        "np.float64": np.float64(1),
        "np.int64": np.int64(1),
        "np.str_": np.str_("1"),
        "times": np.array(["2020-01-01"], dtype="M8[D]"),
        "text": np.array(["a", "bc"]),
        "objects": np.array(["a", None, 1.5, [1]], dtype=object),
        "text objects": np.array(["a", "bc"], dtype=object),
        "structured": structured,
        "long double": np.ones(3, dtype=np.longdouble) / 3,
        "matrix": _X[:2].view(np.ma.MaskedArray).filled().view(np.recarray),
        "masked": np.ma.array([1, 2, 3], mask=[False, True, False]),
        "masked otherwise": np.ma.array([1, 2, 3], mask=[False, False, True]),
        "variable text": np.array(["a", "bc"], dtype=np.dtypes.StringDType()),
        "global RandomState": np.random.get_state.__self__,
        "RandomState": np.random.RandomState(0),
        "another RandomState": np.random.RandomState(1),
        "Generator": np.random.default_rng(0),
        "another Generator": np.random.default_rng(1),
        "SeedSequence": np.random.SeedSequence(3),
        **{
            kind: getattr(sparse, f"{kind}_array")(np.diag([1.0, 2.0]))
            for kind in ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
        },
        "spmatrix": sparse.csr_matrix(np.diag([1.0, 2.0])),
        "coo vector": sparse.coo_array(np.array([0.0, 1.0])),
    }


def frames():
    frame = pd.DataFrame(
        {
            "int": [1, 2, 3],
            "text": ["x", "y", None],
            "category": pd.Categorical(["u", "v", "u"]),
            "ordered": pd.Categorical(["u", "v", "u"], ordered=True),
            "time": pd.date_range("2020", periods=3),
            "zone": pd.date_range("2020", periods=3, tz="Europe/Paris"),
            "Int64": pd.array([1, None, 3], dtype="Int64"),
            "string": pd.array(["a", None, "b"], dtype="string"),
            "span": pd.timedelta_range("1D", periods=3),
            "period": pd.period_range("2020", periods=3),
            "interval": pd.interval_range(0, 3),
            "sparse": pd.arrays.SparseArray([0, 0, 1]),
            ("a", "tuple"): [True, False, True],
        }
    )
    table = pl.DataFrame(
        {"int": [1, None], "text": ["x", "y"], "float": [1.0, 2.0], "list": [[1], [2, 3]]}
    )
    return {
        "frame": frame,
        **{f"series {name}": frame[name] for name in frame.columns},
        "range index": frame.index,
        "index": pd.Index([0, 1, 2]),
        "labels": frame.columns,
        "multi": pd.MultiIndex.from_product([[1, 2], ["a", "b"]], names=["p", "q"]),
        "timestamp": pd.Timestamp("2020"),
        "NA": pd.NA,
        "NaT": pd.NaT,
        "polars": table,
        **{f"polars {name}": table[name] for name in table.columns},
    }


def distributions():
    return {
        "loguniform": stats.loguniform(1e-3, 1e2),
        "another loguniform": stats.loguniform(1e-3, 1e3),
        "randint": stats.randint(0, 5),
        "loguniform_int": loguniform_int(1, 100),
        "family": stats.norm,
        "norm": stats.norm(),
        "moved norm": stats.norm(loc=1),
        "table": stats.rv_discrete(values=([1, 2], [0.5, 0.5])),
        "another table": stats.rv_discrete(values=([1, 2], [0.25, 0.75])),
        "histogram": stats.rv_histogram(np.histogram(_X[:, 0])),
        "another histogram": stats.rv_histogram(np.histogram(_X[:, 1])),
        "multivariate": stats.multivariate_normal(np.zeros(2)),
        "own": Ramp(a=0, b=1)(),
        "own of table": Table([1], a=0, b=1),
        "own of another table": Table([2], a=0, b=1),
    }


def estimators():
    tree = DecisionTreeClassifier(random_state=0)
    return {
        "tree": tree,
        "deeper tree": DecisionTreeClassifier(random_state=0, max_depth=3),
        "pipeline": make_pipeline(StandardScaler(), tree),
        "passthrough": Pipeline([("a", "passthrough"), ("b", tree)]),
        "frozen": FrozenEstimator(clone(tree).fit(_X, _y)),
        "frozen otherwise": FrozenEstimator(clone(tree).fit(_X[::2], _y[::2])),
        "frozen forest": FrozenEstimator(RandomForestClassifier(3, random_state=0).fit(_X, _y)),
        "frozen process": FrozenEstimator(
            GaussianProcessRegressor(optimizer=None).fit(_X[:9], _y[:9])
        ),
        "frozen vectorizer": FrozenEstimator(TfidfVectorizer().fit(["some text", "more text"])),
        "kernel": RBF(2.0),
        "custom": Custom(max_depth=2),
        "of a function": FunctionTransformer(np.log1p),
        "of another function": FunctionTransformer(np.log),
        "of a lambda": FunctionTransformer(lambda X: X + THRESHOLD),
        "numpy value": LogisticRegression(C=np.float64(2)),
        "with memory": Pipeline([("b", tree)], memory=joblib.Memory(None)),
        "search": BayesSearchCV(tree, {"max_depth": [1, 2], "ccp_alpha": stats.uniform(0, 1)}),
        "optimizer": make_optimizer("bayes"),
        "scorer": make_scorer(f1_score, average="macro"),
        "another scorer": make_scorer(f1_score, average="micro"),
        "named scorer": get_scorer("accuracy"),
        "splitter": KFold(3, shuffle=True, random_state=np.random.RandomState(0)),
        "another splitter": KFold(3, shuffle=True, random_state=np.random.RandomState(1)),
        "shuffle": ShuffleSplit(3, random_state=0),
    }


def things():
    kinds = plain, functions, arrays, frames, distributions, estimators
    return {f"{kind.__name__}: {name}": v for kind in kinds for name, v in kind().items()}


def _shipped(name, value):
    """A thing as it arrives in a worker."""
    if name in HOLDS_GLOBAL_STATE:
        return value
    try:
        return cloudpickle.loads(cloudpickle.dumps(value))
    except TypeError:  # cached properties had a lock before Python 3.12
        return value


# A copy of the global random state is one of its own.
HOLDS_GLOBAL_STATE = {
    "arrays: global RandomState",
    "distributions: multivariate",
    "estimators: frozen process",
}

if __name__ == "__main__":
    here = {name: fingerprint(value, name) for name, value in things().items()}
    there = {n: fingerprint(_shipped(n, value), n) for n, value in things().items()}
    print(json.dumps([here, there]))
