"""Show where a search is."""

from __future__ import annotations

import math
import os
import sys
import time
from contextlib import suppress
from numbers import Real

__all__ = ["SearchProgress"]


class SearchProgress:
    """Show where a search is: candidates, best score, failures, time gone and time left.

    A callback for ``search.set_callbacks``, which scikit-learn has from version 1.9 on. In a
    terminal or a notebook one line is rewritten; elsewhere, as in a log file, a new line is
    written now and then. In searches with rungs the time left follows from the resource that is
    left to spend; a stopping rule may end any search earlier.

    Parameters
    ----------
    interval : float, default=None
        Seconds between two updates; None means 0.2 where a line is rewritten, else 10.
    file : text stream, default=None
        Where to write; None means standard error at the time of writing.

    Examples
    --------
    >>> from skhpo import SearchProgress
    >>> progress = SearchProgress(interval=1)  # search.set_callbacks(progress).fit(X, y)
    """

    def __init__(self, interval=None, file=None):
        if interval is not None and not (isinstance(interval, Real) and interval >= 0):
            raise ValueError(
                f"interval must be seconds between two updates, at least 0; got {interval!r}. "
                "Use None for 0.2 in a terminal and 10 in a log file."
            )
        if file is not None and not hasattr(file, "write"):
            raise TypeError(
                f"file must be an open text stream; got {file!r}. Open a path first: "
                'open("search.log", "a").'
            )
        self.interval = interval
        self.file = file

    def __getstate__(self):
        # An open file does not travel: elsewhere the lines go to standard error.
        return {**vars(self), "file": None}

    def setup(self, estimator, context):
        """Start the clock."""
        self._written = time.monotonic()
        self._width = 0

    def on_fit_task_begin(self, estimator, context):
        """Nothing to show yet."""

    def on_fit_task_end(self, estimator, context):
        """Show the state after a fit, if it is time, and after the last one."""
        if context.task_name == "search":
            self._write(estimator, None, last=True)
        elif context.task_name == "candidate-split-evaluation" and self._is_due():
            self._write(estimator, context.parent.max_subtasks, last=False)

    def teardown(self, estimator, context):
        """End the line of a search that did not come to its end."""
        if self._width and (stream := self._stream()) is not None:
            stream.write("\n")

    def _is_due(self):
        interval = self.interval
        if interval is None:
            interval = 0.2 if _rewrites(self._stream()) else 10.0
        return time.monotonic() - self._written >= interval

    def _stream(self):
        return sys.stderr if self.file is None else self.file

    def _write(self, search, n_fits, last):
        self._written = time.monotonic()
        if (stream := self._stream()) is None:  # a process without a console
            return
        text = describe(search, n_fits, last)
        if _rewrites(stream):
            text = _cut(text, stream)
            stream.write("\r" + text.ljust(self._width) + ("\n" if last else ""))
            self._width = 0 if last else len(text)
        else:
            stream.write(text + "\n")
        if hasattr(stream, "flush"):
            stream.flush()


def describe(search, n_fits, last=False):
    """Return one line on where a search is.

    Parameters
    ----------
    search : search with ``history_``
    n_fits : int or None
        How many fits there will be; None when that is not known.
    last : bool, default=False
        Whether the search is over.
    """
    history = search.history_
    has_rungs = history.n_resources_held > 0
    done = history.n_candidates if has_rungs else len(history.best_so_far)
    total, left = (done, 0.0) if last else _ahead(history, n_fits)
    best = "none yet" if math.isinf(history.best_score) else f"{history.best_score:.4g}"
    if history.best_resource is not None:
        best += f" with {history.resource or 'n_samples'}={history.best_resource:g}"
    return (
        f"{type(search).__name__}: {done}/{total} candidates, best score {best}, "
        f"{history.n_failed} failed fits, {_clock(history.elapsed)} gone, {_clock(left)} left"
    )


def _ahead(history, n_fits):
    """How many candidates there will be, and seconds until then; None when not known."""
    if n_fits is not None:
        n_candidates = -(-n_fits // history.n_splits)
        done, spared, recalled = history.n_fits, history.n_spared, history.n_recalled
    elif not history.planned:  # the first rung is still sought
        return "?", None
    else:
        n_candidates, n_fits = int(history.planned["candidates"]), history.planned["resources"]
        done, spared = history.n_resources_held, history.n_resources_spared
        recalled = history.n_resources_recalled
    # As much will be spared as was so far.
    ahead = (n_fits - done - spared) * done / max(done + spared, 1)
    return n_candidates, _seconds(history, ahead, done - recalled)


def _seconds(history, ahead, here):
    """How long what is ahead takes, at the pace of what this call has done; None before that."""
    return history.elapsed / here * max(ahead, 0.0) if here > 0 else None


def _clock(seconds):
    if seconds is None:
        return "?"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def _rewrites(stream):
    """Whether a line can be written over: in a terminal, and in a notebook."""
    return _is_terminal(stream) or type(stream).__module__.startswith("ipykernel")


def _is_terminal(stream):
    return hasattr(stream, "isatty") and stream.isatty()


def _cut(text, stream):
    """Return what fits on one line of a terminal: a longer one could not be written over."""
    with suppress(OSError):  # not every terminal tells its width
        width = _is_terminal(stream) and os.get_terminal_size(stream.fileno()).columns
        if width and len(text) >= width:
            return text.partition(": ")[2][: width - 1]
    return text
