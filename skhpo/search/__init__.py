"""The search estimators."""

from ._bayes import BayesSearchCV
from ._compare import compare_searches
from ._evolutionary import EvolutionarySearchCV
from ._halving import HalvingRandomSearchCV
from ._hyperband import HyperbandSearchCV
from ._nested import NestedCV
from ._search import SearchCV

__all__ = [
    "BayesSearchCV",
    "EvolutionarySearchCV",
    "HalvingRandomSearchCV",
    "HyperbandSearchCV",
    "NestedCV",
    "SearchCV",
    "compare_searches",
]
