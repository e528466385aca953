"""Every finished fit in a file, so that no search is lost: an SQLite database.

A file holds any number of runs; a run is one search on one data set. Values are numbers and
text, nothing is ever unpickled. Any tool that reads SQLite opens it::

    sqlite3 search.db "SELECT * FROM best"

``runs``
    ``key`` (digest of ``kind`` and ``parts``), ``kind`` (class of the search), ``parts`` (JSON:
    digest of each part that makes the run what it is), ``header`` (JSON: seed, window, n_iter,
    guiding metric and versions of the first call), ``splits`` (differences of the
    concatenated indices, int64 by zlib), ``created`` (UTC), ``finished`` (number of candidates
    when it came to its end, NULL before) and ``owner`` (the process at work on it).
``candidates``
    ``params`` (JSON for people: numbers stay numbers, what is no number or text is there as
    its repr), ``point`` (JSON: its place in the unit cube), ``source``, ``parents`` and ``draw``.
``fits``
    ``candidate``, ``split``, ``resource``, ``attempt`` (2 when it was repeated after a failure),
    ``status``, ``scores`` and ``train_scores`` (JSON; NaN is null, infinity 1e999), ``fit_time``
    and ``score_time`` (seconds), ``predictions`` (float64 in C order, little end first) with
    their ``shape``, and ``error`` (a traceback).
``means``, ``best``
    Views: mean score of each candidate, and the best candidate of each run, by metric.

A row carries a checksum of its content, except for ``finished`` and ``owner``, which no result
depends on. The database is in WAL mode: a fit that was written survives the death of the
process, while a power failure may take the last ones with it. Network file systems are not
supported, as they do not lock reliably.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import sqlite3
import subprocess
import time
import warnings
import weakref
import zlib
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from numbers import Integral
from pathlib import Path

import numpy as np

from ._records import Candidate, Evaluation, Task
from .history import History

__all__ = ["Journal", "JournalError", "JournalLockedError", "RunHistory", "load_history"]

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
_RUNS = "SELECT id, key, kind, parts, header, created, finished, owner, checksum FROM runs"
_UNCHECKED = {"id", "run", "splits", "finished", "owner", "checksum"}
_OF_THE_DATA = {"data", "metadata", "splits"}
_OPEN = weakref.WeakValueDictionary()  # token of each run that this process has open -> RunLog


class JournalError(RuntimeError):
    """A journal cannot be used: no journal, damaged, not writable, or of another version."""


class JournalLockedError(JournalError):
    """The run is being worked on, by another process or by another search of this one."""


class _Unusable(Exception):  # noqa: N818
    """What is wrong with a file; `_using` says which file."""


@dataclass(frozen=True)
class Journal:
    """File that keeps every finished fit, so that the same ``fit`` again continues.

    Parameters
    ----------
    path : str or path-like
        The file; it is made when it does not exist. Many searches may share one.
    on_mismatch : {"warn", "error"}, default="warn"
        What to do when a new run begins although the file holds one of the same kind of search
        that differs in a single part.
    retry_failed : bool or int, default=False
        How often a failed fit may be repeated when a search goes on; True is once, in all.

    Examples
    --------
    >>> from skhpo.journal import Journal
    >>> Journal("search.db")
    Journal(path='search.db', on_mismatch='warn', retry_failed=False)
    """

    path: str | os.PathLike
    on_mismatch: str = "warn"
    retry_failed: bool | int = False

    def __post_init__(self):
        _check_path(self.path)
        if self.on_mismatch not in ("warn", "error"):
            raise ValueError(
                f'on_mismatch of Journal must be "warn" or "error"; got {self.on_mismatch!r}.'
            )
        if not isinstance(self.retry_failed, Integral) or self.retry_failed < 0:
            raise ValueError(
                "retry_failed of Journal must be a bool or a number of repeats; got "
                f"{self.retry_failed!r}."
            )

    def open(self, kind, parts, header):
        """Begin a run, or take up the one that is there.

        Parameters
        ----------
        kind : str
            Class of the search.
        parts : dict of str -> str
            Digest of each part that makes the run what it is.
        header : dict
            ``seed``, ``window``, ``n_iter``, ``metric``, ``versions`` and ``splits``, a list of
            pairs of index arrays.

        Returns
        -------
        RunLog

        Raises
        ------
        JournalError
            When the file is no journal or damaged; it is left as it was then.
        JournalLockedError
            When the run is open already.
        """
        with _reading(self.path):
            self._check(kind, parts)
        with _using(self.path):
            return RunLog(self, kind, parts, header)

    def _check(self, kind, parts):
        """Look before anything is written: only a sound file is opened for that."""
        if not _has_content(self.path):
            return
        with closing(_reader(self.path)) as connection:
            runs = _checked_runs(connection)
            run = runs.get(_key(kind, parts))
            if run is not None:
                _checked_rows(connection, run)
            elif (other := _almost_the_same(runs.values(), kind, parts)) is not None:
                self._report(*other)

    def _report(self, run, part):
        text = (
            f"{os.fspath(self.path)} holds a run of {run['kind']} (number {run['id']}, begun "
            f"{run['created']}) that differs from this search in one part only, its {part}. "
        )
        if self.on_mismatch == "error":
            raise JournalError(f'{text}Undo that change, or pass on_mismatch="warn".')
        warnings.warn(f"{text}A new run begins; undo that change to continue.", stacklevel=4)


class RunLog:
    """The finished fits of one run, which is locked until it is closed; a context manager.

    Attributes
    ----------
    resumed : bool
        Whether the file held the run already.
    header : dict
        What the first call gave.
    suggestions : dict of int -> tuple
        Point, source, parents and draw of each candidate in the file, by its id.
    """

    def __init__(self, journal, kind, parts, header):
        self._path = journal.path
        self._retries = int(journal.retry_failed)
        self._key = _key(kind, parts)
        self._pid = os.getpid()
        token = secrets.token_hex(8)
        self._owner = f"{self._pid} {_birth(self._pid)} {token}"
        self._connection = _writer(journal.path)
        try:
            _OPEN[token] = self
            self._file = _identity(journal.path)
            self._begin(kind, parts, header)
            self._load()
        except BaseException:
            self.close()
            raise

    def _begin(self, kind, parts, header):
        with self._transaction():
            run = self._find()
            self.resumed = run is not None
            if not self.resumed:
                _insert(self._connection, "runs", self._key, _run_row(kind, parts, header))
                run = self._find()
            elif _is_alive(run["owner"]):
                raise JournalLockedError(
                    f"{os.fspath(self._path)}: process {run['owner'].split()[0]} is at work on "
                    "this very search; wait for it, end it, or give this one another journal."
                )
            statement = "UPDATE runs SET owner = ?, finished = NULL WHERE id = ?"
            self._execute(statement, self._owner, run["id"])
        self._run = run["id"]
        self.header = _header(self._connection, run) if self.resumed else header
        _warn_of_versions(self.header["versions"], header["versions"])

    def _find(self):
        return next(iter(self._execute(f"{_RUNS} WHERE key = ?", self._key)), None)

    def _load(self):
        """Keep what is small; a fit is read when it is asked for."""
        rows = self._execute("SELECT * FROM candidates WHERE run = ?", self._run)
        self.suggestions = {
            row["candidate"]: _suggestion(_checked(row, "candidates", self._key)) for row in rows
        }
        rows = self._execute(
            "SELECT id, candidate, split, resource, status, attempt FROM fits WHERE run = ?",
            self._run,
        )
        self._fits = {(row["candidate"], row["split"], row["resource"]): row for row in rows}

    def recall(self, task):
        """Return the evaluation of a task, None when it is to be run."""
        known = self._fits.get(task.key)
        if known is None or (known["status"] != "ok" and known["attempt"] <= self._retries):
            return None
        self._check_same(task.candidate)
        with _reading(self._path):
            (row,) = self._execute("SELECT * FROM fits WHERE id = ?", known["id"])
            return _evaluation(_checked(row, "fits", self._key), task)

    def append(self, evaluation):
        """Write a finished fit; it is in the file when this returns."""
        candidate, key = evaluation.task.candidate, evaluation.task.key
        is_new = candidate.id not in self.suggestions
        row = _fit_row(evaluation, self._fits[key]["attempt"] + 1 if key in self._fits else 1)
        with self._writing():
            if is_new:
                self._insert("candidates", _candidate_row(candidate))
            row["id"] = self._insert("fits", row)
        if is_new:
            self.suggestions[candidate.id] = _suggested(candidate)
        self._fits[key] = {name: row[name] for name in ("id", "status", "attempt")}

    def finish(self, n_candidates):
        """Note that the search came to its end, with so many candidates."""
        with self._writing():
            self._execute("UPDATE runs SET finished = ? WHERE id = ?", int(n_candidates), self._run)

    def close(self):
        """Let go of the run and of the file; a second time does nothing."""
        if self._pid != os.getpid() or not self._is_open():
            return
        del _OPEN[self._owner.split()[-1]]
        # A lock that cannot be freed holds nobody up: its owner has it open no more.
        with closing(self._connection), contextlib.suppress(sqlite3.Error), self._transaction():
            self._execute("UPDATE runs SET owner = NULL WHERE owner = ?", self._owner)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _is_open(self):
        return self._owner.split()[-1] in _OPEN

    def _execute(self, statement, *values):
        return _execute(self._connection, statement, *values)

    def _insert(self, table, row):
        return _insert(self._connection, table, self._key, {"run": self._run, **row})

    @contextlib.contextmanager
    def _transaction(self):
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _writing(self):
        if self._pid != os.getpid() or not self._is_open():
            raise JournalError(
                f"{os.fspath(self._path)}: a run is written to while it is open and by the process "
                f"that opened it ({self._pid}); this is process {os.getpid()}. Open it here."
            )
        with _using(self._path), self._transaction():
            owners = self._execute("SELECT owner FROM runs WHERE id = ?", self._run)
            if [run["owner"] for run in owners] != [self._owner]:
                raise JournalLockedError(
                    f"{os.fspath(self._path)}: another process took this one ({self._pid}) for "
                    "dead and goes on with its run; end one of the two."
                )
            yield

    def _check_same(self, candidate):
        point = self.suggestions[candidate.id][0]
        if not _is_same_point(point, candidate.point):
            raise JournalError(
                f"{os.fspath(self._path)} has another candidate {candidate.id} than this search, "
                f"{point} and not {candidate.point}: its fits do not belong here. Use the versions "
                "of the libraries that began the run, or another journal."
            )


class RunHistory(History):
    """What a journal knows of a run: a `History`, and how the run was begun.

    Attributes
    ----------
    kind : str
        Class of the search.
    created : str
        When it began, in UTC.
    seed, n_iter, window : int, int, float
        As in the first call.
    versions : dict of str -> str
        Libraries of the first call.
    finished, running : bool
        Whether it came to its end, and whether a process is at work on it.
    """

    def __init__(self, run, evaluations):
        header = json.loads(run["header"])
        names = next((e.scores for e in evaluations if e.scores), [])
        super().__init__(len(header["splits"]), header["metric"] or next(iter(names), None))
        self.kind, self.created = run["kind"], run["created"]
        self.seed, self.n_iter, self.window = header["seed"], header["n_iter"], header["window"]
        self.versions = header["versions"]
        self.finished, self.running = run["finished"] is not None, _is_alive(run["owner"])
        for evaluation in evaluations:
            self.append(evaluation)


def load_history(path):
    """Read the runs of a journal, without their estimators and data.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    list of RunHistory
        In the order they were begun. The parameters of their candidates are numbers and text.

    Raises
    ------
    JournalError
        When the file is no journal, or damaged.

    Examples
    --------
    >>> import os, tempfile
    >>> from skhpo.journal import Journal, load_history
    >>> path = os.path.join(tempfile.mkdtemp(), "search.db")
    >>> header = {"seed": 7, "window": 1, "n_iter": 5, "metric": None, "versions": {}, "splits": []}
    >>> Journal(path).open("SearchCV", {"data": "5f0c"}, header).close()
    >>> [(run.kind, run.seed, run.n_fits, run.finished) for run in load_history(path)]
    [('SearchCV', 7, 0, False)]
    """
    _check_path(path)
    with _reading(path):
        if not _has_content(path):
            raise _Unusable("there is nothing in it")
        with closing(_reader(path)) as connection:
            runs = _checked_runs(connection).values()
            return [RunHistory(run, _checked_rows(connection, run)) for run in runs]


# The file


def _check_path(path):
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(text, str) or text in ("", ":memory:") or "\0" in text:
        raise ValueError(f'path of a journal must name a file, as "search.db"; got {path!r}.')


def _has_content(path):
    path, wal = Path(path), _wal(path)
    if path.exists() and not path.is_file():
        raise _Unusable("it is no file")
    if path.exists() and path.stat().st_size:
        return True
    if wal.exists() and wal.stat().st_size:  # SQLite would delete it
        raise _Unusable(f"it is empty while {wal.name} is not. Remove that as well to begin anew")
    return False


def _wal(path):
    return Path(f"{os.fspath(path)}-wal")


def _identity(path):
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None


def _connect(path, options):
    file = _identity(path)
    if any(log._file == file and log._pid != os.getpid() for log in list(_OPEN.values())):
        # The child of a fork would hold locks that it does not have.
        raise _Unusable(
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


def _reader(path):
    """Connect so that the file stays as it is, and nothing stays beside it."""
    if _wal(path).exists():
        return _connect(path, "mode=ro")  # which leaves the -wal alone
    if os.access(path, os.W_OK) and os.access(Path(path).absolute().parent, os.W_OK):
        return _connect(path, "mode=rw")  # which removes the -wal that it needs to read
    return _connect(path, "mode=ro&immutable=1")


def _writer(path):
    connection = _connect(path, "mode=rwc")
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        if (mode := _write_ahead(connection)) != "wal":
            raise _Unusable(f"its file system does not allow for a write-ahead log (but {mode})")
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
    raise _Unusable("other processes keep it locked")


def _create(connection):
    for statement in _SCHEMA.split(";\n")[:-1]:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {_VERSION}")


def _pragma(connection, name):
    return _execute(connection, f"PRAGMA {name}")[0][0]


def _schema(connection):
    return set(map(tuple, _execute(connection, "SELECT type, name, sql FROM sqlite_master")))


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
        raise _Unusable("it was made by another program")
    if (version := _pragma(connection, "user_version")) != _VERSION:
        raise _Unusable(f"it has version {version} of the format and not {_VERSION}")
    if _schema(connection) != _own_schema():
        raise _Unusable("its tables are not those of a journal")


def _checked_runs(connection):
    """Check everything but the rows of the runs; return the runs by their key."""
    connection.execute("BEGIN")  # one state of the file, whoever writes to it
    if _is_empty(connection):
        return {}
    _check_schema(connection)
    if (found := _pragma(connection, "integrity_check")) != "ok":
        raise _Unusable(f"it is damaged ({found})")
    runs = _execute(connection, f"{_RUNS} ORDER BY id")
    return {run["key"]: _checked(run, "runs", run["key"]) for run in runs}


def _checked_rows(connection, run):
    """Check the rows of a run; return its evaluations in the order they were written."""
    _header(connection, run)
    rows = _execute(connection, "SELECT * FROM candidates WHERE run = ?", run["id"])
    candidates = {
        row["candidate"]: _candidate(_checked(row, "candidates", run["key"])) for row in rows
    }
    return [
        _evaluation(
            _checked(row, "fits", run["key"]),
            Task(candidates[row["candidate"]], row["split"], row["resource"]),
        )
        for row in _execute(connection, "SELECT * FROM fits WHERE run = ? ORDER BY id", run["id"])
    ]


@contextlib.contextmanager
def _using(path, *faults):
    """Say which file it was."""
    told = sqlite3.Error, OSError, _Unusable
    try:
        yield
    except (*told, *faults) as error:
        reason = error if isinstance(error, told) else f"it is damaged ({error!r})"
        raise JournalError(
            f"{os.fspath(path)} cannot be used as a journal: {reason}. Name another file, or "
            "restore this one."
        ) from error


def _reading(path):
    """Whatever goes wrong while a file is read is the fault of the file."""
    faults = ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError
    return _using(path, *faults, zlib.error)


# Rows


def _execute(connection, statement, *values):
    # All of them: a statement that is not at its end keeps the file open.
    return connection.execute(statement, values).fetchall()


def _insert(connection, table, key, row):
    row = {**row, "checksum": _checksum(table, key, row)}
    marks = ", ".join("?" * len(row))
    statement = f"INSERT OR REPLACE INTO {table} ({', '.join(row)}) VALUES ({marks})"
    return connection.execute(statement, tuple(row.values())).lastrowid


def _checksum(table, key, row):
    names = sorted(set(row) - _UNCHECKED)
    content = [_digest(row[n]) if isinstance(row[n], bytes) else row[n] for n in names]
    return _digest(json.dumps([table, key, names, content]).encode())


def _digest(content):
    return blake2b(content, digest_size=16).hexdigest()


def _checked(row, table, key):
    row = dict(row)
    if row["checksum"] != _checksum(table, key, row):
        raise _Unusable(f"it is damaged (checksum of a row of {table})")
    return row


def _key(kind, parts):
    return _digest(json.dumps([kind, sorted(parts.items())]).encode())


def _run_row(kind, parts, header):
    shapes, splits = _pack(header["splits"])
    header = {**header, "splits": shapes, "digest_of_splits": _digest(splits)}
    return {
        "key": _key(kind, parts),
        "kind": kind,
        "parts": _text(parts),
        "header": _text(header),
        "splits": splits,
        "created": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }


def _header(connection, run):
    header = json.loads(run["header"])
    ((splits,),) = _execute(connection, "SELECT splits FROM runs WHERE id = ?", run["id"])
    if header.pop("digest_of_splits") != _digest(splits):
        raise _Unusable("it is damaged (checksum of the splits)")
    return {**header, "splits": _unpack(header["splits"], splits)}


def _pack(splits):
    """Return kind and length of each index array, and all of them in one."""
    arrays = [np.asarray(indices) for split in splits for indices in split]
    if any(a.ndim != 1 or a.dtype.kind not in "biu" for a in arrays):
        raise ValueError("cv must give arrays of indices or masks for a journal to keep.")
    shapes = [[a.dtype.kind, len(a)] for a in arrays]
    joined = np.concatenate([np.empty(0, "<i8"), *arrays]).astype("<i8")
    # Differences of sorted indices are small and repeat themselves.
    packed = zlib.compress(np.diff(joined, prepend=0).tobytes(), 1)
    return [shapes[i : i + 2] for i in range(0, len(shapes), 2)], packed


def _unpack(shapes, packed):
    joined = np.cumsum(np.frombuffer(zlib.decompress(packed), "<i8"), dtype=np.intp)
    ends = np.cumsum([n for split in shapes for _, n in split], dtype=int)
    arrays = iter(np.split(joined, ends))
    return [
        tuple(next(arrays).astype(bool if kind == "b" else np.intp) for kind, _ in split)
        for split in shapes
    ]


def _suggested(candidate):
    return candidate.point, candidate.source, candidate.parents, getattr(candidate, "draw", -1)


def _candidate_row(candidate):
    point, source, parents, draw = _suggested(candidate)
    return {
        "candidate": candidate.id,
        "params": _text({name: _readable(value) for name, value in candidate.params.items()}),
        "point": None if point is None else _text(point.tolist()),
        "source": _storable(source),
        "parents": _text(parents),
        "draw": int(draw),
    }


def _suggestion(row):
    point = None if row["point"] is None else np.array(list(map(_float, json.loads(row["point"]))))
    return point, row["source"], tuple(json.loads(row["parents"])), row["draw"]


def _candidate(row):
    point, source, parents, _ = _suggestion(row)
    return Candidate(row["candidate"], json.loads(row["params"]), point, source, parents)


def _is_same_point(a, b):
    if a is None or b is None:
        return a is b
    return np.array_equal(a, b, equal_nan=True) or np.allclose(a, b, atol=1e-6, equal_nan=True)


def _fit_row(evaluation, attempt):
    task, predictions = evaluation.task, evaluation.predictions
    if predictions is not None:
        predictions = np.ascontiguousarray(predictions, dtype="<f8")
    return {
        "candidate": task.candidate.id,
        "split": int(task.split),
        "resource": None if task.resource is None else float(task.resource),
        "attempt": attempt,
        "status": evaluation.status,
        "scores": _text(evaluation.scores),
        "train_scores": None if evaluation.train_scores is None else _text(evaluation.train_scores),
        "multimetric": int(evaluation.multimetric),
        "fit_time": _number(evaluation.fit_time),
        "score_time": _number(evaluation.score_time),
        "error": None if evaluation.error is None else _storable(evaluation.error),
        "shape": None if predictions is None else _text(predictions.shape),
        "predictions": None if predictions is None else predictions.tobytes(),
    }


def _evaluation(row, task):
    train, shape = row["train_scores"], row["shape"]
    return Evaluation(
        task,
        _scores(row["scores"]),
        _float(row["fit_time"]),
        _float(row["score_time"]),
        row["status"],
        row["error"],
        None if train is None else _scores(train),
        None if shape is None else _predictions(row["predictions"], json.loads(shape)),
        bool(row["multimetric"]),
    )


def _predictions(content, shape):
    return np.frombuffer(content, "<f8").reshape(shape).astype(float)


def _scores(text):
    return {name: _float(score) for name, score in json.loads(text).items()}


def _float(value):
    return math.nan if value is None else float(value)


def _number(value):
    """A float as the database has it, where NaN is NULL."""
    return None if math.isnan(value) else float(value)


def _text(value):
    """JSON that any reader takes, with every float exact: NaN is null, infinity 1e999."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(str(k))}: {_text(v)}' for k, v in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return "null" if math.isnan(value) else f"{math.copysign(1, value):.0f}e999"
    return _storable(json.dumps(value, ensure_ascii=False))


