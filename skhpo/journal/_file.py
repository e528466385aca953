"""The file: made, connected to and checked."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from contextlib import closing
from functools import cache
from pathlib import Path

from .._records import Task
from ._errors import Unusable
from ._owners import OPEN
from ._rows import RUNS, candidate_of, checked, evaluation_of, execute, header_of

__all__ = [
    "check_path",
    "checked_rows",
    "checked_runs",
    "has_content",
    "identity",
    "reader",
    "writer",
]

_APPLICATION_ID = 0x736B6870
_VERSION = 1
_BUSY = 60  # seconds to wait for another process, whose transactions take a thousandth of one
_SCHEMA = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, parts TEXT NOT NULL,
    header TEXT NOT NULL, splits BLOB NOT NULL, created TEXT NOT NULL, finished INTEGER,
    owner TEXT, checksum TEXT NOT NULL);
CREATE TABLE candidates (
    run INTEGER NOT NULL, candidate INTEGER NOT NULL, params TEXT NOT NULL, point TEXT,
    source TEXT NOT NULL, parents TEXT NOT NULL, draw INTEGER NOT NULL, checksum TEXT NOT NULL,
    PRIMARY KEY (run, candidate)) WITHOUT ROWID;
CREATE TABLE fits (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL, candidate INTEGER NOT NULL,
    split INTEGER NOT NULL, resource REAL, attempt INTEGER NOT NULL, status TEXT NOT NULL,
    scores TEXT NOT NULL, train_scores TEXT, multimetric INTEGER NOT NULL, fit_time REAL,
    score_time REAL, error TEXT, shape TEXT, predictions BLOB, checksum TEXT NOT NULL);
CREATE UNIQUE INDEX fits_by_task ON fits (run, candidate, split, ifnull(resource, 'all'));
CREATE VIEW means AS
    SELECT fits.run, fits.candidate, resource, score.key AS metric,
        CASE WHEN count(*) = count(score.value) THEN avg(score.value) END AS mean,
        count(*) AS folds, params
    FROM fits JOIN candidates USING (run, candidate), json_each(fits.scores) AS score
    GROUP BY fits.run, fits.candidate, resource, score.key;
CREATE VIEW best AS
    SELECT run, kind, metric, candidate, max(mean) AS mean, folds, params
    FROM means JOIN runs ON runs.id = run GROUP BY run, metric;
"""


def check_path(path):
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(text, str) or text in ("", ":memory:") or "\0" in text:
        raise ValueError(f'path of a journal must name a file, as "search.db"; got {path!r}.')


def has_content(path):
    path, wal = Path(path), _beside(path, "wal")
    if path.exists() and not path.is_file():
        raise Unusable("it is no file")
    if path.exists() and path.stat().st_size:
        return True
    if wal.exists() and wal.stat().st_size:  # SQLite would delete it
        raise Unusable(f"it is empty while {wal.name} is not. Remove that as well to begin anew")
    return False


def _beside(path, kind):
    return Path(f"{os.fspath(path)}-{kind}")


def identity(path):
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None


def _connect(path, options):
    file = identity(path)
    if any(log.file == file and log.pid != os.getpid() for log in list(OPEN.values())):
        # The child of a fork would hold locks that it does not have.
        raise Unusable(
            "it was open when this process was forked. Start workers by loky or spawn, or give "
            "their searches a journal of their own"
        )
    # Never by `open`: to close a file frees the locks that SQLite holds on it in this process.
    connection = sqlite3.connect(
        f"{Path(path).absolute().as_uri()}?{options}",
        uri=True,
        timeout=_BUSY,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def reader(path):
    """Connect so that the file stays as it is, and nothing new stays beside it."""
    folder = Path(path).absolute().parent
    if _beside(path, "wal").exists():
        options = "mode=ro"  # leaves the -wal alone
    elif _beside(path, "journal").exists() or not os.access(folder, os.W_OK):
        options = "mode=ro&immutable=1"  # mends nothing that another program left
    else:
        options = "mode=rw"  # makes a -wal to read, and removes it
    return _connect(path, options)


def writer(path):
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise Unusable(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise Unusable(f"nothing may be written in {folder}")
    connection = _connect(path, "mode=rwc")
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        if (mode := _write_ahead(connection)) != "wal":
            raise Unusable(f"its file system does not allow for a write-ahead log (but {mode})")
        connection.execute("BEGIN IMMEDIATE")
        if _is_empty(connection):
            _create(connection)
        connection.execute("COMMIT")
        _check_schema(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection):
    """Switch the mode of a new file; SQLite does not wait where several processes do that."""
    for _ in range(100 * _BUSY):
        try:
            return _pragma(connection, "journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        time.sleep(0.01)
    raise Unusable("other processes keep it locked")


def _create(connection):
    for statement in _SCHEMA.split(";\n")[:-1]:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {_VERSION}")


def _pragma(connection, name):
    return execute(connection, f"PRAGMA {name}")[0][0]


def _schema(connection):
    return set(map(tuple, execute(connection, "SELECT type, name, sql FROM sqlite_master")))


@cache
def _own_schema():
    with closing(sqlite3.connect(":memory:")) as connection:
        _create(connection)
        return _schema(connection)


def _is_empty(connection):
    return not _pragma(connection, "application_id") and not _schema(connection)


def _check_schema(connection):
    """A table, view or trigger that is not ours may be there to be run."""
    if _pragma(connection, "application_id") != _APPLICATION_ID:
        raise Unusable("it was made by another program")
    if (version := _pragma(connection, "user_version")) != _VERSION:
        raise Unusable(f"it has version {version} of the format and not {_VERSION}")
    if _schema(connection) != _own_schema():
        raise Unusable("its tables are not those of a journal")


def checked_runs(connection):
    """Check everything but the rows of the runs; return the runs by their key."""
    connection.execute("BEGIN")  # one state of the file, whoever writes to it
    if _is_empty(connection):
        return {}
    _check_schema(connection)
    if (found := _pragma(connection, "integrity_check")) != "ok":
        raise Unusable(f"it is damaged ({found})")
    runs = execute(connection, f"{RUNS} ORDER BY id")
    return {run["key"]: checked(run, "runs", run["key"]) for run in runs}


def checked_rows(connection, run):
    """Check the rows of a run; return its evaluations in the order they were written."""
    header_of(connection, run)
    rows = execute(connection, "SELECT * FROM candidates WHERE run = ?", run["id"])
    candidates = {
        row["candidate"]: candidate_of(checked(row, "candidates", run["key"])) for row in rows
    }
    return [
        evaluation_of(
            checked(row, "fits", run["key"]),
            Task(candidates[row["candidate"]], row["split"], row["resource"]),
        )
        for row in execute(connection, "SELECT * FROM fits WHERE run = ? ORDER BY id", run["id"])
    ]
