"""Fingerprints: equal for equal content everywhere, different for what differs."""

import io
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse, stats
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

sys.path.insert(0, str(Path(__file__).parent))
import _things

from skhpo import fingerprint as module
from skhpo.fingerprint import FingerprintError, fingerprint

quick = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
SAME = {"frames: range index", "frames: index"}


def same(a, b):
    return fingerprint(a) == fingerprint(b)


class TestThings:
    def test_equal_when_made_again(self):
        once, again = _things.things(), _things.things()
        assert [name for name in once if not same(once[name], again[name])] == []

    def test_all_are_different(self):
        found = {}
        for name, value in _things.things().items():
            found.setdefault(fingerprint(value), set()).add(name)
        assert [names for names in found.values() if len(names) > 1] == [SAME]

    def test_equal_in_every_process(self):
        """As a script, with another order of sets; and once more as they arrive in a worker."""
        processes = [
            subprocess.Popen(
                [sys.executable, "-W", "error", _things.__file__],
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
            for seed in ("1", "2")
        ]
        first, second = (json.loads(process.communicate()[0]) for process in processes)
        assert first == second
        here, in_worker = first
        assert [name for name in here if here[name] != in_worker[name]] == []
        shared = [name for name in here if name.startswith(("plain: [", "arrays: ", "frames: "))]
        things = _things.things()
        assert [name for name in shared if here[name] != fingerprint(things[name])] == []

    def test_looking_changes_nothing(self):
        rng, state = np.random.RandomState(0), np.random.RandomState(0)
        fingerprint([rng, rng])
        assert rng.randint(1000) == state.randint(1000)
        assert not same(rng, np.random.RandomState(0))


atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.complex_numbers()
)
nested = st.recursive(
    atoms, lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
)


class TestPlain:
    @quick
    @given(a=nested, b=nested)
    def test_equal_when_they_read_the_same(self, a, b):
        assert same(a, b) == (repr(a) == repr(b))
        assert same([a, b], [b, a]) == (repr(a) == repr(b))
        assert not same([a, b], [[a, b]])

    @quick
    @given(pairs=st.dictionaries(st.integers() | st.text(), nested), data=st.data())
    def test_order_of_dicts_and_sets_does_not_count(self, pairs, data):
        again = dict(data.draw(st.permutations(list(pairs.items()))))
        assert same(pairs, again)
        assert same(set(pairs), set(again))
        assert same({"a": pairs, "b": [again]}, {"b": [pairs], "a": again})

    def test_it_is_a_digest(self):
        assert len(bytes.fromhex(fingerprint(None))) == 20

    def test_what_is_shared_counts_as_copies(self):
        shared = [1.5]
        assert same([shared, shared], [[1.5], [1.5]])

    def test_what_is_shared_many_times_is_looked_at_once(self):
        value = [1, [2]]
        for _ in range(100):
            value = [value, value]
        assert len(fingerprint(value)) == 40

    def test_cycles_are_told_apart(self):
        def ring(*items):
            values = [[item] for item in items]
            for value, following in zip(values, values[1:] + values[:1], strict=True):
                value.append(following)
            return values[0]

        assert same(ring(1, 2), ring(1, 2))
        assert not same(ring(1, 2), ring(2, 1))
        assert not same(ring(1), ring(1, 1, 2))

    def test_too_deep(self):
        value = []
        for _ in range(10_000):
            value = [value]
        with pytest.raises(FingerprintError, match="data is nested too deeply"):
            fingerprint(value, "data")


