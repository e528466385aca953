"""The one loop: what is in flight, in which order it is told, what survives."""

import math
import threading
from concurrent.futures import Future

import pytest
from _histories import candidate, evaluation

from skhpo._records import Task
from skhpo.execution._loop import run
from skhpo.history import History

N = 6


class Scheduler:
    """Hands out tasks of one fold each; writes down what it is asked and told."""

    def __init__(self, n=N, waits_for=()):
        self.left = list(range(n))
        self.waits_for = set(waits_for)
        self.story = []

    def ask(self):
        """Next task; None while it waits for what it must know."""
        if not self.left or self.waits_for:
            self.story.append("none")
            return None
        id_ = self.left.pop(0)
        self.story.append(f"ask {id_}")
        return Task(candidate(id_), 0)

    def tell(self, evaluation):
        """Learn."""
        self.story.append(f"tell {evaluation.task.candidate.id}")
        self.waits_for.discard(evaluation.task.candidate.id)


class Hands:
    """Finishes futures when and in the order it is told to."""

    def __init__(self):
        self.futures = {}

    def submit(self, task):
        """Start a task."""
        self.futures[task.candidate.id] = future = Future()
        return future

    def finish(self, id_):
        """Finish a task."""
        self.futures[id_].set_result(evaluation(id_, 0, float(id_)))


def at_once(task):
    future = Future()
    future.set_result(evaluation(task.candidate.id, 0, float(task.candidate.id)))
    return future


def go(scheduler=None, submit=at_once, **settings):
    """Run a loop; return the history and what the scheduler saw."""
    history, scheduler = History(1, "score"), scheduler or Scheduler()
    run(scheduler, submit, history, **{"window": 1, **settings})
    return history, scheduler.story


def told(history):
    return [one.task.candidate.id for one in history.evaluations]


class TestOrder:
    def test_window_of_one(self):
        history, story = go(Scheduler(3))
        assert story == ["ask 0", "tell 0", "ask 1", "tell 1", "ask 2", "tell 2", "none"]
        assert told(history) == [0, 1, 2]

    def test_the_window_is_filled_before_anything_is_told(self):
        _, story = go(Scheduler(4), window=3)
        assert story[:5] == ["ask 0", "ask 1", "ask 2", "tell 0", "ask 3"]

    def test_everything_in_flight(self):
        _, story = go(Scheduler(4), window=math.inf)
        assert story[:5] == ["ask 0", "ask 1", "ask 2", "ask 3", "none"]

    @pytest.mark.parametrize("order", [[2, 1, 0], [1, 2, 0], [0, 2, 1]])
    @pytest.mark.parametrize("in_order", [True, False])
    def test_of_finishing(self, order, in_order):
        hands, recorded = Hands(), []

        class Rest(Scheduler):
            def ask(self):
                if not self.left and not recorded and not hands.futures[0].done():
                    for id_ in order:
                        hands.finish(id_)
                return super().ask()

        history, _ = go(
            Rest(3),
            hands.submit,
            window=9,
            in_order=in_order,
            record=lambda one: recorded.append(one.task.candidate.id),
        )
        assert recorded == order
        assert told(history) == ([0, 1, 2] if in_order else order)

    def test_out_of_order_a_slow_fit_holds_up_nobody(self):
        hands = Hands()
        finishes = {"ask 2": [1], "ask 3": [2], "none": [0, 3]}

        class Script(Scheduler):
            def ask(self):
                task = super().ask()
                for id_ in finishes.pop(self.story[-1], ()):
                    hands.finish(id_)
                return task

        _, story = go(Script(4), hands.submit, window=3, in_order=False)
        told_as_finished = ["tell 1", "ask 3", "tell 2", "none", "tell 0", "none", "tell 3", "none"]
        assert story == ["ask 0", "ask 1", "ask 2", *told_as_finished]

    def test_a_scheduler_that_waits_is_asked_again(self):
        class Waiting(Scheduler):
            def ask(self):
                if self.left and self.left[0] == 2 and "tell 1" not in self.story:
                    return None
                return super().ask()

        history, _ = go(Waiting(4), window=3)
        assert told(history) == [0, 1, 2, 3]

    def test_nothing_to_do(self):
        history, story = go(Scheduler(0))
        assert story == ["none"]
        assert history.n_fits == 0


