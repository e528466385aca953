"""What a fit finds around it, wherever it runs."""

from __future__ import annotations

from functools import partial

from joblib import parallel, parallel_config
from sklearn import config_context, get_config

from .._sklearn import warning_filters, with_config_and_filters

__all__ = ["WithContext"]


class WithContext:
    """A function under the settings of the thread that wrapped it.

    They are scikit-learn's configuration, which is a thread's own, and the warning filters.
    Parallel loops inside are nested: as in joblib's workers they get threads, and a search of
    this package inside is serial.

    Parameters
    ----------
    function : callable
    filters : bool, default=True
        Whether the warning filters are set too. Threads share them anyway.
    """

    def __init__(self, function, *, filters=True):
        config = get_config()
        if filters:
            # Of the method, as the wrapper takes over the attributes of what it wraps.
            call = function.__call__
            self._function = with_config_and_filters(call, config, warning_filters())
        else:
            self._function = partial(_with_config, config, function)

    def __call__(self, *args):
        nested = parallel.BACKENDS["threading"](nesting_level=1)
        with parallel_config(nested, n_jobs=None):
            return self._function(*args)


def _with_config(config, function, *args):
    with config_context(**config):
        return function(*args)
