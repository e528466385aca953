"""What makes two values of a hyper-parameter the same value."""

from __future__ import annotations

import pickle

import numpy as np

__all__ = ["key_of"]

_PLAIN = frozenset({bool, int, float, complex, str, bytes, type(None)})


class _Same:
    """Key of an object that only equals itself; it keeps the object, so ids are not reused."""

    def __init__(self, value):
        self.value = value

    def __eq__(self, other):
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self):
        return id(self.value)

    def __repr__(self):
        return f"<{type(self.value).__name__} at {id(self.value):#x}>"


def key_of(value):
    """Hashable that is equal for two values when they are the same setting.

    Numbers are compared with their type, so 1, 1.0 and True differ, while ``np.int64(1)`` is 1.
    Containers and arrays are compared by content, objects with ``get_params`` by class and
    parameters, what is left by its pickle, and what has none by identity.

    Parameters
    ----------
    value : object

    Returns
    -------
    key : hashable

    Examples
    --------
    >>> import numpy as np
    >>> key_of(1) == key_of(np.int64(1)), key_of(1) == key_of(1.0), key_of(1) == key_of(True)
    (True, False, False)
    >>> key_of([1, np.nan]) == key_of([1, np.nan])
    True
    """
    if isinstance(value, np.generic):
        value = value.item()
    kind = type(value)
    if kind in _PLAIN:
        return kind, value if value == value else "nan"  # NaN differs from itself
    if kind is list or kind is tuple:
        return kind, tuple(map(key_of, value))
    if kind is dict:
        return kind, _ordered((key_of(k), key_of(v)) for k, v in value.items())
    if kind is set or kind is frozenset:
        return kind, _ordered(map(key_of, value))
    if isinstance(value, np.ndarray):
        return kind, value.dtype.str, value.shape, _content(value)
    if _is_its_parameters(value):
        return kind, key_of(value.get_params(deep=False))
    return _pickled(value)


def _ordered(keys):
    # By text: keys of different types cannot be compared, and the order of a set is not stable.
    return tuple(sorted(keys, key=repr))


def _content(array):
    return tuple(map(key_of, array.flat)) if array.dtype.hasobject else array.tobytes()


def _is_its_parameters(value):
    # A class with a clone of its own (FrozenEstimator) keeps what it was fitted to.
    return (
        hasattr(value, "get_params")
        and not isinstance(value, type)
        and "__sklearn_clone__" not in vars(type(value))
    )


def _pickled(value):
    try:
        return "pickle", pickle.dumps(value, protocol=5)
    except Exception:  # each type has its own way to refuse
        return _Same(value)
