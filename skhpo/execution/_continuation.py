"""Fits that go on with the model of an earlier one, instead of beginning from zero.

A candidate that climbs a rung has a fitted model for each split. Its next fit loads that model and
adds what is missing of the resource. Models wait pickled: in memory where fits run in the process
of the search, until they take much of it, else in files of a folder that workers share. A model
that is not found, as its worker died or the search was resumed elsewhere, is made again, rung by
rung, so that the answer is the same.
"""

from __future__ import annotations

import os
import pickle
import platform
import re
import shutil
import tempfile
import warnings
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from inspect import signature
from numbers import Integral
from pathlib import Path

import numpy as np
from scipy.sparse import issparse
from sklearn.base import TransformerMixin, clone
from sklearn.pipeline import Pipeline

from .._sklearn import bins_kept, epochs_at_once, has_stalled, safe_indexing
from ..journal._owners import birth
from ._limits import n_samples_of
from ._messages import dumps

__all__ = ["Continuation", "open_continuation"]


@contextmanager
def open_continuation(resource, estimator):
    """Give the `Continuation` of a search, and sweep up behind it.

    Parameters
    ----------
    resource : str
        Parameter of the estimator.
    estimator : estimator
    """
    root = Path(os.environ.get("JOBLIB_TEMP_FOLDER") or tempfile.gettempdir())
    for folder in root.glob(f"{_HOST}-*-*-*"):
        pid = folder.name.split("-")[2]
        if pid.isdecimal() and not folder.name.startswith(_prefix(int(pid))):
            shutil.rmtree(folder, ignore_errors=True)  # its process was killed
    try:
        folder = tempfile.mkdtemp(prefix=_prefix(os.getpid()), dir=root)
    except OSError:  # no place to write: every model is made again
        folder = str(root / f"{_prefix(os.getpid())}none")
    try:
        yield Continuation(resource, estimator, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prefix(pid):
    """What names of folders of a living process begin with, and no others: ids come back."""
    return f"{_HOST}-{pid}-{_word(birth(pid) or '')}-"


def _word(text):
    return re.sub(r"[^0-9A-Za-z]", "", text)


HELD = 2**28  # bytes of models that may wait in memory
SAME = 1e-6  # of a column's largest value: a difference that only rounding makes
N_COMPARED = 1000  # samples, at most, that such differences are looked for in
_HOST = f"skhpo-{_word(platform.node())}"  # machines may share a folder, not their processes


class Continuation:
    """Who can go on, and the models that they go on with.

    Parameters
    ----------
    resource : str
        Parameter of the estimator.
    estimator : estimator
    folder : str
        Where models wait that the memory of this process does not hold.
    """

    def __init__(self, resource, estimator, folder):
        self.resource = resource
        self.estimator = estimator
        self.folder = folder
        self._has_warned = False
        self._held = {}  # name of a model -> its pickle

    def __getstate__(self):
        # What a worker held no other would find.
        return {**vars(self), "_held": None}

    def applies(self, candidate):
        """Whether fits of a candidate can go on; the first that cannot is warned of."""
        try:
            params = clone(candidate.params, safe=False)
            _growth(clone(self.estimator).set_params(**params), self.resource)
        except _CannotGoOn as reason:
            self._warn(reason)
            return False
        except Exception:  # parameters that cannot be set: the fit will tell
            return False
        return True

    def _warn(self, reason):
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"Each rung fits its models from zero: {reason}. Only time is lost.", stacklevel=2
            )

    def begin(self, estimator, task):
        """Return the fit of a task.

        Parameters
        ----------
        estimator : estimator
            Not fitted, its parameters set.
        task : Task

        Returns
        -------
        GoingOn
        """
        chain = _chain(task)
        for k in range(len(chain) - 1, 0, -1):
            if (found := self._load(chain[k - 1])) is not None:
                return GoingOn(self, *found, chain[k - 1].resource, chain[k:])
        return GoingOn(self, estimator, {}, False, 0, chain)

    def forget(self, candidate_id):
        """Delete the models of a candidate that goes no further."""
        mine = f"{candidate_id}-"
        for name in [name for name in list(self._held or ()) if name.startswith(mine)]:
            del self._held[name]
        with suppress(OSError):
            for name in os.listdir(self.folder):
                if name.startswith(mine):
                    os.unlink(Path(self.folder, name))

    def _load(self, task):
        # Whatever is wrong with a file, the model can be made again.
        with suppress(Exception):
            held = (self._held or {}).get(_name(task))
            return pickle.loads(
                Path(self.folder, _name(task)).read_bytes() if held is None else held
            )
        return None

    def save(self, task, *state):
        """Keep a model, and what it goes on with, where the next rung finds it, if possible."""
        with suppress(Exception):  # it cannot be pickled, the disk is full, there is no such folder
            data = dumps(state)
            if self._has_room(len(data)):
                self._held[_name(task)] = data
            else:
                self._write(_name(task), data)

    def _has_room(self, n_bytes):
        if self._held is None:
            return False
        return n_bytes + sum(map(len, list(self._held.values()))) <= HELD

    def _write(self, name, data):
        part = Path(self.folder, f"{name}.{os.getpid()}")
        try:
            part.write_bytes(data)
            part.replace(part.with_name(name))
        finally:
            part.unlink(missing_ok=True)


