"""What the benchmark scripts share: one BLAS thread, the machine's description, JSON out."""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

RESULTS = Path(__file__).parent / "results"


def arguments(doc):
    """Command line of a script: ``--quick`` and ``--out``."""
    parser = argparse.ArgumentParser(description=doc.strip().splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smaller run, to see it work")
    parser.add_argument("--out", type=Path, help="folder of the JSON file", default=RESULTS)
    return parser.parse_args()


def level_or_better(losses, pairs):
    """On how many problems one solver is level with another or better, at each budget.

    Parameters
    ----------
    losses : dict of str -> (n_problems, n_budgets) array-like
        Less is better.
    pairs : iterable of (str, str)
        Solvers, and what they are compared with.
    """
    import numpy as np

    found = {}
    for ours, theirs in pairs:
        mine, other = np.array(losses[ours]), np.array(losses[theirs])
        found[f"{ours} and {theirs}"] = (mine <= other + 1e-9 * abs(other)).sum(axis=0).tolist()
        print(f"{ours}, level with {theirs} or better:", found[f"{ours} and {theirs}"])
    return found


def write(name, out, result):
    """Write a result with the versions that made it."""
    import numpy
    import scipy
    import sklearn

    versions = {
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
    }
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{name}.json"
    path.write_text(json.dumps({"versions": versions, "cpus": os.cpu_count(), **result}, indent=1))
    print(f"written to {path.name}")
