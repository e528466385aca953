"""The search estimators."""

from ._bayes import BayesSearchCV
from ._search import SearchCV

__all__ = ["BayesSearchCV", "SearchCV"]
