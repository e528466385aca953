"""The only floor that touches data, processes and clocks."""

from ._config import run_config

__all__ = ["run_config"]
