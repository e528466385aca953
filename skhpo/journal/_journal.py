"""A run of a journal, from its beginning to its end and on."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import warnings
from contextlib import closing
from dataclasses import dataclass
from numbers import Integral

from ._errors import JournalError, JournalLockedError, reading, using
from ._file import check_path, checked_rows, checked_runs, has_content, identity, reader, writer
from ._owners import OPEN, birth, is_alive
from ._rows import (
    RUNS,
    candidate_row,
    checked,
    evaluation_of,
    execute,
    fit_row,
    header_of,
    insert,
    is_same_point,
    key_of,
    run_row,
    suggested,
    suggestion_of,
)

__all__ = ["Journal", "RunLog"]

_OF_THE_DATA = {"data", "metadata", "splits"}


@dataclass(frozen=True)
class Journal:
    """File that keeps every finished fit, so that the same ``fit`` again continues.

    Parameters
    ----------
    path : str or path-like
        The file; it is made when it does not exist. Many searches may share one.
    on_mismatch : {"warn", "error"}, default="warn"
        What to do when a new run begins although the file holds one of the same kind of search
        that differs in a single part; if in its data or splits, only one that is not finished.
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
        check_path(self.path)
        if self.on_mismatch not in ("warn", "error"):
            raise ValueError(
                f'on_mismatch of Journal must be "warn" or "error"; got {self.on_mismatch!r}.'
            )
        if not isinstance(self.retry_failed, Integral) or self.retry_failed < 0:
            raise ValueError(
                "retry_failed of Journal must be a bool or a number of repeats; got "
                f"{self.retry_failed!r}."
            )

    def open(self, kind, parts, header, *, inside=False):
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
        inside : bool, default=False
            Whether the search is part of another one, whose candidates and folds make runs that
            differ in a part as a matter of course: then this is not reported.

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
        with reading(self.path):
            self._check(kind, parts, inside)
        with using(self.path):
            return RunLog(self, kind, parts, header)

    def _check(self, kind, parts, inside):
        """Look before anything is written: only a sound file is opened for that."""
        if not has_content(self.path):
            return
        with closing(reader(self.path)) as connection:
            runs = checked_runs(connection)
            run = runs.get(key_of(kind, parts))
            if run is not None:
                checked_rows(connection, run)
            elif not inside and (other := _almost_the_same(runs.values(), kind, parts)) is not None:
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
        self._key = key_of(kind, parts)
        self.pid = os.getpid()
        self._token = secrets.token_hex(8)
        self._owner = f"{self.pid} {birth(self.pid)} {self._token}"
        self._connection = writer(journal.path)
        self.file = identity(journal.path)
        OPEN[self._token] = self
        try:
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
                insert(self._connection, "runs", self._key, run_row(kind, parts, header))
                run = self._find()
            elif is_alive(run["owner"]):
                raise JournalLockedError(
                    f"{os.fspath(self._path)}: process {run['owner'].split()[0]} is at work on "
                    "this very search; wait for it, end it, or give this one another journal."
                )
            statement = "UPDATE runs SET owner = ?, finished = NULL WHERE id = ?"
            self._execute(statement, self._owner, run["id"])
        self._run = run["id"]
        self.header = header_of(self._connection, run) if self.resumed else header
        _warn_of_versions(self.header["versions"], header["versions"])

    def _find(self):
        return next(iter(self._execute(f"{RUNS} WHERE key = ?", self._key)), None)

    def _load(self):
        """Keep what is small; a fit is read when it is asked for."""
        rows = self._execute("SELECT * FROM candidates WHERE run = ?", self._run)
        self.suggestions = {
            row["candidate"]: suggestion_of(checked(row, "candidates", self._key)) for row in rows
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
        with reading(self._path):
            (row,) = self._execute("SELECT * FROM fits WHERE id = ?", known["id"])
            return evaluation_of(checked(row, "fits", self._key), task)

    def append(self, evaluation):
        """Write a finished fit; it is in the file when this returns."""
        candidate, key = evaluation.task.candidate, evaluation.task.key
        is_new = candidate.id not in self.suggestions
        row = fit_row(evaluation, self._fits[key]["attempt"] + 1 if key in self._fits else 1)
        with self._writing():
            if is_new:
                self._insert("candidates", candidate_row(candidate))
            row["id"] = self._insert("fits", row)
        if is_new:
            self.suggestions[candidate.id] = suggested(candidate)
        self._fits[key] = {name: row[name] for name in ("id", "status", "attempt")}

    def finish(self, n_candidates):
        """Note that the search came to its end, with so many candidates."""
        with self._writing():
            self._execute("UPDATE runs SET finished = ? WHERE id = ?", int(n_candidates), self._run)

    def close(self):
        """Let go of the run and of the file; a second time does nothing."""
        if not self._is_open():
            return
        del OPEN[self._token]
        # A lock that cannot be freed holds nobody up: its owner has it open no more.
        with closing(self._connection), contextlib.suppress(sqlite3.Error), self._transaction():
            self._execute("UPDATE runs SET owner = NULL WHERE owner = ?", self._owner)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _is_open(self):
        return self._token in OPEN and self.pid == os.getpid()

    def _execute(self, statement, *values):
        return execute(self._connection, statement, *values)

    def _insert(self, table, row):
        return insert(self._connection, table, self._key, {"run": self._run, **row})

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
        if not self._is_open():
            raise JournalError(
                f"{os.fspath(self._path)}: a run is written to while it is open and by the process "
                f"that opened it ({self.pid}); this is process {os.getpid()}. Open it here."
            )
        with using(self._path), self._transaction():
            owners = self._execute("SELECT owner FROM runs WHERE id = ?", self._run)
            if [run["owner"] for run in owners] != [self._owner]:
                raise JournalLockedError(
                    f"{os.fspath(self._path)}: another process took this one ({self.pid}) for "
                    "dead and goes on with its run; end one of the two."
                )
            yield

    def _check_same(self, candidate):
        point = self.suggestions[candidate.id][0]
        if not is_same_point(point, candidate.point):
            raise JournalError(
                f"{os.fspath(self._path)} has another candidate {candidate.id} than this search, "
                f"{point} and not {candidate.point}: its fits do not belong here. Use the versions "
                "of the libraries that began the run, or another journal."
            )


def _almost_the_same(runs, kind, parts):
    """The last run that would be continued if one part were the same, and that part."""
    for run in reversed(runs):
        theirs = json.loads(run["parts"])
        names = [n for n in theirs.keys() | parts.keys() if theirs.get(n) != parts.get(n)]
        if run["kind"] != kind or len(names) != 1:
            continue
        # The folds of a cross-validated search are many runs, and none of them a mistake.
        if names[0] not in _OF_THE_DATA or not (
            run["finished"] is not None or is_alive(run["owner"])
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