class TestArrays:
    @pytest.mark.parametrize("chunk", [1, 100, 1 << 24])
    @pytest.mark.parametrize("shape", [(60,), (12, 5), (3, 4, 5)])
    def test_order_in_memory_does_not_count(self, shape, chunk, monkeypatch, tmp_path):
        monkeypatch.setattr(module, "_CHUNK", chunk)
        array = np.random.default_rng(0).random(shape)
        np.save(tmp_path / "x.npy", array)
        wide = np.repeat(array, 2, axis=-1)
        found = {
            fingerprint(version)
            for version in (
                array,
                np.asfortranarray(array),
                array.astype(">f8"),
                wide[..., ::2],
                array[::-1].copy()[::-1],
                np.load(tmp_path / "x.npy", mmap_mode="r"),
            )
        }
        assert len(found) == 1
        other = array.copy()
        other.flat[-1] += 1e-15
        assert fingerprint(other) not in found
        assert fingerprint(array.reshape(-1, 1)) not in found

    def test_padding_means_nothing(self):
        aligned = np.dtype([("a", "i1"), ("b", "f8")], align=True)
        filled = np.frombuffer(b"\xff" * 32, aligned).copy()
        filled["a"], filled["b"] = 1, 2
        assert same(filled, np.array([(1, 2.0), (1, 2.0)], aligned))
        assert not same(filled, np.array([(1, 2.0), (1, 3.0)], aligned))

    def test_what_is_masked_means_nothing(self):
        a = np.ma.array([1, 2, 3], mask=[0, 1, 0])
        assert same(a, np.ma.array([1, 9, 3], mask=[0, 1, 0]))
        assert not same(a, np.ma.array([1, 2, 3], mask=[0, 0, 0]))
        assert same(np.ma.array([1, 2]), np.ma.array([1, 2], mask=[0, 0]))

    @pytest.mark.parametrize("kind", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
    def test_sparse(self, kind):
        dense = np.random.default_rng(0).integers(0, 2, (6, 8)) * np.arange(1.0, 9)
        matrix = getattr(sparse, f"{kind}_array")
        assert same(matrix(dense), matrix(matrix(dense)))
        assert same(matrix(dense), matrix(sparse.lil_array(dense)))
        assert not same(matrix(dense), matrix(dense.T.reshape(6, 8)))
        assert not same(matrix(dense), matrix(np.pad(dense, ((0, 1), (0, 0)))))

    def test_order_of_sparse_entries_does_not_count(self):
        shuffled = sparse.csr_array(([2.0, 1.0, 3.0], [2, 0, 0], [0, 2, 3]), (2, 3))
        ordered = sparse.csr_array(([1.0, 2.0, 3.0], [0, 2, 0], [0, 2, 3]), (2, 3))
        assert same(shuffled, ordered)
        assert shuffled.indices.tolist() == [2, 0, 0]
        twice = sparse.coo_array(([1.0, 2.0], ([0, 0], [1, 1])), (2, 2))
        assert same(twice, sparse.coo_array(([3.0], ([0], [1])), (2, 2)))
        assert twice.nnz == 2

    def test_large_indices_are_as_small_ones(self):
        matrix = sparse.csr_array(np.eye(3))
        large = matrix.copy()
        large.indices, large.indptr = matrix.indices.astype("i8"), matrix.indptr.astype("i8")
        assert same(matrix, large)


class TestFrames:
    FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None], "c": pd.Categorical(["u", "v"])})

    def changed(self):
        frame = self.FRAME
        yield frame.rename(columns={"a": "A"})
        yield frame.rename(index={0: 5})
        yield frame[["b", "a", "c"]]
        yield frame.iloc[::-1]
        yield frame.assign(a=[1.0, 2.5])
        yield frame.assign(a=[1, 2])
        yield frame.assign(a=[1.0, None])
        yield frame.assign(b=["x", ""])
        yield frame.assign(c=pd.Categorical(["u", "v"], categories=["v", "u"]))
        yield frame.assign(c=frame.c.astype(object))
        yield frame.rename_axis(index="i")
        yield frame.rename_axis(columns="j")
        yield frame.set_index("b", append=True)
        yield pd.concat([frame, frame])

    def test_every_change_counts(self):
        found = [fingerprint(frame) for frame in (self.FRAME, *self.changed())]
        assert len(set(found)) == len(found)

    def test_blocks_do_not(self):
        one = pd.DataFrame({name: [1.0, 2.0] for name in "abc"})
        blocks = pd.DataFrame({"a": [1.0, 2.0]})
        blocks["b"] = blocks["c"] = [1.0, 2.0]
        assert same(one, blocks)
        assert same(one, pd.DataFrame(np.asfortranarray(one.to_numpy()), columns=list("abc")))

    def test_missing_numbers(self):
        def series(*values, dtype="Int64"):
            return pd.Series(pd.array(values, dtype=dtype))

        assert same(series(1, None), series(1, pd.NA))
        assert not same(series(1, None), series(1, 0))
        assert not same(series(1, 2), series(1, 2, dtype="Int32"))
        assert not same(series(1, 2), pd.Series([1, 2]))

    def test_polars(self):
        frame = pl.DataFrame({"a": [1, None], "b": ["x", "y"]})
        assert same(frame, pl.concat([frame[:1], frame[1:]]))
        assert not same(frame, frame.with_columns(pl.col("a").fill_null(0)))
        assert not same(frame, frame.rename({"a": "A"}))
        assert not same(frame, frame.cast({"a": pl.Int32}))


