"""Points of a search space as inputs of a Gaussian process.

Notation
--------
d, p     coordinates of the space, columns of the inputs
groups   (p,) which columns share a length-scale: one group a numeric coordinate or a choice

A number is its own column, at the middle of the cube where it is inactive: two settings do not
differ by what neither of them uses. A choice is one column a level, of height sqrt(1/2), so that
two settings that differ in it are at the squared distance 1, whatever the levels (Hamming); to
be inactive is a level of its own. A list of numbers with None is both: a number, and whether it
is None. Coordinates that are seeds carry no information and have no column.
"""

from __future__ import annotations

import numpy as np

__all__ = ["Encoding"]

MIDDLE = 0.5
HEIGHT = np.sqrt(0.5)


class Encoding:
    """The map of points to inputs.

    Parameters
    ----------
    space : SearchSpace

    Attributes
    ----------
    groups : ndarray of int of shape (p,)
    numeric : ndarray of int
        Coordinates that are numbers, and ...
    numeric_columns : ndarray of int
        ... their columns.
    """

    def __init__(self, space):
        self._dims = space.dims
        self.numeric = _of_kind(space, "continuous", "ordered")
        self.numeric_columns = np.arange(len(self.numeric))
        self._optional = [j for j in self.numeric if getattr(space.dims[j], "has_none", False)]
        self._choices = _of_kind(space, "categorical", "branch")
        widths = [1] * (len(self.numeric) + len(self._optional))
        widths += [space.dims[j].n_levels + 1 for j in self._choices]
        self.groups = np.repeat(np.arange(len(widths)), widths)
        self._starts = np.cumsum([0, *widths])[:-1]  # first column of each group

    def __call__(self, points):
        """Inputs (n, p) of snapped points (n, d)."""
        X = np.zeros((len(points), len(self.groups)))
        numbers = points[:, self.numeric]
        X[:, self.numeric_columns] = np.where(np.isnan(numbers), MIDDLE, numbers)
        starts = iter(self._starts[len(self.numeric) :])
        for j, start in zip(self._optional, starts, strict=False):
            is_none = self._level(points, j) == 0
            X[:, start] = is_none
            X[is_none, np.searchsorted(self.numeric, j)] = MIDDLE
        for j, start in zip(self._choices, starts, strict=False):
            X[np.arange(len(X)), start + 1 + self._level(points, j)] = HEIGHT
        return X

    def _level(self, points, j):
        """Level of coordinate j in each row, -1 where it is inactive."""
        u = points[:, j]
        return np.where(np.isnan(u), -1, self._dims[j].level(u))

    def moves(self, points):
        """Which numeric columns of the rows a search may move: bool of shape (n, numeric)."""
        free = ~np.isnan(points[:, self.numeric])
        for j in self._optional:
            free[:, np.searchsorted(self.numeric, j)] &= self._level(points, j) != 0
        return free


def _of_kind(space, *kinds):
    return np.array([j for j, dim in enumerate(space.dims) if dim.kind in kinds], dtype=int)
