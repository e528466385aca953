"""Imports point down only: the picture in doc/architecture.rst as a test."""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = {
    "skhpo.__init__": 8,
    "skhpo.inspection": 7,
    "skhpo.search": 6,
    "skhpo.execution": 5,
    "skhpo.schedulers": 4,
    "skhpo.results": 4,
    "skhpo.statistics": 4,
    "skhpo.journal": 4,
    "skhpo.optimizers": 3,
    "skhpo.history": 3,
    "skhpo.fold_stopping": 3,
    "skhpo.stopping": 3,
    "skhpo.surrogates": 2,
    "skhpo.acquisition": 2,
    "skhpo.space": 1,
    "skhpo.fingerprint": 1,
    "skhpo._records": 0,
    "skhpo._sklearn": 0,
}
TOP = "skhpo.__init__"
DOOR = "skhpo._sklearn"
BEHIND_THE_DOOR = {"sklearn", "joblib", "loky", "cloudpickle"}
EVERYWHERE = {"numpy", "scipy", *sys.stdlib_module_names}
ALLOWED = {  # besides what is allowed everywhere
    "skhpo.inspection": {"sklearn"},
    "skhpo.search": {"sklearn", "joblib", DOOR},
    "skhpo.execution": {"sklearn", "joblib", "threadpoolctl", DOOR},
    "skhpo.surrogates": {"sklearn"},
    DOOR: BEHIND_THE_DOOR,
}
LAZILY = {"dask", "distributed", "matplotlib", "pandas", "polars"}


@dataclass(frozen=True)
class Import:
    """One imported name: `name` is "" for a plain ``import module``."""

    module: str
    name: str
    line: int
    lazy: bool

    @property
    def full(self):
        return f"{self.module}.{self.name}".strip(".")


def module_name(path):
    """Dotted name of a source file; a package's own file keeps its ``__init__``."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def home(module):
    """The entry of FLOORS that holds a module: skhpo.space for ``skhpo.space._dimension``."""
    return ".".join([*module.split("."), "__init__"][:2])


def imports_of(source, module):
    """Yield every import of a module, with relative ones made absolute."""
    tree = ast.parse(source)
    lazy = {
        node
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, "", node.lineno, node in lazy)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(origin(node, module), alias.name, node.lineno, node in lazy)


def origin(node, module):
    """Absolute name of the module that a ``from ... import`` takes from."""
    if not node.level:
        return node.module
    package = module.split(".")[: -node.level]
    return ".".join([*package, node.module] if node.module else package)


def is_private(full):
    """Is there an underscore name, or a vendored package, on the way?"""
    parts = full.split(".")
    dunder = ("__version__", "__future__")
    return "externals" in parts or any(p.startswith("_") and p not in dunder for p in parts)


def problem(found, module):
    """What is wrong with an import, or None."""
    here, package = home(module), found.module.split(".")[0]
    allowed = EVERYWHERE | ALLOWED.get(here, set())
    if package == "skhpo":
        return problem_inside(found, here, allowed)
    if package in LAZILY:
        return None if found.lazy else f"{package} must be imported inside the function using it"
    if package not in allowed:
        return f"{here} may not import {package}"
    if package in BEHIND_THE_DOOR and here != DOOR and is_private(found.full):
        return f"private names of {package} come through {DOOR}"
    return None


def problem_inside(found, here, allowed):
    there = home(found.module)
    if there == TOP and home(found.full) in FLOORS:  # from skhpo import space
        there = home(found.full)
    if there == here:
        return None
    if there == DOOR and DOOR not in allowed:
        return f"{here} may not import {DOOR}"
    if FLOORS[there] >= FLOORS[here]:
        return f"{here} (floor {FLOORS[here]}) may not import {there} (floor {FLOORS[there]})"
    return None


def problems(source, module):
    return [
        f"{module}:{found.line}: {text}"
        for found in imports_of(source, module)
        if (text := problem(found, module))
    ]


SOURCES = {module_name(path): path for path in sorted((ROOT / "skhpo").rglob("*.py"))}


@pytest.mark.parametrize("module", SOURCES)
def test_imports_point_down_only(module):
    assert home(module) in FLOORS, f"give {home(module)} a floor here and in doc/architecture.rst"
    assert problems(SOURCES[module].read_text(encoding="utf-8"), module) == []


def test_the_picture_is_true():
    svg = ElementTree.parse(ROOT / "doc" / "_static" / "floors.svg").getroot()
    drawn = {
        f"skhpo.{text.text}": int(floor.get("data-floor"))
        for floor in svg.iterfind(".//{*}g[@data-floor]")
        for text in floor.iterfind("{*}text[@class='unit']")
    }
    built = {home(module) for module in SOURCES}
    assert drawn == {name: floor for name, floor in FLOORS.items() if name in built}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("skhpo.space._dimension", "import sklearn"),
        ("skhpo.space._dimension", "from sklearn.utils import check_random_state"),
        ("skhpo.space._dimension", "from ..optimizers import RandomSearch"),
        ("skhpo.space._dimension", "from .. import history"),
        ("skhpo.space._dimension", "from skhpo import BayesSearchCV"),
        ("skhpo.space._dimension", "import skhpo"),
        ("skhpo.stopping", "from .history import History"),
        ("skhpo.schedulers._cross_validation", "from ..results import rank"),
        ("skhpo.optimizers._random", "def f():\n    from skhpo.search import SearchCV"),
        ("skhpo.optimizers._random", "from .._sklearn import BaseSearchCV"),
        ("skhpo.optimizers._random", "import requests"),
        ("skhpo.surrogates._forest", "from sklearn.utils._random import sample"),
        ("skhpo.inspection._plot", "from skhpo._sklearn import BaseSearchCV"),
        ("skhpo.search._base", "from sklearn.model_selection._search import BaseSearchCV"),
        ("skhpo.search._base", "from sklearn.base import _fit_context"),
        ("skhpo.execution._executors", "from joblib.externals.loky import ProcessPoolExecutor"),
        ("skhpo.execution._executors", "import dask"),
        ("skhpo.history", "import pandas as pd"),
        ("skhpo.history", "class A:\n    import pandas"),
    ],
)
def test_a_forbidden_import_is_found(module, source):
    assert len(problems(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("skhpo.space._dimension", "import math, numpy.random\nfrom scipy import stats"),
        ("skhpo.space.__init__", "from ._search_space import SearchSpace"),
        ("skhpo.space._dimension", "from . import _grid"),
        ("skhpo.optimizers._random", "from .._records import Suggestion"),
        (
            "skhpo.search._base",
            "from sklearn.base import clone\nfrom .._sklearn import fit_context",
        ),
        ("skhpo.surrogates._forest", "from sklearn.ensemble import ExtraTreesRegressor"),
        ("skhpo._sklearn", "from sklearn.base import _fit_context"),
        ("skhpo.history", "def f():\n    import pandas"),
        ("skhpo.__init__", "from .search import SearchCV\nfrom skhpo.space import loguniform_int"),
    ],
)
def test_a_permitted_import_passes(module, source):
    assert problems(source, module) == []
