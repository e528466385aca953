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
_BUSY = 60  # seconds; a transaction of another process takes less than one of the thousand
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
CREATE INDEX fits_of_run ON fits (run, candidate);
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
_UNCHECKED = {"id", "run", "splits", "finished", "owner", "checksum"}
_OF_THE_DATA = {"data", "metadata", "splits"}
_OPEN = weakref.WeakValueDictionary()  # token of each open run of this process -> RunLog


class JournalError(RuntimeError):
    """A journal cannot be used: no journal, damaged, not writable, or of another version."""


class _Unusable(Exception):  # noqa: N818
    """Why a file cannot be used; `_using` says which."""


class JournalLockedError(JournalError):
    """The run is being worked on, by another process or by another search of this one."""


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
        How often a failed fit may be repeated when a search goes on: True is once in all.

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
        key = _key(kind, parts)
        with _reading(self.path):
            self._check(key, kind, parts)
        with _using(self.path):
            return RunLog(self, key, kind, parts, header)

    def _check(self, key, kind, parts):
        """Look before anything is written; only a sound file is opened for writing."""
        if not _has_content(self.path):
            return
        with closing(_reader(self.path)) as connection:
            if _is_empty(connection):
                return
            runs = _check_file(connection)
            if key in runs:
                _check_rows(connection, runs[key])
            else:
                self._compare(runs.values(), kind, parts)

    def _compare(self, runs, kind, parts):
        """Report a run that would have been continued, had one part been the same."""
        for run in reversed(runs):
            if run["kind"] != kind or (part := _only_difference(run, parts)) is None:
                continue
            ended = run["finished"] is not None or _is_alive(run["owner"])
            if part in _OF_THE_DATA and ended:  # the folds of a cross-validated search
                continue
            text = (
                f"{os.fspath(self.path)} holds a run of {kind} (number {run['id']}, begun "
                f"{run['created']}) that differs in one part only: {part}. "
            )
            if self.on_mismatch == "error":
                raise JournalError(f'{text}Undo that change, or pass on_mismatch="warn".')
            warnings.warn(
                f"{text}A new run begins; to continue the other, undo that change.", stacklevel=4
            )
            return


