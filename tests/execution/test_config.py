"""How to run is a context."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from skhpo import run_config
from skhpo.execution._config import current_config


def test_what_is_not_given_stays():
    assert (current_config().executor, current_config().in_order) == (None, True)
    with ThreadPoolExecutor(1) as pool, run_config(executor=pool):
        with run_config(in_order=False):
            assert (current_config().executor, current_config().in_order) == (pool, False)
        assert current_config().in_order
    assert current_config().executor is None


def test_it_ends_with_an_exception():
    with pytest.raises(KeyError), run_config(in_order=False):
        raise KeyError
    assert current_config().in_order


def test_it_is_a_threads_own():
    with run_config(in_order=False):
        found = []
        thread = threading.Thread(target=lambda: found.append(current_config().in_order))
        thread.start()
        thread.join()
    assert found == [True]


@pytest.mark.parametrize("executor", [3, "threads", ThreadPoolExecutor])
def test_an_executor_must_take_tasks(executor):
    with pytest.raises(TypeError, match="submit method"), run_config(executor=executor):
        pass


@pytest.mark.parametrize("in_order", [0, "no"])
def test_in_order_is_a_bool(in_order):
    with (
        pytest.raises(TypeError, match="in_order must be True, False"),
        run_config(in_order=in_order),
    ):
        pass
