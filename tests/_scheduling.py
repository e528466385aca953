"""A scheduler with all that it needs, run by a loop without executors."""

from __future__ import annotations

import math

from scipy.stats import uniform

from skhpo._records import Evaluation
from skhpo.history import History
from skhpo.optimizers import RandomSearch
from skhpo.schedulers._proposer import Proposer
from skhpo.space import SearchSpace

N_SPLITS = 3


class Run:
    """A scheduler with all that it needs, and what it did."""

    def __init__(
        self, spec, score, *, n_iter=6, space=None, optimizer=None, n_splits=N_SPLITS, rule=None
    ):
        self.score = score
        self.history = History(n_splits, "score")
        self.told = []
        proposer = Proposer(
            SearchSpace(space or {"a": uniform(0, 1)}),
            optimizer or RandomSearch(),
            n_iter=n_iter,
            seed=0,
        )
        passed_on = proposer.tell
        proposer.tell = lambda observation: (self.told.append(observation), passed_on(observation))
        self.running = spec.start(
            proposer, self.history, fold_sizes=[10] * n_splits, fold_stopping=rule
        )
        self.tasks = []

    def finish(self, task):
        """Evaluate a task, and tell of it as the loop does."""
        score = self.score(task)
        status = "failed" if math.isnan(score) else "ok"
        evaluation = Evaluation(task, {} if status == "failed" else {"score": score}, 0, 0, status)
        self.history.append(evaluation)
        self.running.tell(evaluation)

    def go(self, window=1):
        """The loop."""
        flight = []
        while True:
            while len(flight) < window and (task := self.running.ask()) is not None:
                flight.append(task)
                self.tasks.append(task)
            if not flight:
                return self
            self.finish(flight.pop(0))


def by_a(task):
    return task.candidate.params["a"] + 0.1 * task.split


def keys(run):
    """Keys of the tasks, in order."""
    return [task.key for task in run.tasks]
