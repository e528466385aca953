"""Hyper-parameter search for scikit-learn: better models sooner, and numbers to trust."""

from .execution import run_config
from .inspection import SearchProgress
from .journal import Journal, load_history
from .search import (
    BayesSearchCV,
    EvolutionarySearchCV,
    HalvingRandomSearchCV,
    HyperbandSearchCV,
    NestedCV,
    SearchCV,
    compare_searches,
)
from .space import loguniform_int

__all__ = [
    "BayesSearchCV",
    "EvolutionarySearchCV",
    "HalvingRandomSearchCV",
    "HyperbandSearchCV",
    "Journal",
    "NestedCV",
    "SearchCV",
    "SearchProgress",
    "compare_searches",
    "load_history",
    "loguniform_int",
    "run_config",
]

__version__ = "0.1.0.dev0"
