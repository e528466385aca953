"""Points of a search space as inputs of a Gaussian process.

Notation
--------
d, p     coordinates of the space, columns of the inputs
groups   (p,) which columns share a length-scale: one group a numeric coordinate or a choice

A number is its own column, at the middle of the cube where it is inactive: two settings do not
differ by what neither of them uses. An active one that lies there is moved by a rounding error, so
that the middle says inactive. A choice is one column a level, of height sqrt(1/2), so that
two settings that differ in it are at the squared distance 1, whatever the levels (Hamming); to
be inactive is a level of its own. A list of numbers with None is both: a number, and whether it
is None. Coordinates that are seeds carry no information and have no column.
"""

from __future__ import annotations

import numpy as np

__all__ = ["Encoding"]

MIDDLE = 0.5
BESIDE = np.nextafter(MIDDLE, 1.0)
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
        self.numeric = _of_kind(space, "continuous", "ordered")
        self.numeric_columns = np.arange(len(self.numeric))
        self._optional = np.array([j for j in self.numeric if space.dims[j].has_none], dtype=int)
        self._of_optional = np.searchsorted(self.numeric, self._optional)  # their columns
        self._choices = _of_kind(space, "categorical", "branch")
        levels = np.array([dim.n_levels for dim in space.dims])  # all of lists, which are even
        self._n_optional, self._n_choices = levels[self._optional], levels[self._choices]
        widths = np.r_[np.ones(len(self.numeric) + len(self._optional)), self._n_choices + 1]
        self.groups = np.repeat(np.arange(len(widths)), widths.astype(int))
        starts = np.cumsum(np.r_[0, widths]).astype(int)[len(self.numeric) : -1]
        self._flags, self._levels = np.split(starts, [len(self._optional)])  # first columns

    def __call__(self, points):
        """Inputs (n, p) of snapped points (n, d)."""
        X = np.zeros((len(points), len(self.groups)))
        u, is_none = points[:, self.numeric], self._is_none(points)
        u = np.where(u == MIDDLE, BESIDE, u)
        X[:, self.numeric_columns] = np.where(self._moves(points, is_none), u, MIDDLE)
        X[:, self._flags] = is_none
        u = points[:, self._choices]
        level = np.where(np.isnan(u), -1, np.floor(u * self._n_choices)).astype(int)
        X[np.arange(len(X))[:, None], self._levels + 1 + level] = HEIGHT
        return X

    def moves(self, points):
        """Which numeric columns of the rows a search may move: bool of shape (n, numeric)."""
        return self._moves(points, self._is_none(points))

    def _moves(self, points, is_none):
        free = ~np.isnan(points[:, self.numeric])
        free[:, self._of_optional] &= ~is_none
        return free

    def _is_none(self, points):
        return points[:, self._optional] * self._n_optional < 1.0


def _of_kind(space, *kinds):
    return np.array([j for j, dim in enumerate(space.dims) if dim.kind in kinds], dtype=int)
