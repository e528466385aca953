"""Give an object to many processes: its big arrays lie in one file that all of them map.

Pickle's protocol 5 hands out the buffers of numpy arrays, and so of scipy's matrices and of
pandas' and arrow's columns (PEP 574). They go side by side into a file that has no name, whose
descriptor the workers get: nothing can stay behind, however a process ends.
"""

from __future__ import annotations

import mmap
import os
import pickle
import tempfile
from io import BytesIO
from multiprocessing.reduction import recv_handle, send_handle
from pathlib import Path

import numpy as np

from .._sklearn import CloudPickler

try:
    import msvcrt
except ImportError:  # descriptors are handles everywhere but on Windows
    msvcrt = None

__all__ = ["dump", "load", "receive", "send"]

_SMALLEST_BUFFER = 2**16  # bytes; a smaller one is copied, which leaves it writeable
_ALIGNMENT = 64  # bytes, as in numpy's own files


class _Pickler(CloudPickler):
    """Keeps big buffers out of the stream."""

    def __init__(self, file):
        super().__init__(file, protocol=5, buffer_callback=self._is_small)
        self.buffers = []

    def _is_small(self, buffer):
        raw = buffer.raw()
        if raw.nbytes < _SMALLEST_BUFFER:
            return True
        self.buffers.append(raw)
        return False

    def reducer_override(self, obj):
        """Reduce arrays whose own way would copy their data into the stream."""
        if type(obj) in (np.ndarray, np.memmap) and obj.nbytes >= _SMALLEST_BUFFER:
            if (memmap := _backing_memmap(obj)) is not None:
                return _reduce_backed(obj, memmap)
            if not obj.dtype.hasobject and not obj.flags.forc:
                return np.ascontiguousarray(obj).__reduce_ex__(5)
        return super().reducer_override(obj)


def _backing_memmap(array):
    """Return the user's own mapped file that a contiguous array is a part of, if any."""
    base = array
    while isinstance(base, np.ndarray) and not isinstance(base.base, mmap.mmap):
        base = base.base
    on_disk = isinstance(base, np.memmap) and base.mode != "c" and base.filename is not None
    return base if on_disk and array.flags.forc and Path(base.filename).exists() else None


def _reduce_backed(array, memmap):
    start = array.ctypes.data - memmap.ctypes.data + memmap.offset
    order = "C" if array.flags.c_contiguous else "F"
    where = str(memmap.filename), array.dtype, "r", start, array.shape, order
    return _map, (type(array), where)


def _map(kind, where):
    return np.memmap(*where).view(kind)


def dump(obj):
    """Write an object into a file without a name.

    Parameters
    ----------
    obj : object

    Returns
    -------
    file : file
        Lives until it and all that was loaded from it are gone.
    end : int
        Where the table of contents begins.
    """
    stream = BytesIO()
    pickler = _Pickler(stream)
    pickler.dump(obj)
    parts = [stream.getbuffer(), *pickler.buffers]
    folder = _folder(sum(part.nbytes for part in parts))
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (whoever gets it closes it)
    try:
        return file, _write(parts, file)
    except OSError as error:
        file.close()
        error.add_note(f"Set JOBLIB_TEMP_FOLDER to a folder with more room than {folder}.")
        raise


def _write(parts, file):
    spans = []
    for part in parts:
        file.seek(-(-file.tell() // _ALIGNMENT) * _ALIGNMENT)
        spans.append((file.tell(), file.tell() + part.nbytes))
        file.write(part)
    end = file.tell()
    pickle.dump(spans, file)
    file.flush()
    return end


def _folder(n_bytes):
    """Where joblib would put it: memory when there is ample room, else the temporary folder."""
    if (folder := os.environ.get("JOBLIB_TEMP_FOLDER")) is not None:
        return folder
    return "/dev/shm" if _free_bytes("/dev/shm") > 2 * n_bytes else tempfile.gettempdir()


def _free_bytes(folder):
    try:
        stats = os.statvfs(folder)
    except (AttributeError, OSError):  # not on this system
        return 0
    return stats.f_bavail * stats.f_frsize if os.access(folder, os.W_OK) else 0


def load(descriptor, end):
    """Return the object in a file; its big arrays are views of the file, read-only.

    Parameters
    ----------
    descriptor : int
        Of the open file. Is closed.
    end : int
        What `dump` returned.
    """
    view = memoryview(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))
    os.close(descriptor)
    stream, *buffers = (view[slice(*span)] for span in pickle.loads(view[end:]))
    return pickle.loads(stream, buffers=buffers)


def send(connection, file, pid):
    """Send the descriptor of a file to the process at the other end."""
    handle = file.fileno() if msvcrt is None else msvcrt.get_osfhandle(file.fileno())
    send_handle(connection, handle, pid)
    _unset_timeout(connection)


def receive(connection):
    """Return the descriptor that was sent."""
    handle = recv_handle(connection)
    _unset_timeout(connection)
    return handle if msvcrt is None else msvcrt.open_osfhandle(handle, os.O_RDONLY)


def _unset_timeout(connection):
    # The standard library sends handles through a socket of its own making, which puts the
    # pipe under socket.setdefaulttimeout.
    if msvcrt is None:
        os.set_blocking(connection.fileno(), True)
