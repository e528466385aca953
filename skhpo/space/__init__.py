"""scikit-learn's ``param_distributions`` as a unit cube, and back."""

from skhpo.space._dimension import Dimension
from skhpo.space._distributions import loguniform_int
from skhpo.space._space import SearchSpace

__all__ = ["Dimension", "SearchSpace", "loguniform_int"]
