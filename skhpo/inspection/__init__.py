"""Look at a search: while it runs, and afterwards."""

from ._progress import SearchProgress

__all__ = ["SearchProgress"]