class RunLog:
    """The finished fits of one run, locked for this process; a context manager.

    Attributes
    ----------
    resumed : bool
        Whether the file held the run already.
    header : dict
        What the first call of the run gave.
    suggestions : dict of int -> tuple
        Point, source, parents and draw of each candidate in the file, by its id.
    """

    def __init__(self, journal, key, kind, parts, header):
        _check_not_inherited(journal.path)
        self._path = journal.path
        self._retries = int(journal.retry_failed)
        self._key = key
        self._pid = os.getpid()
        self._token = secrets.token_hex(8)
        self._owner = f"{self._pid} {_birth(self._pid)} {self._token}"
        self._connection = _writer(journal.path)
        try:
            self._begin(kind, parts, header)
            self._load()
        except BaseException:
            self._connection.close()
            raise
        _OPEN[self._token] = self

    def _begin(self, kind, parts, header):
        with self._transaction():
            run = self._find()
            self.resumed = run is not None
            if run is None:
                _insert(self._connection, "runs", self._key, _run_row(kind, parts, header))
                run = self._find()
            elif _is_alive(run["owner"]):
                raise JournalLockedError(
                    f"{os.fspath(self._path)}: process {run['owner'].split()[0]} is at work on "
                    "this very search; wait for it, end it, or give this one another journal."
                )
            self._connection.execute(
                "UPDATE runs SET owner = ?, finished = NULL WHERE id = ?", (self._owner, run["id"])
            )
        self._run = run["id"]
        self.header = _header(run) if self.resumed else header
        if self.resumed:
            _warn_of_versions(self.header.get("versions"), header.get("versions"))

    def _find(self):
        return self._connection.execute("SELECT * FROM runs WHERE key = ?", (self._key,)).fetchone()

    def _load(self):
        """Keep what is small; a fit is read when it is asked for."""
        rows = self._connection.execute("SELECT * FROM candidates WHERE run = ?", (self._run,))
        self.suggestions = {
            row["candidate"]: _suggestion(_checked(row, "candidates", self._key)) for row in rows
        }
        rows = self._connection.execute(
            "SELECT id, candidate, split, resource, status, attempt FROM fits WHERE run = ?",
            (self._run,),
        )
        self._fits = {(row["candidate"], row["split"], row["resource"]): row for row in rows}

    def recall(self, task):
        """Return the evaluation of a task, None when it is to be run.

        Parameters
        ----------
        task : Task

        Returns
        -------
        Evaluation or None

        Raises
        ------
        JournalError
            When the candidate is not the one that the file has under its id.
        """
        known = self._fits.get(task.key)
        if known is None:
            return None
        self._check_same(task.candidate)
        if known["status"] != "ok" and known["attempt"] <= self._retries:
            return None
        with _reading(self._path):
            row = self._connection.execute("SELECT * FROM fits WHERE id = ?", (known["id"],))
            return _evaluation(_checked(row.fetchone(), "fits", self._key), task)

    def _check_same(self, candidate):
        point = self.suggestions[candidate.id][0]
        if not _is_same_point(point, candidate.point):
            raise JournalError(
                f"{os.fspath(self._path)} has another candidate {candidate.id} than this search, "
                f"at {point} instead of {candidate.point}: its fits do not belong here. Use "
                "the versions of the libraries that began the run, or another journal."
            )

    def append(self, evaluation):
        """Write a finished fit; it is in the file when this returns.

        Parameters
        ----------
        evaluation : Evaluation
        """
        self._check_open()
        candidate, known = evaluation.task.candidate, self._fits.get(evaluation.task.key)
        is_new = candidate.id not in self.suggestions
        with _using(self._path), self._transaction():
            self._check_owner()
            if is_new:
                self._insert("candidates", _candidate_row(candidate))
            if known is not None:
                self._connection.execute("DELETE FROM fits WHERE id = ?", (known["id"],))
            fit = _fit_row(evaluation, 1 if known is None else known["attempt"] + 1)
            fit["id"] = self._insert("fits", fit)
        if is_new:
            self.suggestions[candidate.id] = (
                candidate.point,
                candidate.source,
                candidate.parents,
                getattr(candidate, "draw", -1),
            )
        self._fits[evaluation.task.key] = {name: fit[name] for name in ("id", "status", "attempt")}

    def finish(self, n_candidates):
        """Note that the search came to its end.

        Parameters
        ----------
        n_candidates : int
            How many candidates it had.
        """
        self._check_open()
        with _using(self._path), self._transaction():
            self._connection.execute(
                "UPDATE runs SET finished = ? WHERE id = ?", (int(n_candidates), self._run)
            )

    def close(self):
        """Let go of the run and of the file; a second time does nothing."""
        if _OPEN.pop(self._token, None) is None or self._pid != os.getpid():
            return
        # A lock that cannot be freed is none: its owner is not among the open ones any more.
        with closing(self._connection), contextlib.suppress(sqlite3.Error), self._transaction():
            self._connection.execute(
                "UPDATE runs SET owner = NULL WHERE id = ? AND owner = ?", (self._run, self._owner)
            )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _insert(self, table, row):
        return _insert(self._connection, table, self._key, {"run": self._run, **row})

    @contextlib.contextmanager
    def _transaction(self):
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _check_open(self):
        if self._token not in _OPEN or self._pid != os.getpid():
            raise JournalError(
                f"a run of {os.fspath(self._path)} can be written to only while it is open and by "
                f"the process that opened it ({self._pid}); this is process {os.getpid()}."
            )

    def _check_owner(self):
        row = self._connection.execute("SELECT owner FROM runs WHERE id = ?", (self._run,))
        if (row.fetchone() or [None])[0] != self._owner:
            raise JournalLockedError(
                f"{os.fspath(self._path)}: another process has taken over this run, as it took "
                f"process {self._pid} for dead; end one of the two."
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
        scores = next((e.scores for e in evaluations if e.scores), {})
        super().__init__(len(header["splits"]), header["metric"] or next(iter(scores), None))
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
            runs = [] if _is_empty(connection) else _check_file(connection).values()
            return [RunHistory(run, _check_rows(connection, run)) for run in runs]


# The file


def _check_path(path):
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text or text == ":memory:" or "\0" in text:
        raise ValueError(f'path of a journal must name a file, as "search.db"; got {path!r}.')


def _has_content(path):
    path = Path(path)
    if path.exists() and not path.is_file():
        raise _Unusable("it is no file")
    return path.exists() and (path.stat().st_size > 0 or _wal(path).exists())


def _wal(path):
    return Path(os.fspath(path) + "-wal")


def _connect(path, options):
    # Not by `open`: closing a file frees the locks that SQLite holds on it in this process.
    uri = f"{Path(path).absolute().as_uri()}?{options}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=_BUSY, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def _reader(path):
    # Without a -wal nobody writes, and "immutable" leaves nothing beside the file.
    return _connect(path, "mode=ro" if _wal(path).exists() else "mode=ro&immutable=1")


def _writer(path):
    connection = _connect(path, "mode=rwc")
    try:
        connection.execute("PRAGMA synchronous = NORMAL")
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise _Unusable(f"its file system does not do write-ahead logging, but {mode}")
        connection.execute("BEGIN IMMEDIATE")
        if _is_empty(connection):
            _create(connection)
        connection.execute("COMMIT")
        _check_schema(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _create(connection):
    for statement in _SCHEMA.split(";\n")[:-1]:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {_VERSION}")


def _pragma(connection, name):
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _schema(connection):
    return {tuple(row) for row in connection.execute("SELECT type, name, sql FROM sqlite_master")}


@cache
def _own_schema():
    with closing(sqlite3.connect(":memory:")) as connection:
        _create(connection)
        return _schema(connection)


def _is_empty(connection):
    return not _pragma(connection, "application_id") and not _schema(connection)


def _check_schema(connection):
    """A table, trigger or view that is not ours may be there to be run."""
    if _pragma(connection, "application_id") != _APPLICATION_ID:
        raise _Unusable("it was made by another program")
    version = _pragma(connection, "user_version")
    if version != _VERSION:
        raise _Unusable(f"it has version {version} of the format and not {_VERSION}")
    if _schema(connection) != _own_schema():
        raise _Unusable("its tables are not those of a journal")


def _check_file(connection):
    """Check everything but the rows of the runs, which are returned by their key."""
    _check_schema(connection)
    connection.execute("BEGIN")  # one state of the file, whoever writes to it
    if (found := _pragma(connection, "integrity_check")) != "ok":
        raise _Unusable(f"it is damaged ({found})")
    runs = connection.execute("SELECT * FROM runs ORDER BY id").fetchall()
    return {run["key"]: _checked(run, "runs", run["key"]) for run in runs}


def _check_rows(connection, run):
    """Check the rows of a run; return its evaluations as they were written."""
    _header(run)
    rows = connection.execute("SELECT * FROM candidates WHERE run = ?", (run["id"],))
    candidates = {
        row["candidate"]: _candidate(_checked(row, "candidates", run["key"])) for row in rows
    }
    rows = connection.execute("SELECT * FROM fits WHERE run = ? ORDER BY id", (run["id"],))
    fits = {}
    for row in rows:
        _checked(row, "fits", run["key"])
        task = Task(candidates[row["candidate"]], row["split"], row["resource"])
        if task.key in fits:
            raise _Unusable(f"it has fit {task.key} of run {run['id']} twice")
        fits[task.key] = _evaluation(row, task)
    return list(fits.values())


@contextlib.contextmanager
def _using(path, *faults):
    """Say which file it was."""
    try:
        yield
    except (sqlite3.Error, _Unusable, *faults) as error:
        reason = str(error) if isinstance(error, (sqlite3.Error, _Unusable)) else repr(error)
        raise JournalError(
            f"{os.fspath(path)} cannot be used as a journal: {reason}. Restore it from a copy, or "
            "name another file."
        ) from error


def _reading(path):
    """Whatever goes wrong while a file is read is the fault of the file."""
    return _using(
        path, ArithmeticError, LookupError, RecursionError, TypeError, ValueError, zlib.error
    )


# Rows


def _insert(connection, table, key, row):
    row = {**row, "checksum": _checksum(table, key, row)}
    marks = ", ".join("?" * len(row))
    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"
    return connection.execute(statement, tuple(row.values())).lastrowid


def _checksum(table, key, row):
    checked = sorted(set(row) - _UNCHECKED)
    content = [_digest(row[n]) if isinstance(row[n], bytes) else row[n] for n in checked]
    return _digest(json.dumps([table, key, checked, content]).encode())


def _digest(content):
    return blake2b(content, digest_size=16).hexdigest()


def _checked(row, table, key):
    row = dict(row)
    if row["checksum"] != _checksum(table, key, row):
        raise _Unusable(f"it is damaged (checksum of a row of {table})")
    return row


def _run_row(kind, parts, header):
    lengths, splits = _pack(header["splits"])
    header = {**header, "splits": lengths, "digest_of_splits": _digest(splits)}
    return {
        "key": _key(kind, parts),
        "kind": kind,
        "parts": _text(parts),
        "header": _text(header),
        "splits": splits,
        "created": datetime.now(UTC).isoformat(" ", "seconds").removesuffix("+00:00"),
    }


def _key(kind, parts):
    return _digest(json.dumps([kind, sorted(parts.items())]).encode())


def _header(run):
    header = json.loads(run["header"])
    if header.pop("digest_of_splits") != _digest(run["splits"]):
        raise _Unusable("it is damaged (checksum of the splits)")
    return {**header, "splits": _unpack(header["splits"], run["splits"])}


def _pack(splits):
    """Lengths and kinds of the index arrays, and all of them in one."""
    arrays = [np.asarray(indices) for split in splits for indices in split]
    if any(a.ndim != 1 or a.dtype.kind not in "biu" for a in arrays):
        raise ValueError(
            "a journal keeps splits of integers or masks; cv gave something else. Let it give "
            "arrays of indices."
        )
    shapes = [[a.dtype.kind, len(a)] for a in arrays]
    joined = np.concatenate([np.empty(0, "<i8"), *arrays]).astype("<i8")
    # Differences of sorted indices are small and repeat: a hundredth of the time and the space.
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


def _candidate_row(candidate):
    return {
        "candidate": candidate.id,
        "params": _text({name: _readable(value) for name, value in candidate.params.items()}),
        "point": None if candidate.point is None else _text(candidate.point.tolist()),
        "source": _storable(candidate.source),
        "parents": _text(candidate.parents),
        "draw": getattr(candidate, "draw", -1),
    }


def _suggestion(row):
    point = None if row["point"] is None else np.array(_floats(json.loads(row["point"])))
    return point, row["source"], tuple(json.loads(row["parents"])), row["draw"]


def _is_same_point(a, b):
    if a is None or b is None:
        return a is b
    return a is b or np.allclose(a, b, atol=1e-6, equal_nan=True)


def _candidate(row):
    point, source, parents, _ = _suggestion(row)
    return Candidate(row["candidate"], json.loads(row["params"]), point, source, parents)


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


def _floats(values):
    return [_float(value) for value in values]


def _float(value):
    return math.nan if value is None else float(value)


def _number(value):
    """A float as the database keeps it: NaN is NULL there."""
    return None if math.isnan(value) else float(value)


def _text(value):
    """JSON that any reader takes, with every float exact: NaN is null, infinity 1e999."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        pairs = (f"{_text(str(name))}: {_text(item)}" for name, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return "null" if math.isnan(value) else f"{math.copysign(1, value):.0f}e999"
    return _storable(json.dumps(value, ensure_ascii=False))


def _storable(text):
    """Text without lone surrogates, which file names in tracebacks may have."""
    return text.encode("utf-8", "backslashreplace").decode()


def _readable(value, length=200):
    """What people want to see of the value of a parameter."""
    if isinstance(value, np.generic):
        value = value.item()
    if (
        value is None
        or type(value) in (bool, int)
        or (type(value) is float and math.isfinite(value))
    ):
        return value
    try:
        text = value if type(value) is str else repr(value)
    except Exception:  # the repr of somebody's class
        text = f"<{type(value).__name__}>"
    return text if len(text) <= length else f"{text[: length - 3]}..."


# Runs and the processes at work on them


def _only_difference(run, parts):
    theirs = json.loads(run["parts"])
    different = [n for n in theirs.keys() | parts.keys() if theirs.get(n) != parts.get(n)]
    return different[0] if len(different) == 1 else None


def _warn_of_versions(before, now):
    changed = {n for n in before.keys() & now.keys() if before[n] != now[n]}
    if changed:
        text = ", ".join(f"{name} {before[name]} (now {now[name]})" for name in sorted(changed))
        warnings.warn(
            f"this search was begun with {text}: what it goes on with may differ from what an "
            "uninterrupted search would have found.",
            stacklevel=6,
        )


def _check_not_inherited(path):
    """SQLite does not survive a fork: the child would hold locks that it does not have."""
    for log in list(_OPEN.values()):
        if log._pid != os.getpid() and os.path.samefile(log._path, path):
            raise JournalError(
                f"{os.fspath(path)} was open in process {log._pid} when this process was forked "
                "from it, and cannot be used here. Start processes in another way (loky, spawn), "
                "or give the inner search a journal of its own."
            )


def _is_alive(owner):
    """Whether the process that opened a run still has it open."""
    if not isinstance(owner, str):
        return False
    pid, birth, token = owner.split()
    return _birth(int(pid)) == birth and (int(pid) != os.getpid() or token in _OPEN)


def _birth(pid):
    """When a living process began, as one word; None when there is none.

    A process id alone comes back after a while, and after a restart of the machine.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("latin-1")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None if Path("/proc/self/stat").exists() else _birth_without_proc(pid)
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else f"{boot}:{fields[18]}"


def _birth_without_proc(pid):
    if os.name == "nt":
        return _birth_on_windows(pid)
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    state, *began = done.stdout.split() or "Z"
    return None if state[0] in "ZX" else "_".join(began)


def _birth_on_windows(pid):
    import ctypes

    kernel, times = ctypes.windll.kernel32, (ctypes.c_uint64 * 4)()
    kernel.OpenProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(kernel.OpenProcess(0x1000, False, pid))  # limited information
    if not process:
        return None
    addresses = [ctypes.byref(times, 8 * i) for i in range(4)]
    kernel.GetProcessTimes(process, *addresses)
    kernel.CloseHandle(process)
    # The second time is when it ended.
    return None if times[1] else str(times[0])
