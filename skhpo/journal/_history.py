"""What a file tells of its runs, without estimators and data."""

from __future__ import annotations

import json
import os
from contextlib import closing

from ..history import History
from ._errors import Unusable, reading
from ._file import check_path, checked_rows, checked_runs, has_content, reader
from ._owners import is_alive

__all__ = ["RunHistory", "load_history"]


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
        self.finished, self.running = run["finished"] is not None, is_alive(run["owner"])
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
    check_path(path)
    with reading(path):
        if not has_content(path):
            raise Unusable("it is empty" if os.path.exists(path) else "it does not exist")
        with closing(reader(path)) as connection:
            runs = checked_runs(connection).values()
            return [RunHistory(run, checked_rows(connection, run)) for run in runs]
