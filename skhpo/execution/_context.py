"""What a fit finds around it, wherever it runs."""

from __future__ import annotations

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
        self._function = function
        self._config = get_config()
        self._filters = warning_filters() if filters else None

    def __call__(self, *args):
        nested = parallel.BACKENDS["threading"](nesting_level=1)
        with parallel_config(nested, n_jobs=None):
            if self._filters is None:
                with config_context(**self._config):
                    return self._function(*args)
            return with_config_and_filters(self._function, self._config, self._filters)(*args)
