"""How a fit is held to an amount of a resource: samples, or a parameter of the estimator."""

from __future__ import annotations

from functools import cached_property

import numpy as np

__all__ = ["ParameterLimit", "SampleLimit", "n_samples_of", "nested_order"]


class ParameterLimit:
    """The resource is a parameter of the estimator, such as ``n_estimators``.

    Parameters
    ----------
    name : str
    """

    def __init__(self, name):
        self.name = name

    def __call__(self, params, task, train, test):
        """Return the parameters and the indices that the task is to work with."""
        return params | {self.name: task.resource}, train, test


class SampleLimit:
    """The resource is a number of samples, out of all of them.

    A task gets its share of the training part of its split. Subsamples are nested: what a
    smaller amount holds, a larger one holds as well. They are a function of the split, the
    amount and the seed alone, whoever computes them.

    Parameters
    ----------
    n_samples : int
        Samples in all; that many are the splits as they are.
    splits : list of (train, test)
    labels : ndarray of shape (n_samples,) of int, default=None
        Classes, whose shares a subsample keeps.
    groups : ndarray of shape (n_samples,) of int, default=None
        Groups, of which a subsample has whole ones only.
    seed : int, default=0
    test : bool, default=False
        Whether the test part is subsampled as well.
    """

    def __init__(self, n_samples, splits, *, labels=None, groups=None, seed=0, test=False):
        self.n_samples = n_samples
        self.splits = splits
        self.labels = labels
        self.groups = groups
        self.seed = seed
        self.test = test

    def __call__(self, params, task, train, test):
        """Return the parameters and the indices that the task is to work with."""
        train = self._share(task, 0, train)
        return params, train, self._share(task, 1, test) if self.test else test

    def least(self):
        """Smallest amount that gives each split two classes, where it has them, and a group."""
        return max(self._least_of(part, index) for index, part in self._parts())

    def _parts(self):
        for split, (train, test) in enumerate(self.splits):
            yield (split, 0), train
            if self.test:
                yield (split, 1), test

    def _least_of(self, part, index):
        order, ends = self._order(index, part)
        if self.labels is None or index[1] == 1:
            needed = 1
        else:
            kinds = self.labels[part[order]]
            needed = 1 + int(np.argmax(kinds != kinds[0]))
        held = int(ends[np.searchsorted(ends, needed)])
        return -(-held * self.n_samples // len(part))

    def _share(self, task, which, part):
        n = int(task.resource) * len(part) // self.n_samples
        if n >= len(part):
            return part
        order, ends = self._order((task.split, which), part)
        whole = int(np.searchsorted(ends, n, side="right"))
        held = order[: ends[whole - 1]] if whole else order[:0]
        # In the order of the split, which may mean something, as in a time series.
        return part[np.sort(held)]

    def _order(self, index, part):
        if index not in self._orders:
            rng = np.random.default_rng((self.seed, *index))
            labels = None if self.labels is None else self.labels[part]
            groups = None if self.groups is None else self.groups[part]
            self._orders[index] = nested_order(len(part), labels, groups, rng)
        return self._orders[index]

    @cached_property
    def _orders(self):
        return {}

    def __getstate__(self):
        # What can be computed again does not travel.
        return {name: value for name, value in vars(self).items() if name != "_orders"}


def nested_order(n, labels, groups, rng):
    """Order in which a growing subsample takes what there is.

    Every beginning of it has each class in about the share that it has of the whole: the k-th
    of m samples of a class, counted from 0, comes at the place k / m, so each class is there
    early.

    Parameters
    ----------
    n : int
    labels, groups : ndarray of shape (n,) of int, or None
        A group counts as its most frequent class.
    rng : numpy.random.Generator

    Returns
    -------
    order : ndarray of shape (n,)
    ends : ndarray of shape (n_blocks,)
        Where a subsample may end: after each sample, or after each group.
    """
    codes = np.arange(n) if groups is None else np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(codes)
    blocks = rng.permutation(len(sizes))
    if labels is not None:
        blocks = blocks[np.argsort(_places(blocks, codes, labels, sizes), kind="stable")]
    rank = np.empty(len(blocks), dtype=int)
    rank[blocks] = np.arange(len(blocks))
    return np.argsort(rank[codes], kind="stable"), np.cumsum(sizes[blocks])


def _places(blocks, codes, labels, sizes):
    """Place of each block: the part of its class that comes before it."""
    counts = np.zeros((len(sizes), labels.max() + 1), dtype=int)
    np.add.at(counts, (codes, labels), 1)
    kinds, sizes = counts.argmax(axis=1)[blocks], sizes[blocks]
    places = np.empty(len(blocks))
    for kind in np.unique(kinds):
        own = sizes[kinds == kind]
        places[kinds == kind] = (np.cumsum(own) - own) / own.sum()
    return places


def n_samples_of(X):
    """Return the number of samples."""
    return X.shape[0] if hasattr(X, "shape") else len(X)