def test_distributions_by_their_content():
    assert same(stats.norm(1, scale=2), stats.norm(1, scale=2))
    drawn = stats.uniform(0, 1)
    drawn.random_state = 3
    drawn.rvs(3)
    assert same(drawn, stats.uniform(0, 1))


def made(source, **names):
    """The function f that a script defines, beside some globals."""
    names["__name__"] = "__main__"
    exec(source, names)
    return names["f"]


class TestFunctions:
    BASE = "def f(x, y=1, *, z=2):\n    return helper(x) + K * np.abs(y) - z\n"

    def base(self, source=BASE, helper="lambda x: x + 1", **names):
        names = {"K": 3, "np": np, "unused": object, **names}
        return made(f"helper = {helper}\n{source}", **names)

    def test_places_and_comments_do_not_count(self):
        assert same(self.base(), self.base("\n# moved\n" + self.BASE))
        assert same(self.base(), self.base(unused=open))

    def changed(self):
        for old, new in [("+ K", "- K"), ("y=1", "y=5"), ("z=2", "z=5"), ("abs", "sign")]:
            yield self.base(self.BASE.replace(old, new))
        yield self.base(K=4)
        yield self.base(K=3.0)
        yield self.base(helper="lambda x: x + 2")

    def test_what_counts(self):
        found = [fingerprint(f) for f in (self.base(), *self.changed())]
        assert len(set(found)) == len(found)

    def test_nested_functions_count_with_what_they_use(self):
        source = "def f(x):\n    return [g() for g in [lambda: x + K]]\n"
        assert same(made(source, K=1), made(source, K=1))
        assert not same(made(source, K=1), made(source, K=2))

    def test_what_a_function_sets_does_not(self):
        source = "def f(x):\n    global n\n    n = n + 1\n"
        assert same(made(source, n=1), made(source, n=2))

    def test_attributes_of_a_function_count(self):
        f, g = self.base(), self.base()
        g.limit = 3
        assert not same(f, g)

    def test_classes_of_a_script_by_their_code(self):
        source = "class f(Base):\n    '''{}'''\n    a = {}\n    def m(self): return {} + self.b\n"

        def cls(doc="doc", a=1, m=2):
            return made(source.format(doc, a, m), Base=BaseEstimator)

        assert same(cls(), cls(doc="another"))
        assert same(cls()(), cls()())
        assert not same(cls(), cls(a=2))
        assert not same(cls(), cls(m=3))
        assert not same(cls()(), cls(m=3)())

    def test_pickling_a_class_does_not_count(self):
        class Thing:
            pass

        before = fingerprint(Thing)
        fingerprint(Thing())
        assert fingerprint(Thing) == before

    def test_what_is_imported_goes_by_its_name(self):
        assert same(json.dumps, json.dumps)
        assert not same(json.dumps, json.dump)


