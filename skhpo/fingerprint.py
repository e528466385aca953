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
  noticed. Lambdas, what is defined inside functions and what is defined in ``__main__`` by
  their byte code, defaults and what they use of closures and globals: another version of Python
  makes them differ;
- other objects, by class and by what ``pickle`` would keep of them (it is not pickled).
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
_BY_NAME = (types.BuiltinFunctionType, types.ModuleType)
_MAIN = ("__main__", "__mp_main__")
_NOT_CONTENT = {  # of a class
    *("__module__", "__dict__", "__weakref__", "__doc__", "__firstlineno__"),
    *("__static_attributes__", "__annotations__", "__annotate_func__", "_abc_impl"),
    *("__annotations_cache__", "__dataclass_fields__", "__dataclass_params__", "__qualname__"),
}
_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType)
_CODE = (
    *("co_code", "co_names", "co_varnames", "co_freevars", "co_cellvars", "co_argcount"),
    *("co_posonlyargcount", "co_kwonlyargcount", "co_flags", "co_consts", "co_exceptiontable"),
)


class FingerprintError(TypeError):
    """Something has no content that could be told again, such as an open file."""


def fingerprint(value, name="value"):
    """Digest of the content of a value; the same in every process and on every platform.

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
    walk = _Walk(name)
    try:
        return walk.digest(value).hex()
    except RecursionError:
        raise FingerprintError(
            f"{name} is nested too deeply for a fingerprint; give a flatter one."
        ) from None


class _Walk:
    """One pass over an object and all that it holds."""

    def __init__(self, name):
        self._path = [name]
        self._cloned = True  # estimators count by their parameters, as they are cloned
        self._depth_of = {}  # id -> depth, of what is being looked at: an object may hold itself
        self._known = {}  # (id, cloned) -> (object, digest)
        self._reach = math.inf  # depth of the outermost object that what was seen refers back to

    def digest(self, value):
        if type(value) in _ATOMS:
            return _node(type(value).__name__, _atom(value).encode())
        key = (id(value), self._cloned)
        if key in self._known:
            return self._known[key][1]
        depth = len(self._depth_of)
        if key in self._depth_of:
            self._reach = min(self._reach, self._depth_of[key])
            return _node("cycle", str(depth - self._depth_of[key]).encode())
        self._depth_of[key], outer, self._reach = depth, self._reach, math.inf
        found = self._content(value)
        del self._depth_of[key]
        if self._reach >= depth:  # the digest does not depend on where it was met
            self._known[key] = value, found
            self._reach = math.inf
        self._reach = min(self._reach, outer)
        return found

    def _content(self, value):
        for applies, describe in _KINDS:
            if applies(value):
                return describe(self, value)
        return self._object(value)

    def part(self, step, value):
        self._path.append(step)
        found = self.digest(value)
        self._path.pop()
        return found

    def named(self, kind, parts, text="{}"):
        """Parts by name, whatever their order."""
        found = [
            self.digest(name) + self.part(text.format(name), value) for name, value in parts.items()
        ]
        return _node(kind, *sorted(found))

    def sequence(self, value):
        kind = type(value).__name__
        if set(map(type, value)) <= _ATOMS:
            return _node(f"{kind} of atoms", "\n".join(map(_atom, value)).encode())
        return _node(kind, *(self.part(f"[{i}]", item) for i, item in enumerate(value)))

    def set(self, value):
        return _node(type(value).__name__, *sorted(self.part("{...}", item) for item in value))

    def dict(self, value):
        return self.named("dict", value, "[{!r}]")

    @contextlib.contextmanager
    def as_it_is(self):
        """Inside, estimators count with what they were fitted to."""
        cloned, self._cloned = self._cloned, False
        yield
        self._cloned = cloned

    def state(self, kind, parts, text=".{}"):
        with self.as_it_is():
            return self.named(kind, parts, text)

    # numpy and its relatives

    def array(self, value):
        if isinstance(value, np.ma.MaskedArray):
            parts = {"mask": np.ma.getmaskarray(value), "data": value.filled()}
            return self.state("masked", parts)
        array = np.asarray(value)
        kind = f"{type(value).__name__} {array.dtype.newbyteorder('<')} {array.shape}"
        if array.dtype.names:
            return self.state(kind, {name: array[name] for name in array.dtype.names})
        if array.dtype.kind == "O":
            return _node(kind, self.sequence(array.ravel().tolist()))
        if array.dtype.char in "gG":  # long double: its bytes hold some that mean nothing
            return _node(kind, "\n".join(map(repr, array.ravel())).encode())
        return _node(kind, *_bytes(array))

    def sparse(self, value):
        if value.format in ("csr", "csc", "bsr"):
            same = value if value.has_canonical_format else value.copy()
            same.sum_duplicates()
            places = [same.indptr, same.indices]
        else:
            same = value.tocoo(copy=True)
            same.sum_duplicates()
            places = same.coords
        parts = dict(enumerate([same.data, *(p.astype(np.int64) for p in places)]))
        return self.state(f"{_name(type(value))} {value.shape}", parts)

    def frame(self, value):
        """A table of pandas or polars: its labels and its columns."""
        columns = list(value.columns)
        index = getattr(value, "index", None)
        at = value.iloc.__getitem__ if index is not None else value.to_series
        column = (lambda i: at((slice(None), i))) if index is not None else at
        parts = {str(i): column(i) for i in range(len(columns))}
        return _node(
            type(value).__name__,
            self.part(".columns", getattr(value, "columns", None)),
            self.part(".index", index),
            self.state("columns", parts, ".column {}"),
        )

    def pandas_series(self, value):
        parts = {"name": value.name, "values": _pandas_values(value.array)}
        if hasattr(value, "index"):
            parts["index"] = value.index
        return self.state(f"{type(value).__name__} {value.dtype}", parts)

    def pandas_index(self, value):
        parts = {"names": list(value.names), "values": _pandas_values(value.array)}
        return self.state(f"index {value.dtype}", parts)

    def pandas_multiindex(self, value):
        levels = [value.get_level_values(i) for i in range(value.nlevels)]
        return self.state("multiindex", dict(enumerate(levels)))

    def polars_series(self, value):
        plain = value.dtype.is_numeric() and not value.null_count()
        parts = {"name": value.name, "values": value.to_numpy() if plain else value.to_list()}
        return self.state(f"series {value.dtype}", parts)

    def random_state(self, value):
        return self.state(_name(type(value)), {"state": value.get_state(legacy=False)})

    def generator(self, value):
        return self.state(_name(type(value)), {"state": value.bit_generator.state})

    def ufunc(self, value):
        if value.__name__.endswith("(vectorized)"):
            self.refuse(value)
        return _node("ufunc", value.__name__.encode(), str(value.types).encode())

    def distribution(self, value):
        family = getattr(value, "dist", value)
        parts = {"args": getattr(value, "args", ()), "kwds": getattr(value, "kwds", {})}
        parts["support"] = [getattr(value, "a", family.a), getattr(value, "b", family.b)]
        parts["family"] = type(family)
        own = ("name", "xk", "pk", "_histogram", "shapes", "badvalue")
        parts |= {name: getattr(family, name, None) for name in own}
        return self.state("distribution", parts)

    # estimators

    def estimator(self, value):
        kept = ("_metadata_request", "_sklearn_output_config")  # what clone keeps besides
        parts = {n: v for n, v in vars(value).items() if n in kept}
        parts |= value.get_params(deep=False)
        return _node("estimator", self.digest(type(value)), self.named("params", parts, ".{}"))

    def fitted(self, value):
        parts = {n: v for n, v in vars(value).items() if n != "_skl_callbacks"}
        return _node("fitted", self.digest(type(value)), self.state("attributes", parts))

    # code

    def by_name(self, value):
        return _node("name", _name(value).encode())

    def function(self, value):
        code = value.__code__
        parts = {
            "defaults": value.__defaults__,
            "kwdefaults": value.__kwdefaults__,
            **dict(zip(code.co_freevars, map(_content_of, value.__closure__ or ()), strict=True)),
            **{n: value.__globals__[n] for n in _globals(code) if n in value.__globals__},
        }
        return _node("function", self.digest(code), self.state("uses", parts, ", its {}"))

    def code(self, value):
        return self.state("code", {name: getattr(value, name) for name in _CODE})

    def method(self, value):
        return self.state("method", {"self": value.__self__, "function": value.__func__})

    def klass(self, value):
        parts = {
            name: item
            for name, item in vars(value).items()
            if name not in _NOT_CONTENT and not isinstance(item, _SLOTS)
        }
        bases = _node("bases", *map(self.digest, value.__bases__))
        return _node("class", value.__name__.encode(), bases, self.state("attributes", parts))

    def wrapper(self, value):
        names = ("fget", "fset", "fdel", "func", "__func__", "__wrapped__")
        parts = {name: getattr(value, name) for name in names if hasattr(value, name)}
        return self.state(type(value).__name__, parts)

    def mapping(self, value):
        return self.digest(dict(value))

    # anything else

    def _object(self, value):
        if hasattr(type(value), "__next__"):
            self.refuse(value)
        try:
            reduce = copyreg.dispatch_table.get(type(value))
            reduced = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception as error:
            self.refuse(value, error)
        if isinstance(reduced, str):
            return _node("name", reduced.encode())
        make, args, state, items, pairs = (*reduced, *[None] * 5)[:5]
        if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):
            state = {**(state[0] or {}), **state[1]}  # the attributes, and those in slots
        parts = {"make": make, "args": args, "items": items and list(items)}
        parts["pairs"] = pairs and list(pairs)
        if isinstance(state, dict):
            found = self.state("state", state)
        else:
            with self.as_it_is():
                found = self.part(" (its state)", state)
        return _node("object", self.state("made of", parts, ""), found)

    def refuse(self, value, error=None):
        raise FingerprintError(
            f"{''.join(self._path)}: {value!r:.100} cannot be fingerprinted, so a journal could "
            "not tell whether it is the same when the search goes on. Give what can be: a path "
            "instead of an open file, a function of a module, an object that can be pickled."
        ) from error


def _atom(value):
    return hex(value) if type(value) is int else ascii(value)


def _node(kind, *parts):
    """Digest of parts whose lengths count, so that no two lists of parts run together."""
    found = blake2b(f"{kind}\n{[len(part) for part in parts]}\n".encode(), digest_size=20)
    for part in parts:
        found.update(part)
    return found.digest()


def _bytes(array):
    """Digests of the chunks of an array, in C order and little-endian."""
    rows = array.reshape(1) if array.ndim == 0 else array
    step = max(1, _CHUNK * len(rows) // max(1, array.nbytes))
    little = rows.dtype.newbyteorder("<")

    def digest(start):
        chunk = np.ascontiguousarray(rows[start : start + step], dtype=little)
        return blake2b(chunk.view(np.uint8).data if chunk.size else b"", digest_size=20).digest()

    starts = range(0, len(rows), step)
    if len(starts) < 2:
        return list(map(digest, starts))
    with ThreadPoolExecutor(4) as pool:  # hashing lets go of the interpreter
        return list(pool.map(digest, starts))


def _pandas_values(array):
    if hasattr(array, "categories"):
        return [array.codes, array.categories, bool(array.ordered)]
    if hasattr(array, "asi8"):  # times; their type tells the unit and the zone
        return array.asi8
    if hasattr(array.dtype, "numpy_dtype") and array.dtype.kind in "biuf":
        return [np.asarray(array.isna()), array.to_numpy(array.dtype.numpy_dtype, na_value=0)]
    return np.asarray(array)


def _content_of(cell):
    try:
        return cell.cell_contents
    except ValueError:  # not set yet
        return ...


def _globals(code):
    """Names of the globals that a function reads but does not set, nested functions included."""
    steps = list(dis.get_instructions(code))
    read = {s.argval for s in steps if s.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            read |= _globals(constant)
    return read - {s.argval for s in steps if s.opname == "STORE_GLOBAL"}


def _name(value):
    if isinstance(value, types.ModuleType):
        return value.__name__
    return f"{value.__module__}.{value.__qualname__}"


def _is_importable(value):
    if getattr(value, "__module__", None) in (None, *_MAIN):
        return False
    found = sys.modules.get(value.__module__)
    for step in value.__qualname__.split("."):
        found = getattr(found, step, None)
    return found is value


def _of(package, *names):
    """Is a value of a class of these names, from a package that need not be there?"""

    def applies(value):
        return any(
            base.__name__ in names and base.__module__.partition(".")[0] == package
            for base in type(value).__mro__
        )

    return applies


def _is(*kinds):
    return lambda value: isinstance(value, kinds)


def _exactly(*kinds):
    return lambda value: type(value) in kinds


def _is_estimator(value):
    return hasattr(value, "get_params") and not isinstance(value, type)


def _clones_itself(value):
    """Does it keep what it was fitted to when it is cloned, as FrozenEstimator does?"""
    clone = getattr(value, "__sklearn_clone__", None)
    return clone is not None and clone.__module__ != "sklearn.base"


_WRAPPERS = (property, staticmethod, classmethod, functools.cached_property)
_KINDS = (
    (_exactly(list, tuple), _Walk.sequence),
    (_exactly(dict), _Walk.dict),
    (_exactly(set, frozenset), _Walk.set),
    (_is(np.ndarray, np.generic), _Walk.array),
    (lambda value: isinstance(value, type) and not _is_importable(value), _Walk.klass),
    (_is(type, types.ModuleType), _Walk.by_name),
    (_is(types.FunctionType), lambda w, f: w.by_name(f) if _is_importable(f) else w.function(f)),
    (_is(types.CodeType), _Walk.code),
    (_is(types.MethodType), _Walk.method),
    (_is(*_WRAPPERS), _Walk.wrapper),
    (_is(types.MappingProxyType), _Walk.mapping),
    (_is(np.ufunc), _Walk.ufunc),
    (_is(np.random.RandomState), _Walk.random_state),
    (_is(np.random.Generator), _Walk.generator),
    (_of("scipy", "_spbase", "spmatrix"), _Walk.sparse),
    (_of("scipy", "rv_frozen", "rv_generic"), _Walk.distribution),
    (_of("pandas", "DataFrame"), _Walk.frame),
    (_of("polars", "DataFrame"), _Walk.frame),
    (_of("pandas", "MultiIndex"), _Walk.pandas_multiindex),
    (_of("pandas", "Index"), _Walk.pandas_index),
    (_of("pandas", "Series"), _Walk.pandas_series),
    (_of("polars", "Series"), _Walk.polars_series),
    (
        _is_estimator,
        lambda w, e: w.estimator(e) if w._cloned and not _clones_itself(e) else w.fitted(e),
    ),
    (lambda value: hasattr(value, "__wrapped__"), _Walk.wrapper),
)
