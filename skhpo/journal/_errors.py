"""What can be wrong with a journal, and with which."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import zlib

__all__ = ["JournalError", "JournalLockedError", "Unusable", "reading", "using"]


class JournalError(RuntimeError):
    """A journal cannot be used: no journal, damaged, not writable, or of another version."""


class JournalLockedError(JournalError):
    """The run is being worked on, by another process or by another search of this one."""


class Unusable(Exception):  # noqa: N818
    """What is wrong with a file; `using` says which file."""


@contextlib.contextmanager
def using(path, *faults):
    """Say which file it was."""
    told = sqlite3.Error, OSError, Unusable
    try:
        yield
    except (*told, *faults) as error:
        reason = error if isinstance(error, told) else f"it is damaged ({error!r})"
        raise JournalError(
            f"{os.fspath(path)} cannot be used as a journal: {reason}. Name another file, or "
            "restore this one."
        ) from error


def reading(path):
    """Whatever goes wrong while a file is read is the fault of the file."""
    faults = ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError
    return using(path, *faults, zlib.error)