class TestEstimators:
    X, y = load_iris(return_X_y=True)

    @pytest.fixture
    def tree(self):
        return DecisionTreeClassifier(random_state=0)

    @pytest.fixture
    def fitted(self, tree):
        return clone(tree).fit(self.X, self.y)

    @pytest.mark.parametrize(
        "hold",
        [
            lambda tree: tree,
            clone,
            lambda tree: make_pipeline(StandardScaler(), tree),
            lambda tree: [{"classify": tree, "other": (1, tree)}],
        ],
    )
    def test_fitted_or_not_where_it_is_cloned(self, tree, fitted, hold):
        assert same(hold(tree), hold(fitted))

    @pytest.mark.parametrize(
        "hold",
        [
            FrozenEstimator,
            lambda tree: make_pipeline(StandardScaler(), FrozenEstimator(tree)),
            lambda tree: lambda X: tree.predict(X),
            lambda tree: FunctionTransformer(tree.apply),
            lambda tree: np.array([tree, None], dtype=object),
        ],
    )
    def test_what_it_learned_counts_where_it_is_kept(self, tree, fitted, hold):
        again = clone(tree).fit(self.X, self.y)
        other = clone(tree).fit(self.X[::2], self.y[::2])
        assert same(hold(fitted), hold(again))
        assert not same(hold(fitted), hold(other))

    def test_parameters_count(self, tree):
        assert not same(tree, clone(tree).set_params(max_depth=3))
        assert not same(make_pipeline(tree), make_pipeline(clone(tree).set_params(max_depth=3)))
        assert not same(tree, SVC())

    def test_what_a_clone_keeps_counts(self, tree):
        with sklearn.config_context(enable_metadata_routing=True):
            asking = clone(tree).set_fit_request(sample_weight=True)
            assert not same(tree, asking)
            assert same(asking, clone(asking))
        scaler = StandardScaler().set_output(transform="pandas")
        assert not same(scaler, StandardScaler())
        assert same(scaler, clone(scaler))

    def test_callbacks_do_not(self, tree):
        before = fingerprint(tree)
        tree._skl_callbacks = [threading.Lock()]
        assert fingerprint(tree) == before
        frozen = FrozenEstimator(tree)
        before = fingerprint(frozen)
        frozen._skl_callbacks = [threading.Lock()]
        assert fingerprint(frozen) == before


class Refuses:
    def __reduce_ex__(self, protocol):
        raise RuntimeError("no")

    def __repr__(self):
        raise RuntimeError("no")


def _generator():
    yield 1


LOCK = threading.Lock()


class TestRefusals:
    @pytest.mark.parametrize(
        "make",
        [
            lambda: io.TextIOWrapper(io.BytesIO()),
            threading.Lock,
            _generator,
            lambda: iter([1]),
            lambda: zip([1], [2], strict=True),
            lambda: np.frompyfunc(len, 1, 1),
            Refuses,
            lambda: sys._getframe(),
        ],
    )
    def test_what_has_no_content(self, make):
        with pytest.raises(FingerprintError, match=r"^cv\[1\] must be something whose content"):
            fingerprint([0, make()], "cv")

    def test_a_socket(self):
        with socket.socket() as open_one, pytest.raises(FingerprintError, match="socket"):
            fingerprint(open_one)

    @pytest.mark.parametrize(
        ("value", "where"),
        [
            (
                make_pipeline(StandardScaler(), FunctionTransformer(LOCK)),
                "estimator.steps[1][1].func",
            ),
            ({"a": (1, {"b": LOCK})}, "estimator['a'][1]['b']"),
            ({LOCK: 1}, "estimator"),
            (np.array([None, LOCK]), "estimator[1]"),
            (lambda x: LOCK, "estimator, its LOCK"),
            (FunctionTransformer(lambda x, y=LOCK: x), "estimator.func, its defaults[0][0]"),
            (FrozenEstimator(SVC(C=LOCK)), "estimator.estimator.C"),
            (pd.DataFrame({"a": [1], "b": [LOCK]}), "estimator.column 1.values[0]"),
            ({1, LOCK}, "estimator{...}"),
        ],
    )
    def test_where_it_is(self, value, where):
        with pytest.raises(FingerprintError) as caught:
            fingerprint(value, "estimator")
        assert str(caught.value).startswith(f"{where} must be")
        assert "got <unlocked _thread.lock" in str(caught.value)
        assert "Give what can be" in str(caught.value)

    def test_it_is_a_type_error(self):
        assert issubclass(FingerprintError, TypeError)