class TestListeners:
    def test_get_each_evaluation_in_turn_before_the_scheduler(self):
        scheduler, heard = Scheduler(3), []

        def listen(one):
            assert scheduler.story[-1] != f"tell {one.task.candidate.id}"
            heard.append(one.task.candidate.id)

        go(scheduler, window=2, listeners=[listen, listen])
        assert heard == [0, 0, 1, 1, 2, 2]

    def test_the_history_knows_first(self):
        history = History(1, "score")
        seen = []
        run(
            Scheduler(3),
            at_once,
            history,
            window=1,
            listeners=[lambda one: seen.append(history.n_fits)],
        )
        assert seen == [1, 2, 3]

    def test_record_is_before_the_history(self):
        history = History(1, "score")
        seen = []
        run(
            Scheduler(3), at_once, history, window=1, record=lambda one: seen.append(history.n_fits)
        )
        assert seen == [0, 1, 2]


class TestStopping:
    def test_no_further_fit_starts_and_those_in_flight_are_kept(self):
        history, story = go(window=3, stopping=lambda history: history.n_fits >= 2)
        assert told(history) == [0, 1, 2, 3]
        assert "ask 4" not in story

    def test_the_clock(self):
        seen = []

        def stopping(history):
            seen.append(history.elapsed)
            return len(seen) > 3

        history, _ = go(stopping=stopping)
        assert sorted(seen) == seen
        assert history.elapsed >= seen[-1] > 0

    def test_is_asked_before_each_fit(self):
        seen = []
        go(Scheduler(3), stopping=lambda history: seen.append(history.n_fits))
        assert seen == [0, 1, 2, 3]


class TestExceptions:
    def test_of_a_fit(self):
        def submit(task):
            future = Future()
            if task.candidate.id == 2:
                future.set_exception(ZeroDivisionError("fit"))
                return future
            return at_once(task)

        history = History(1, "score")
        with pytest.raises(ZeroDivisionError, match="fit"):
            run(Scheduler(), submit, history, window=4)
        assert told(history) == [0, 1]

    @pytest.mark.parametrize("error", [ZeroDivisionError("no"), KeyboardInterrupt()])
    def test_what_is_finished_is_kept_and_the_rest_cancelled(self, error):
        hands, recorded = Hands(), []

        class Script(Scheduler):
            def ask(self):
                if not self.left:
                    hands.finish(1)
                    hands.futures[2].set_running_or_notify_cancel()
                    hands.futures[0].set_exception(error)
                    hands.finish(3)
                return super().ask()

        history = History(1, "score")
        with pytest.raises(type(error)):
            run(
                Script(5),
                hands.submit,
                history,
                window=9,
                record=lambda one: recorded.append(one.task.candidate.id),
            )
        assert told(history) == recorded == [1, 3]
        assert hands.futures[4].cancelled()
        assert not hands.futures[2].cancelled()

    @pytest.mark.parametrize("who", ["scheduler", "listener", "record", "stopping", "submit"])
    def test_of_anybody_else(self, who):
        def fail_at_2(one):
            if one.task.candidate.id == 2:
                raise ZeroDivisionError

        class Failing(Scheduler):
            def tell(self, one):
                fail_at_2(one)

        def submit(task):
            if who == "submit" and task.candidate.id == 2:
                raise ZeroDivisionError
            return at_once(task)

        def stop(history):
            if history.n_fits == 2:
                raise ZeroDivisionError

        history = History(1, "score")
        with pytest.raises(ZeroDivisionError):
            run(
                Failing() if who == "scheduler" else Scheduler(),
                submit,
                history,
                window=1,
                stopping=stop if who == "stopping" else None,
                record=fail_at_2 if who == "record" else None,
                listeners=[fail_at_2] if who == "listener" else [],
            )
        assert told(history)[:2] == [0, 1]
        assert told(history) == ([0, 1] if who in ("stopping", "submit") else [0, 1, 2])
        assert history.elapsed > 0

    def test_an_error_is_noticed_while_the_window_fills(self):
        def submit(task):
            future = Future()
            future.set_exception(ZeroDivisionError())
            return future

        scheduler = Scheduler()
        with pytest.raises(ZeroDivisionError):
            run(scheduler, submit, History(1, "score"), window=math.inf)
        assert scheduler.story == ["ask 0"]


def test_results_come_from_other_threads():
    def submit(task):
        future = Future()
        id_ = task.candidate.id
        delay = 0.02 if id_ % 2 else 0.001
        done = evaluation(id_, 0, float(id_))
        threading.Timer(delay, future.set_result, [done]).start()
        return future

    history, _ = go(Scheduler(8), submit, window=4)
    assert told(history) == list(range(8))
    history, _ = go(Scheduler(8), submit, window=4, in_order=False)
    assert sorted(told(history)) == list(range(8))
