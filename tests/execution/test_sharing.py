"""Objects in a file that many processes map."""

import os
import pickle
import tempfile

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _evaluators import is_mapped
from scipy import sparse

from skhpo.execution import _sharing
from skhpo.execution._sharing import dump, load

X = np.arange(60_000.0).reshape(600, 100)
STRUCTURED = np.zeros(20_000, dtype=[("a", "f8"), ("b", "i4")])


def through_a_file(obj):
    """Return a copy, and how many bytes of it are not views of the file."""
    file, end = dump(obj)
    with file:
        copy = load(os.dup(file.fileno()), end)
        file.seek(end)
        (start, stop), *_ = pickle.load(file)
    return copy, stop - start


@pytest.mark.parametrize(
    "array",
    [
        X,
        np.asfortranarray(X),
        X.T,
        X[::2],
        X[:, :50],
        X.astype("f4"),
        X.astype(">f8"),
        X.astype("i2"),
        X.astype(complex),
        np.broadcast_to(X[0], X.shape),
        X.astype(str),
        STRUCTURED,
    ],
    ids=lambda array: f"{array.dtype.str[:3]}-{'x'.join(map(str, array.strides))}",
)
def test_an_array_is_mapped_read_only_as_it_was(array):
    copy, n_bytes = through_a_file(array)
    assert type(copy) is np.ndarray
    assert (copy.dtype, copy.shape) == (array.dtype, array.shape)
    assert copy.flags.f_contiguous >= (array.flags.f_contiguous and not array.flags.c_contiguous)
    np.testing.assert_array_equal(copy, array)
    assert is_mapped(copy)
    assert not copy.flags.writeable
    assert copy.ctypes.data % 64 == 0
    assert n_bytes < 1000


@pytest.mark.parametrize(
    "array",
    [X[:5], np.zeros(0), np.array(3.0), X.astype(object), X.astype("M8[s]"), np.ma.array(X)],
    ids=["small", "empty", "scalar", "objects", "dates", "masked"],
)
def test_what_is_copied_is_writeable(array):
    copy, _ = through_a_file(array)
    assert type(copy) is type(array)
    assert (copy.dtype, copy.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(copy, array)
    assert copy.flags.writeable


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "bsr"])
def test_sparse_matrices_are_mapped(kind):
    matrix = sparse.random(1000, 1000, 0.05, format=kind, random_state=0)
    copy, n_bytes = through_a_file(matrix)
    assert type(copy) is type(matrix)
    assert abs(copy - matrix).max() == 0
    assert is_mapped(copy.data)
    assert n_bytes < 5000


# pandas before version 3 suspects rows that were taken of being meant for the frame.
@pytest.mark.filterwarnings(r"ignore:\s*A value is trying to be set on a copy of a slice")
def test_a_pandas_frame_is_mapped():
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(100)])
    copy, n_bytes = through_a_file(frame)
    pd.testing.assert_frame_equal(copy, frame)
    assert n_bytes < 5000
    rows = copy.iloc[[3, 1]]
    rows.iloc[0, 0] = -1.0  # what a fit gets may be written to
    assert copy.iloc[3, 0] == frame.iloc[3, 0]


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame(
            {
                "number": np.arange(20_000.0),
                "text": ["x", "y"] * 10_000,
                "date": pd.date_range("2020", periods=20_000, freq="s"),
                "kind": pd.Categorical(["x", "y"] * 10_000),
                "missing": pd.array([1, None] * 10_000, dtype="Int64"),
            }
        ),
        pl.DataFrame({"number": np.arange(20_000.0), "text": ["x", "y"] * 10_000}),
    ],
    ids=["pandas", "polars"],
)
def test_a_mixed_frame_comes_back(frame):
    copy, _ = through_a_file(frame)
    assert frame.equals(copy)
    assert list(copy.dtypes) == list(frame.dtypes)


def test_the_same_array_twice_lies_there_once():
    file, _ = dump({"X": X, "again": [X]})
    with file:
        assert os.fstat(file.fileno()).st_size < 1.1 * X.nbytes


class TestAnArrayOfTheUsersOnDisk:
    @pytest.fixture
    def on_disk(self, tmp_path):
        """Return a mapped file."""
        array = np.memmap(tmp_path / "X", "f8", "w+", offset=8, shape=X.shape)
        array[:] = X
        return array

    @pytest.mark.parametrize(
        "part",
        [np.asarray, np.transpose, lambda X: X, lambda X: X[100:400], lambda X: X[7:].ravel()],
    )
    def test_is_not_copied(self, on_disk, part):
        array = part(on_disk)
        file, end = dump(array)
        with file:
            assert os.fstat(file.fileno()).st_size < 1000
            copy = load(os.dup(file.fileno()), end)
        assert type(copy) is type(array)
        assert not copy.flags.writeable
        np.testing.assert_array_equal(copy, array)

    @pytest.mark.parametrize("mode", ["c", "gone", "strided"])
    def test_is_copied_when_it_must_be(self, on_disk, mode):
        array = on_disk[:, ::2]
        if mode == "c":
            array = np.memmap(on_disk.filename, "f8", "c", offset=8, shape=X.shape)
            array[0] = -1.0  # nobody sees that in the file
        elif mode == "gone":
            os.unlink(on_disk.filename)
            array = on_disk
        copy, _ = through_a_file(array)
        np.testing.assert_array_equal(copy, array)


class TestTheFile:
    def test_has_no_name(self, tmp_path, monkeypatch):
        monkeypatch.setenv("JOBLIB_TEMP_FOLDER", str(tmp_path))
        file, _ = dump(X)
        with file:
            assert os.listdir(tmp_path) == []

    @pytest.mark.parametrize(("free", "expected"), [(1e6, "/dev/shm"), (9e5, None)])
    def test_lies_in_memory_when_there_is_room(self, free, expected, monkeypatch):
        monkeypatch.delenv("JOBLIB_TEMP_FOLDER", raising=False)
        monkeypatch.setattr(_sharing, "_free_bytes", lambda folder: free)
        assert _sharing._folder(480_000) == (expected or tempfile.gettempdir())

    def test_that_does_not_fit_is_an_error_with_a_remedy(self, monkeypatch):
        def write(parts, file):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(_sharing, "_write", write)
        with pytest.raises(OSError, match="No space") as raised:
            dump(X)
        assert "JOBLIB_TEMP_FOLDER" in raised.value.__notes__[0]


def test_lambdas_and_local_classes():
    class Local:
        pass

    obj, _ = through_a_file([Local(), lambda x: x + 1])
    assert type(obj[0]).__name__ == "Local"
    assert obj[1](1) == 2
