"""A worker process, seen from the main process."""

import pytest
from _evaluators import alive, gone

from skhpo.execution import _workers
from skhpo.execution._workers import Worker


def test_an_idle_worker_goes(monkeypatch):
    monkeypatch.setattr(_workers, "PATIENCE", 0.5)
    worker = Worker({})
    worker._greet()
    (process,) = [worker._process.pid]
    assert alive(process)
    assert gone([process], within=5)
    assert not worker.is_usable()
    worker.close()
    worker.close()


@pytest.mark.parametrize("idle", [149, 151])
def test_one_that_may_go_any_moment_is_not_used(idle, monkeypatch):
    worker = Worker({})
    now = worker.idle_since
    monkeypatch.setattr("time.monotonic", lambda: now + idle)
    assert worker.is_usable() == (idle < _workers.PATIENCE / 2)
    worker.kill()
    worker.close()
