"""What makes two things the same for a journal: a digest of their content.

Equal are

- None, numbers, text and bytes of the same type and value: 1, 1.0, True and ``np.int64(1)``
  differ, NaN is NaN; lists and tuples of equal items; sets, and dicts whatever their order;
- arrays of the same type, shape and items (whatever their order in memory and of bytes), masked
  arrays besides by their mask; sparse arrays of the same format; frames and series of pandas and
  polars of the same labels, types and values;
- estimators of the same class and parameters, fitted or not, as a search clones them; with
  ``FrozenEstimator``, inside functions and in attributes of other objects, what they were fitted
  to counts as well;
- frozen scipy distributions of the same family, arguments and support;
- functions and classes that can be imported, by module and name: a change of their code is not
  noticed. Lambdas, what is defined inside functions and what is defined in ``__main__``, by their
  byte code, their defaults, and what they use of closures and globals: another version of Python
  makes them differ, and so does a list that they fill;
- random states, by the numbers that they would draw, except for numpy's global one;
- other objects, by class and by what ``pickle`` would keep of them (it is not pickled).

What has no such content, as an open file, has no fingerprint.
"""

from __future__ import annotations

import contextlib
import copyreg
import dis
import functools
import math
import sys
import types
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import numpy as np

__all__ = ["FingerprintError", "fingerprint"]

