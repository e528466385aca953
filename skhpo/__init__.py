"""Hyper-parameter search for scikit-learn: better models sooner, and numbers to trust."""

__version__ = "0.1.0.dev0"
