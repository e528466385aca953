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

from skhpo.journal._errors import JournalError, JournalLockedError
from skhpo.journal._history import RunHistory, load_history
from skhpo.journal._journal import Journal

__all__ = ["Journal", "JournalError", "JournalLockedError", "RunHistory", "load_history"]