_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, type(...)})
_CHUNK = 1 << 24  # bytes
_MAIN = ("__main__", "__mp_main__")
_CLONED = ("_metadata_request", "_sklearn_output_config")  # attributes that `clone` copies
_PASSING = ("_skl_callbacks", "_stop_words_id")  # attributes that mean nothing in another process
_CODE = (
    *("co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_argcount"),
    *("co_posonlyargcount", "co_kwonlyargcount", "co_flags", "co_consts", "co_exceptiontable"),
)
_READ_GLOBAL = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)
_WRAPPERS = {
    property: ("fget", "fset", "fdel"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    functools.cached_property: ("func",),
    type(functools.cache(len)): ("__wrapped__",),
    types.MethodType: ("__self__", "__func__"),
    types.CodeType: _CODE,
}
_NOT_CONTENT = {  # of a class
    *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__slotnames__"),
    *("__firstlineno__", "__static_attributes__", "__annotations__", "__annotate_func__"),
    *("__annotations_cache__", "__dataclass_fields__", "__dataclass_params__", "_abc_impl"),
}


class FingerprintError(TypeError):
    """Something has no content that could be told again, such as an open file."""


def fingerprint(value, name="value"):
    """Digest of the content of a value, the same in every process and on every platform.

    Parameters
    ----------
    value : object
    name : str, default="value"
        What errors call it.

    Returns
    -------
    digest : str
        40 hexadecimal digits.

    Raises
    ------
    FingerprintError
        When a part of it has no content that could be told again; the error says which.

    Examples
    --------
    >>> from skhpo.fingerprint import fingerprint
    >>> fingerprint({"a": 1, "b": [2.0]}) == fingerprint({"b": [2.0], "a": 1})
    True
    >>> fingerprint(1) == fingerprint(1.0)
    False
    """
    try:
        return _Walk(name).digest(value).hex()
    except RecursionError:
        raise FingerprintError(
            f"{name} is nested too deeply for a fingerprint; give a flatter one."
        ) from None


class _Walk:
    """One pass over an object and all that it holds."""

    def __init__(self, name):
        self._path = [name]
        self._cloned = True  # estimators count as they are cloned, without what they fitted
        self._depths = {}  # of what is being looked at, by key: an object may hold itself
        self._known = {}  # key -> (object, digest)
        self._reach = math.inf  # depth of the outermost object that something refers back to

    def digest(self, value):
        if type(value) in _ATOMS:
            return _node(type(value).__name__, _atom(value).encode())
        key, depth = (id(value), self._cloned), len(self._depths)
        if key in self._known:
            return self._known[key][1]
        if key in self._depths:
            self._reach = min(self._reach, self._depths[key])
            return _node("cycle", str(depth - self._depths[key]).encode())
        self._depths[key], outer, self._reach = depth, self._reach, math.inf
        found = self._content(value)
        del self._depths[key]
        if self._reach >= depth:  # nothing in it refers to where it was met
            self._known[key], self._reach = (value, found), math.inf
        self._reach = min(self._reach, outer)
        return found

    def _content(self, value):
        for applies, describe in _KINDS:
            if applies(value):
                return describe(self, value)
        return self._object(value)

    def _part(self, step, value):
        self._path.append(step)
        found = self.digest(value)
        self._path.pop()
        return found

    def _named(self, kind, parts, text=".{}"):
        """Parts by name, whatever their order."""
        found = (self.digest(n) + self._part(text.format(n), parts[n]) for n in parts)
        return _node(kind, *sorted(found))

    def _state(self, kind, parts, text=".{}"):
        """Parts that `clone` copies as they are: an estimator in them stays fitted."""
        with self._as_it_is():
            return self._named(kind, parts, text)

    @contextlib.contextmanager
    def _as_it_is(self):
        cloned, self._cloned = self._cloned, False
        yield
        self._cloned = cloned

    def dict(self, value):
        return self._named("dict", value, "[{!r}]")

    def set(self, value):
        return _node(type(value).__name__, *sorted(self._part("{...}", v) for v in value))

    def sequence(self, value):
        kind = type(value).__name__
        if set(map(type, value)) <= _ATOMS:
            return _node(f"{kind} of atoms", "\n".join(map(_atom, value)).encode())
        return _node(kind, *(self._part(f"[{i}]", v) for i, v in enumerate(value)))

    def array(self, value):
        if isinstance(value, np.ma.MaskedArray):
            return self._state("masked", {"mask": np.ma.getmaskarray(value), "": value.filled()})
        array = np.asarray(value)
        # Memory maps are what workers get of an array.
        kind = "ndarray" if isinstance(value, np.memmap) else type(value).__name__
        kind = f"{kind} {_little(array.dtype)} {array.shape}"
        if array.dtype.names:
            return self._state(kind, {name: array[name] for name in array.dtype.names})
        if array.dtype.char in "OT":
            with self._as_it_is():
                return _node(kind, self.sequence(array.ravel().tolist()))
        if array.dtype.char in "gG":  # some bytes of a long double mean nothing
            return _node(kind, "\n".join(map(repr, array.ravel())).encode())
        return _node(kind, *_chunks(array))

    def sparse(self, value):
        if value.format in ("csr", "csc", "bsr"):
            same = value if value.has_canonical_format else value.copy()
            same.sum_duplicates()
            places = same.indptr, same.indices
        else:
            same = value.tocoo(copy=True)
            same.sum_duplicates()
            places = same.coords
        parts = dict(enumerate([same.data, *(p.astype(np.int64) for p in places)]))
        return self._state(f"{_name(type(value))} {value.shape}", parts)

    def pandas(self, value):
        """An index, a series or a frame."""
        kind, dtype = type(value).__name__, getattr(value, "dtype", None)
        parts = {"index": value.index} if hasattr(value, "index") else {}
        if hasattr(value, "columns"):
            parts |= {"columns": value.columns}
            parts |= {i: value.iloc[:, i] for i in range(value.shape[1])}
        elif hasattr(value, "levels"):
            parts |= {i: value.get_level_values(i) for i in range(value.nlevels)}
        else:
            kind = f"{'Series' if parts else 'Index'} {dtype}"
            parts |= {"name": value.name, "values": _pandas_values(value)}
        return self._state(kind, parts, ".column {}" if hasattr(value, "columns") else ".{}")

    def polars(self, value):
        if hasattr(value, "columns"):
            parts = {"columns": value.columns}
            parts |= {i: value.to_series(i) for i in range(value.width)}
            return self._state("polars frame", parts, ".column {}")
        plain = value.dtype.is_numeric() and not value.null_count()
        parts = {"name": value.name, "values": value.to_numpy() if plain else value.to_list()}
        return self._state(f"polars series {value.dtype}", parts)

    def random_state(self, value):
        if value is np.random.get_state.__self__:  # the global one, which is never the same
            return _node("global RandomState")
        return self._state(_name(type(value)), {"state": value.get_state(legacy=False)})

    def generator(self, value):
        return self._state(_name(type(value)), {"state": value.bit_generator.state})

    def ufunc(self, value):
        if value.__name__.endswith("(vectorized)"):
            self._refuse(value)
        return _node(f"ufunc {value.__name__} {value.nin} {value.nout}")

    def distribution(self, value):
        """A family of scipy, or one with its arguments."""
        family, stats = getattr(value, "dist", value), sys.modules["scipy.stats"]
        usual = vars(stats.norm).keys() | vars(stats.randint).keys()
        parts = {n: v for n, v in vars(family).items() if n not in usual}
        parts |= {n: getattr(value, n, None) for n in ("args", "kwds", "a", "b")}
        return self._state("distribution", {**parts, "family": type(family)})

    def estimator(self, value):
        attributes = getattr(value, "__dict__", {})
        if self._cloned and not _clones_itself(value):
            parts = {n: attributes[n] for n in _CLONED if n in attributes}
            parts |= value.get_params(deep=False)
            return _node("estimator", self.digest(type(value)), self._named("params", parts))
        parts = {n: v for n, v in attributes.items() if n not in _PASSING}
        return _node("fitted", self.digest(type(value)), self._state("attributes", parts))

    def by_name(self, value):
        return _node("name", _name(value).encode())

    def function(self, value):
        code, cells = value.__code__, map(_content_of, value.__closure__ or ())
        parts = dict(zip(code.co_freevars, cells, strict=True))
        parts |= {n: value.__globals__[n] for n in _globals(code) if n in value.__globals__}
        parts |= {"defaults": (value.__defaults__, value.__kwdefaults__)}
        parts |= {"attributes": vars(value)}
        return _node("function", self.digest(code), self._state("uses", parts, ", its {}"))

    def klass(self, value):
        parts = {
            name: item
            for name, item in vars(value).items()
            if name not in _NOT_CONTENT and not isinstance(item, _SLOTS)
        }
        bases = map(self.digest, value.__bases__)
        return _node("class", value.__name__.encode(), self._state("attributes", parts), *bases)

    def wrapper(self, value):
        names = _WRAPPERS[type(value)]
        return self._state(type(value).__name__, {n: getattr(value, n) for n in names})

    def mapping(self, value):
        return self._state("mapping", {"": dict(value)}, "")

    def _object(self, value):
        """Any other object, by what pickle would make it of."""
        if hasattr(type(value), "__next__"):  # nobody can look at it and leave it as it was
            self._refuse(value)
        try:
            reduced = copyreg.dispatch_table.get(type(value), _reduce)(value)
        except Exception as error:  # each type has its own way to refuse
            self._refuse(value, error)
        if isinstance(reduced, str):
            kind = f"{_name(type(value))} {getattr(value, '__module__', None)}"
            return _node(kind, reduced.encode())
        make, args, state, items, pairs = (*reduced, None, None, None)[:5]
        if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):
            state = {**(state[0] or {}), **state[1]}  # attributes, and those in slots
        attributes = state if isinstance(state, dict) else {"state": state}
        parts = {"make": make, "args": args}
        parts |= {"items": items and list(items), "pairs": pairs and list(pairs)}
        return _node("object", self._state("made of", parts, ""), self._state("", attributes))

    def _refuse(self, value, error=None):
        text = object.__repr__(value)
        with contextlib.suppress(Exception):  # the repr of somebody's class
            text = repr(value)
        raise FingerprintError(
            f"{''.join(self._path)} must be something whose content can be told again when the "
            f"search goes on; got {text:.100}, which cannot be fingerprinted. Give what can be: a "
            "path instead of an open file, a function of a module, an object that can be pickled."
        ) from error


