"""Hyper-parameter search for scikit-learn: better models sooner, and numbers to trust."""

from .inspection import SearchProgress
from .search import BayesSearchCV, SearchCV
from .space import loguniform_int

__all__ = ["BayesSearchCV", "SearchCV", "SearchProgress", "loguniform_int"]

__version__ = "0.1.0.dev0"
