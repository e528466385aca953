"""Calls whose outcome crosses the border of a process, be it a result or an error."""

from __future__ import annotations

import pickle
import select
from contextlib import suppress
from io import BytesIO
from traceback import format_exc

from .._sklearn import CloudPickler, by_value_modules

__all__ = ["WorkerTraceback", "answer", "dumps", "open_answer", "picklability_error", "waiter"]


class WorkerTraceback(Exception):  # noqa: N818
    """The cause of an exception that a worker raised: its traceback there, as text."""

    def __str__(self):
        return f'\n"""\n{self.args[0]}"""'


def waiter(connection):
    """Return a function that waits some seconds for a message and tells whether there is one.

    It is ``connection.poll``, at a tenth of its price where that can be had.
    """
    if not hasattr(select, "poll"):
        return connection.poll
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return lambda seconds: bool(poll.poll(1000 * seconds))


def dumps(obj):
    """Pickle, also lambdas and what is defined in ``__main__``."""
    with suppress(Exception):
        data = pickle.dumps(obj, pickle.HIGHEST_PROTOCOL)
        # What is fetched from a module by its name must be there at the other end.
        if b"__main__" not in data and not by_value_modules():
            return data
    with BytesIO() as file:
        CloudPickler(file, protocol=pickle.HIGHEST_PROTOCOL).dump(obj)
        return file.getvalue()


def answer(function, *args):
    """Call a function; return its outcome, pickled.

    Returns
    -------
    bytes
        For `open_answer`.
    """
    try:
        result = function(*args)
    except BaseException as error:
        return _failure(error)
    try:
        return dumps((True, result, None))
    except Exception as error:
        return _failure(picklability_error("the result of a fit", error))


def _failure(error):
    trace = format_exc()
    with suppress(Exception):
        failure = dumps((False, error, trace))
        pickle.loads(failure)  # some exceptions pickle and do not come back
        return failure
    return dumps((False, RuntimeError(f"{type(error).__name__}: {error}"), trace))


def open_answer(data):
    """Return the result in an answer, or raise its exception, the traceback being the cause."""
    succeeded, outcome, trace = pickle.loads(data)
    if succeeded:
        return outcome
    outcome.__cause__ = WorkerTraceback(trace)
    raise outcome


def picklability_error(whole, error, parts=()):
    """Return the error that says what cannot be pickled, and what to do.

    Parameters
    ----------
    whole : str
        Name of what was to be pickled.
    error : Exception
        What was raised.
    parts : mapping of str -> object
        What it is made of; the first that cannot be pickled is named.
    """
    name = next((repr(name) for name in parts if not _is_picklable(parts[name])), whole)
    return pickle.PicklingError(
        f"{name} must be picklable to cross the border of a worker process; got "
        f'{type(error).__name__}: {error}. Use joblib.parallel_config("threading") or n_jobs=1.'
    )


def _is_picklable(obj):
    try:
        dumps(obj)
    except Exception:
        return False
    return True
