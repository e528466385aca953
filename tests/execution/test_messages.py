"""Calls whose outcome crosses the border of a process."""

import pickle
import sys
import threading
from multiprocessing import Pipe
from types import ModuleType

import pytest
from _evaluators import Told, fail

from skhpo.execution import _messages
from skhpo.execution._messages import (
    WorkerTraceback,
    answer,
    dumps,
    open_answer,
    picklability_error,
    waiter,
)


@pytest.mark.parametrize("home", ["__main__", "json", "nowhere"])
def test_what_the_other_end_does_not_have_travels_along(home, monkeypatch):
    made = type("Made", (), {"__module__": home})
    module = ModuleType(home) if home == "nowhere" else sys.modules[home]
    monkeypatch.setitem(sys.modules, home, module)
    monkeypatch.setattr(module, "Made", made, raising=False)
    for obj in (made, made(), [lambda: made]):
        data = dumps(obj)
        assert (len(data) > 200) == (home == "__main__" or isinstance(obj, list))
    monkeypatch.setattr(_messages, "by_value_modules", lambda: {home})
    assert pickle.loads(dumps(3)) == 3


def test_a_waiter_waits():
    here, there = Pipe()
    with here, there:
        wait = waiter(here)
        assert not wait(0.01)
        there.send(1)
        assert wait(5)
        here.recv()
        there.close()
        assert wait(5)  # for the end


def test_a_result_comes_back():
    assert open_answer(answer(divmod, 7, 2)) == (3, 1)


def test_an_exception_comes_back_with_its_traceback():
    with pytest.raises(Told, match="as told") as raised:
        open_answer(answer(fail, None))
    assert isinstance(raised.value.__cause__, WorkerTraceback)
    assert "in fail\n" in str(raised.value.__cause__)


def test_an_exception_that_cannot_travel_is_described():
    def fail_with_a_lock():
        error = Told("as told")
        error.lock = threading.Lock()
        raise error

    with pytest.raises(RuntimeError, match="Told: as told"):
        open_answer(answer(fail_with_a_lock))


def test_a_result_that_cannot_travel_is_an_error():
    with pytest.raises(pickle.PicklingError, match="the result of a fit must be picklable"):
        open_answer(answer(threading.Lock))


@pytest.mark.parametrize(
    ("parts", "name"), [({"a": 1, "b": threading.Lock()}, "'b'"), ({"a": 1}, "it"), ((), "it")]
)
def test_the_part_to_blame_is_named(parts, name):
    error = picklability_error("it", TypeError("no"), parts)
    assert str(error).startswith(f"{name} must be picklable")
    assert "TypeError: no" in str(error)
