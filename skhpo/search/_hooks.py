"""scikit-learn's callback hooks around a search, all of them called in this process.

The tree of tasks is fit -> search -> one leaf a fit, then the refit. A leaf is made just before
its task is submitted. Of the tree only the branch of the search travels, without its leaves, for
callbacks of the estimator itself to know where they are.
"""

from __future__ import annotations

from contextlib import contextmanager

from .._sklearn import bare_context, callback_context
from ..execution._evaluator import FIT, number_of

__all__ = ["Hooks"]


class Hooks:
    """The callback contexts of one call of ``fit``.

    Parameters
    ----------
    search : BaseSearch
    X, y : array-like
    sample_weight : array-like or None
    """

    def __init__(self, search, X, y, sample_weight):
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._search = search
        self._data = {"estimator": search, "X": X, "y": y, "metadata": metadata}
        root = callback_context(search, max_subtasks=1 + (search.refit is not False))
        self._root = root.call_on_fit_task_begin(**self._data)
        self._leaves = {}

    @contextmanager
    def searching(self, n_fits):
        """Open the task that holds the fits; `n_fits` is None when it is not known."""
        self._parent = self._root.subcontext(
            task_name="search", max_subtasks=n_fits, sequential_subtasks=False
        ).call_on_fit_task_begin(**self._data)
        yield
        self._parent.call_on_fit_task_end(**self._data)

    def branch(self):
        """Return the context of the fits, without the rest of the tree."""
        return bare_context(self._parent)

    def start(self, task):
        """Open the leaf of a fit."""
        number = number_of(task, self._search.history_.n_splits)
        self._leaves[task.key] = self._parent.subcontext(
            task_name=FIT, task_id=number
        ).call_on_fit_task_begin(estimator=self._search)

    def finish(self, evaluation):
        """Close the leaf of a fit."""
        self._leaves[evaluation.task.key].call_on_fit_task_end(estimator=self._search)

    @contextmanager
    def refitting(self, estimator):
        """Open the task of the refit, and let callbacks that propagate reach the estimator."""
        context = self._root.subcontext(task_name="refit-with-best-params")
        with context.propagate_callback_context(estimator):
            context.call_on_fit_task_begin(**self._data)
            yield
        context.call_on_fit_task_end(**self._data)

    def end(self):
        """Close the root."""
        self._root.call_on_fit_task_end(**self._data)