def _atom(value):
    return hex(value) if type(value) is int else ascii(value)


def _node(kind, *parts):
    """Digest of parts whose lengths count, so that no two lists of parts run together."""
    found = blake2b(f"{kind}\n{[len(part) for part in parts]}\n".encode(), digest_size=20)
    for part in parts:
        found.update(part)
    return found.digest()


def _chunks(array):
    """Digests of the chunks of an array, in C order and little-endian."""
    rows = array.reshape(1) if array.ndim == 0 else array
    step = max(1, _CHUNK * len(rows) // max(1, array.nbytes))
    little = _little(rows.dtype)

    def digest(start):
        chunk = np.ascontiguousarray(rows[start : start + step], dtype=little)
        return blake2b(chunk.view(np.uint8).data if chunk.size else b"", digest_size=20).digest()

    starts = range(0, len(rows), step)
    if len(starts) < 2:
        return list(map(digest, starts))
    with ThreadPoolExecutor(4) as pool:  # hashing lets go of the interpreter
        return list(pool.map(digest, starts))


def _little(dtype):
    return dtype if dtype.char == "T" else dtype.newbyteorder("<")


def _pandas_values(value):
    array = value.array
    if isinstance(value.dtype, np.dtype):
        return value.to_numpy()
    if hasattr(array, "categories"):
        return [array.codes, array.categories, bool(array.ordered)]
    if hasattr(array, "asi8"):  # times; their type tells the unit and the zone
        return array.asi8
    if hasattr(array.dtype, "numpy_dtype"):  # numbers, some of them missing
        return [array.isna(), array.to_numpy(array.dtype.numpy_dtype, na_value=0)]
    return np.asarray(array, dtype=object)


def _content_of(cell):
    try:
        return cell.cell_contents
    except ValueError:  # not set yet
        return ...


def _globals(code):
    """Names of the globals that a function reads and does not set, and those inside it too."""
    steps = list(dis.get_instructions(code))
    read = {s.argval for s in steps if s.opname in _READ_GLOBAL}
    inner = (_globals(c) for c in code.co_consts if isinstance(c, types.CodeType))
    return read.union(*inner) - {s.argval for s in steps if s.opname == "STORE_GLOBAL"}


def _name(value):
    if isinstance(value, types.ModuleType):
        return value.__name__
    return f"{value.__module__}.{value.__qualname__}"


def _reduce(value):
    return value.__reduce_ex__(4)


def _is_importable(value):
    if value.__module__ in (None, *_MAIN):
        return False
    found = sys.modules.get(value.__module__)
    for step in value.__qualname__.split("."):
        found = getattr(found, step, None)
    return found is value


def _clones_itself(value):
    """Does a clone keep what it was fitted to, as that of FrozenEstimator does?"""
    clone = getattr(value, "__sklearn_clone__", None)
    return clone is not None and clone.__module__ != "sklearn.base"


def _is(*kinds):
    return lambda value: isinstance(value, kinds)


def _exactly(*kinds):
    return lambda value: type(value) in kinds


def _of(package, *names):
    """Is a value of such a class of a package that need not be there?"""
    return lambda value: any(
        base.__name__ in names and base.__module__.partition(".")[0] == package
        for base in type(value).__mro__
    )


def _by_name_or(describe):
    return lambda walk, value: (_Walk.by_name if _is_importable(value) else describe)(walk, value)


_KINDS = (
    (_exactly(list, tuple), _Walk.sequence),
    (_exactly(dict), _Walk.dict),
    (_exactly(set, frozenset), _Walk.set),
    (_is(np.ndarray, np.generic), _Walk.array),
    (_is(types.ModuleType), _Walk.by_name),
    (_is(type), _by_name_or(_Walk.klass)),
    (_is(types.FunctionType), _by_name_or(_Walk.function)),
    (_exactly(*_WRAPPERS), _Walk.wrapper),
    (_exactly(types.MappingProxyType), _Walk.mapping),
    (_is(np.ufunc), _Walk.ufunc),
    (_is(np.random.RandomState), _Walk.random_state),
    (_is(np.random.Generator), _Walk.generator),
    (_of("scipy", "_spbase", "spmatrix"), _Walk.sparse),
    (_of("scipy", "rv_frozen", "rv_generic"), _Walk.distribution),
    (_of("pandas", "DataFrame", "Series", "Index"), _Walk.pandas),
    (_of("polars", "DataFrame", "Series"), _Walk.polars),
    (lambda value: hasattr(value, "get_params"), _Walk.estimator),
)