def _name(task):
    return f"{task.candidate.id}-{task.split}-{task.resource}"


class GoingOn:
    """The fit of a task, from the nearest model that is there.

    Attributes
    ----------
    model : estimator
        Its method ``fit`` does what is left to do, once.
    """

    def __init__(self, continuation, model, outputs, is_over, done, tasks):
        self.model = model
        self._continuation = continuation
        self._outputs = outputs
        self._is_over = is_over
        self._done = done
        self._tasks = tasks
        model.fit = self._fit
        # What is set already may be estimators, fitted by now.
        model.set_params = lambda **params: model

    def save(self):
        """Keep the fitted model for the next rung."""
        self._continuation.save(self._tasks[-1], self.model, self._outputs, self._is_over)

    def _fit(self, X, *y, **params):
        del self.model.fit, self.model.set_params
        growth = _growth(self.model, self._continuation.resource)
        for task in self._tasks:
            # Where the estimator itself has stopped, more of the resource changes nothing.
            if not self._is_over:
                asked = growth.go_on(self._outputs, self._done, int(task.resource), X, *y, **params)
                self._is_over = _is_over(growth.owner, asked)
            self._done = int(task.resource)
        return self.model


def _chain(task):
    """The fits that lead to a task, itself the last."""
    chain = [task]
    while chain[0].continues is not None:
        chain.insert(0, chain[0].continues)
    return chain


def _is_over(owner, asked):
    """Whether an estimator stopped before it did the iterations asked for, or would now."""
    done = getattr(owner, "n_iter_", None)
    if done is None:
        done = len(getattr(owner, "estimators_", range(asked)))
    return bool(np.max(done) < asked) or has_stalled(owner)


class _CannotGoOn(Exception):  # noqa: N818
    """Why a model cannot go on."""


@dataclass(frozen=True, eq=False)
class _Growth:
    """How a model goes on.

    Parameters
    ----------
    model : estimator
        The last step of a pipeline, or the owner itself.
    owner : estimator
        Whose parameter the resource is.
    parameter : str
    transformers : list of estimator
        What comes before the owner; fitted once.
    way : callable
    """

    model: object
    owner: object
    parameter: str
    transformers: list
    way: Callable

    def go_on(self, outputs, done, amount, X, *y, **params):
        """Bring a model from an amount of the resource to another; return the iterations asked.

        The first time, what transformers make of the training data goes into `outputs`, by their
        numbers, where ``transform`` makes something else of them; later it is taken from there.
        """
        with ExitStack() as stack:
            for number, transformer in enumerate(self.transformers):
                watched = _fitted_first if done == 0 else _fitted_already
                stack.enter_context(watched(transformer, outputs, number))
            if done:
                return self.way(self, done, amount, lambda: self.model.fit(X, *y, **params))
            self.spend(amount)
            self.model.fit(X, *y, **params)
            return amount

    def spend(self, amount):
        """Let the owner's next fit have an amount of the resource.

        A parameter of an estimator is its attribute; `set_params` would look at all of them.
        """
        setattr(self.owner, self.parameter, amount)

    @contextmanager
    def warm(self, amount):
        """Let the owner's next fit go on from the last, with some amount of the resource."""
        before = self.owner.warm_start
        self.owner.warm_start = True
        self.spend(amount)
        try:
            yield
        finally:
            self.owner.warm_start = before


@contextmanager
def _replaced(obj, **methods):
    """Give an object other methods for some time."""
    vars(obj).update(methods)
    try:
        yield
    finally:
        for name in methods:
            delattr(obj, name)


def _fitted_first(transformer, outputs, number):
    """Note what a transformer makes of training data, if that is not what it makes of others."""
    inherited = TransformerMixin.fit_transform
    if getattr(type(transformer), "fit_transform", inherited) is inherited:
        return nullcontext()
    inner = transformer.fit_transform

    def fit_transform(X, y=None, **params):
        rows = np.unique(np.linspace(0, n_samples_of(X) - 1, N_COMPARED).astype(int))
        before = safe_indexing(X, rows)  # some work in place
        output = inner(X, y, **params)
        if not _is_transformed(transformer, before, output, rows):
            outputs[number] = output
        return output

    return _replaced(transformer, fit_transform=fit_transform)


