"""Where to look next: values that describe a search strategy, started once a search."""

from __future__ import annotations

from skhpo.optimizers._cmaes import CMAES
from skhpo.optimizers._differential_evolution import DifferentialEvolution
from skhpo.optimizers._evolution import Evolution
from skhpo.optimizers._gaussian_process import GaussianProcess
from skhpo.optimizers._genetic import GeneticAlgorithm
from skhpo.optimizers._random import RandomSearch
from skhpo.optimizers._sobol import Sobol
from skhpo.optimizers._tpe import TPE

__all__ = [
    "CMAES",
    "TPE",
    "DifferentialEvolution",
    "Evolution",
    "GaussianProcess",
    "GeneticAlgorithm",
    "RandomSearch",
    "Sobol",
    "make_optimizer",
]

_NAMES = {
    "bayes": GaussianProcess,
    "cmaes": CMAES,
    "de": DifferentialEvolution,
    "ga": GeneticAlgorithm,
    "random": RandomSearch,
    "sobol": Sobol,
    "tpe": TPE,
}


def make_optimizer(optimizer):
    """The optimiser of a name; anything else is returned as it is.

    Parameters
    ----------
    optimizer : {"bayes", "cmaes", "de", "ga", "random", "sobol", "tpe"} or an optimiser

    Returns
    -------
    optimizer
        A value with ``start``.

    Raises
    ------
    ValueError
        When the name is none of the above.

    Examples
    --------
    >>> from skhpo.optimizers import make_optimizer
    >>> make_optimizer("sobol")
    Sobol()
    """
    if not isinstance(optimizer, str):
        if not hasattr(optimizer, "adaptive"):
            raise TypeError(
                f"optimizer must be a name or a value of skhpo.optimizers; got {optimizer!r}."
            )
        return optimizer
    if optimizer not in _NAMES:
        names = ", ".join(map(repr, sorted(_NAMES)))
        raise ValueError(
            f"optimizer must be one of {names} or a value such as GaussianProcess(), "
            f"got {optimizer!r}. Choose one of them."
        )
    return _NAMES[optimizer]()