def _storable(text):
    """Text without the lone surrogates that file names in tracebacks may have."""
    return text.encode("utf-8", "backslashreplace").decode()


def _readable(value, length=200):
    """What people want to see of the value of a parameter."""
    if isinstance(value, np.generic):
        value = value.item()
    if type(value) in (bool, int, type(None)) or (type(value) is float and math.isfinite(value)):
        return value
    try:
        text = value if type(value) is str else repr(value)
    except Exception:  # the repr of somebody's class
        text = f"<{type(value).__name__}>"
    return text if len(text) <= length else f"{text[: length - 3]}..."


# Other runs, and the processes at work on them


def _almost_the_same(runs, kind, parts):
    """The last run that would be continued if one part were the same, and that part."""
    for run in reversed(runs):
        theirs = json.loads(run["parts"])
        names = [n for n in theirs.keys() | parts.keys() if theirs.get(n) != parts.get(n)]
        if run["kind"] != kind or len(names) != 1:
            continue
        # The folds of a cross-validated search are many runs, and none of them a mistake.
        if names[0] not in _OF_THE_DATA or not (
            run["finished"] is not None or _is_alive(run["owner"])
        ):
            return run, names[0]
    return None


def _warn_of_versions(before, now):
    changed = sorted(n for n in before.keys() & now.keys() if before[n] != now[n])
    if changed:
        text = ", ".join(f"{name} {before[name]} (now {now[name]})" for name in changed)
        warnings.warn(
            f"this search was begun with {text}: its end may differ from that of a search that "
            "was not interrupted.",
            stacklevel=5,
        )


def _is_alive(owner):
    """Whether a process still has a run open."""
    words = owner.split() if isinstance(owner, str) else []
    if len(words) != 3 or not words[0].isdecimal():
        return False
    pid, birth, token = int(words[0]), *words[1:]
    return token in _OPEN or (pid != os.getpid() and _birth(pid) == birth)


def _birth(pid):
    """When a living process began, as one word, None when there is none: ids come back."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("latin-1")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("latin-1").strip()
    except OSError:
        return None if Path("/proc/self/stat").exists() else _birth_by_command(pid)
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else f"{boot}:{fields[18]}"


def _birth_by_command(pid):
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    if os.name == "nt":
        command = ["powershell", "-NoProfile", f"(Get-Process -Id {pid}).StartTime.Ticks"]
    try:
        environment = {**os.environ, "LC_ALL": "C"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    except OSError:
        return None
    words = done.stdout.split()
    return None if not words or words[0].startswith(("Z", "X")) else "_".join(words[-5:])