def _is_transformed(transformer, X, output, rows):
    try:
        return _alike(safe_indexing(output, rows), transformer.transform(X))
    except Exception:  # it wants metadata, or is no judge of its own training data
        return False


def _alike(a, b):
    """Whether two outputs differ by no more than rounding."""
    if issparse(a) and issparse(b):
        return a.shape == b.shape and abs(a - b).max() <= SAME * abs(a).max()
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype.kind != "f" or b.dtype.kind != "f":
        return np.array_equal(a, b)
    scale = np.max(np.abs(a), axis=0, where=np.isfinite(a), initial=0.0)
    return np.allclose(a, b, rtol=0.0, atol=SAME * scale, equal_nan=True)


def _fitted_already(transformer, outputs, number):
    def fit_transform(X, y=None, **params):
        return outputs[number] if number in outputs else transformer.transform(X)

    return _replaced(
        transformer, fit=lambda X, y=None, **params: transformer, fit_transform=fit_transform
    )


def _in_total(growth, done, amount, fit):
    """The parameter is what a model has in the end, as trees are counted."""
    with growth.warm(amount), bins_kept(growth.owner):
        fit()
    return amount


def _in_addition(growth, done, amount, fit):
    """The parameter is what a fit adds."""
    with growth.warm(amount - done):
        fit()
    growth.spend(amount)
    return amount - done


def _by_epochs(growth, done, amount, fit):
    """A call of ``partial_fit`` goes on with the state of Adam and with learning rates."""
    owner, n_epochs = growth.owner, amount - done
    seed, names = getattr(owner, "random_state", None), signature(owner.partial_fit).parameters

    def go_on(X, y=None, **params):
        params = {name: value for name, value in params.items() if name in names}
        for epoch in range(done, amount, step):
            if isinstance(seed, Integral):  # else epochs would have the order of the first
                owner.random_state = (int(seed) + epoch) % 2**32
            owner.partial_fit(X, y, **params)
            if has_stalled(owner):
                break
        return owner

    growth.spend(1)
    with epochs_at_once(owner, n_epochs) as step, _replaced(owner, fit=go_on):
        fit()
    growth.spend(amount)
    if isinstance(seed, Integral):
        owner.random_state = seed
    return step


def _trees_differ(owner):
    """A forest warns of presets, bagging refuses, and boosting forgets the losses it had."""
    return (
        getattr(owner, "oob_score", False) is not False
        or getattr(owner, "n_iter_no_change", None) is not None
        or isinstance(getattr(owner, "class_weight", None), str)
    )


def _epochs_differ(owner):
    """``partial_fit`` refuses some, and of gradient descent begins each call with `eta0`."""
    return (
        getattr(owner, "early_stopping", False)
        or getattr(owner, "class_weight", None) == "balanced"
        or (hasattr(owner, "eta0") and owner.learning_rate == "adaptive")
    )


# Parameter that is the resource, a member that tells the kind of the estimator, how it goes on,
# and whether other parameters forbid it: partial_fit refuses them, or warm starts ignore them.
_WAYS = [
    ("n_estimators", "warm_start", _in_total, _trees_differ),
    ("max_iter", "max_bins", _in_total, lambda owner: False),  # gradient boosting on histograms
    ("max_iter", "partial_fit", _by_epochs, _epochs_differ),
    (
        "max_iter",
        "warm_start",
        _in_addition,
        lambda owner: getattr(owner, "solver", None) == "liblinear",
    ),
]


def _growth(model, resource):
    """Return how a model goes on.

    Raises
    ------
    _CannotGoOn
    """
    *steps, parameter = resource.split("__")
    owner, transformers = model, []
    for step in steps:
        owner = _last_step(owner, step, resource, transformers)
    name = type(owner).__name__
    for known, member, way, forbids in _WAYS:
        if known == parameter and hasattr(owner, "warm_start") and hasattr(owner, member):
            if forbids(owner):
                raise _CannotGoOn(f"{name} cannot go on with these parameters: {owner!r}")
            return _Growth(model, owner, parameter, transformers, way)
    raise _CannotGoOn(f"{name} cannot go on with more of its {parameter!r}")


def _last_step(pipeline, step, resource, transformers):
    """Return the last step of a pipeline, and add those before it to the transformers."""
    if type(pipeline) is not Pipeline or pipeline.steps[-1][0] != step:
        raise _CannotGoOn(f"{resource!r} is no parameter of the last step of a Pipeline")
    if pipeline.memory is None:  # else the pipeline remembers them itself
        transformers += [part for _, part in pipeline.steps[:-1] if hasattr(part, "fit")]
    return pipeline.steps[-1][1]
