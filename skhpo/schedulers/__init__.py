"""What to spend on a candidate: which folds, at which resource level, in which order."""

from ._cross_validation import CrossValidation
from ._hyperband import Hyperband
from ._successive_halving import SuccessiveHalving

__all__ = ["CrossValidation", "Hyperband", "SuccessiveHalving", "make_scheduler"]

_BY_NAME = {"cv": CrossValidation, "halving": SuccessiveHalving, "hyperband": Hyperband}


def make_scheduler(scheduler):
    """Return a scheduler from its name, or the value itself.

    Parameters
    ----------
    scheduler : str or scheduler
        "cv", "halving", "hyperband", or a value of this module.

    Returns
    -------
    scheduler

    Raises
    ------
    ValueError
        When no scheduler has that name.

    Examples
    --------
    >>> from skhpo.schedulers import make_scheduler
    >>> make_scheduler("cv")
    CrossValidation()
    """
    if not isinstance(scheduler, str):
        if hasattr(scheduler, "adaptive"):
            raise TypeError(
                f"scheduler must be a value of skhpo.schedulers; got the optimiser {scheduler!r}. "
                "Pass it as optimizer."
            )
        return scheduler
    if scheduler not in _BY_NAME:
        raise ValueError(
            f"scheduler must be one of {sorted(_BY_NAME)} or a scheduler of skhpo.schedulers; "
            f"got {scheduler!r}."
        )
    return _BY_NAME[scheduler]()
