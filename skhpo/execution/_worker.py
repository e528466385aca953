"""What runs in a worker process: take a request from a pipe, send the answer."""

from __future__ import annotations

import faulthandler
import gc
import os
import pickle
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace

from ._messages import answer, waiter
from ._sharing import load, receive

__all__ = ["serve"]


def serve(connection, patience):
    """Answer requests until there are none for long, or nobody is left to ask.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
        A request is a pickled ``(name of a method of _Desk, arguments)``.
    patience : float
        Seconds without a request after which it goes.
    """
    _settle()
    desk = _Desk(connection)
    wait = waiter(connection)
    with suppress(EOFError, ConnectionError):
        connection.send_bytes(b"ready")
        while wait(patience):
            connection.send_bytes(answer(desk.do, connection.recv_bytes()))


def _settle():
    """Leave Ctrl-C to the parent, and do not outlive it."""
    gc.freeze()  # the modules are here to stay: `forget` need not look through them
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if not faulthandler.is_enabled():  # as loky does: a crash in compiled code shows on stderr
        faulthandler.enable()
    if os.name == "posix":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        # A group of its own, to be killed with all its children.
        os.setpgid(0, 0)
        threading.Thread(target=_die_with, args=[os.getppid()], daemon=True).start()


def _die_with(parent):
    # The pipe tells nothing while a fit runs, or when a fork of the parent keeps it open.
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)


class _Desk:
    """What a worker can be asked for."""

    def __init__(self, connection):
        self._connection = connection
        self._evaluators = {}

    def do(self, request):
        name, args = pickle.loads(request)
        return getattr(self, name)(*args)

    def load(self, number, end, folder, path):
        """Load an evaluator from the file whose descriptor follows.

        Its modules and files are looked for where the parent looks now.
        """
        descriptor = receive(self._connection)
        os.chdir(folder)
        sys.path[:] = path
        try:
            self._evaluators[number] = load(descriptor, end)
        except Exception as error:
            raise pickle.UnpicklingError(
                "What the main process pickles must load in a worker process; got "
                f"{type(error).__name__}: {error}. Make its modules importable there, or use "
                'joblib.parallel_config("threading") or n_jobs=1.'
            ) from error

    def evaluate(self, number, task):
        """Return an evaluation without its task: the parent has that."""
        evaluation = self._evaluators[number](task)
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # what verbose prints is read as it comes
                stream.flush()
        return replace(evaluation, task=None)

    def forget(self, number):
        """Drop an evaluator."""
        del self._evaluators[number]
        gc.collect()
