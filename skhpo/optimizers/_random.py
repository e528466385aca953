"""Random search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from skhpo._records import Suggestion

__all__ = ["RandomSearch"]


@dataclass(frozen=True)
class RandomSearch:
    """Suggest independent draws from the distributions, whatever was told.

    Better than a grid where few of many parameters matter [1]_.

    References
    ----------
    .. [1] J. Bergstra, Y. Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 2012.

    Examples
    --------
    >>> from skhpo.optimizers import RandomSearch
    >>> RandomSearch()
    RandomSearch()
    """

    adaptive: ClassVar[bool] = False

    def start(self, space, *, seed, n_iter):
        """Begin a search of ``space``."""
        return _Running(space.n_dims)


class _Running:
    def __init__(self, n_dims):
        self._n_dims = n_dims

    def ask(self, pending, *, index, rng):
        return Suggestion(rng.random(self._n_dims), "random")

    def tell(self, observation):
        pass
