"""Does an optimiser pay in Hyperband when there is time for three sweeps of its brackets?

The tasks, the rungs and the measure of ``fidelity.py``, three times its budget: 4,743 units, or
59 whole fits. A run that was interrupted goes on where it ended.
"""

from __future__ import annotations

import logging
import warnings

import fidelity
from _common import arguments, write
from _fidelity_tasks import fresh

SWEEPS = 3
SEARCHES = "Hyperband random", "Hyperband tpe (BOHB)", "Hyperband de (DEHB)"


def main():
    """Compare, and write."""
    args = arguments(__doc__)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    fidelity.BUDGET *= SWEEPS
    fidelity.SEARCHES = {name: fidelity.SEARCHES[name] for name in SEARCHES}
    n_seeds = 1 if args.quick else 12
    args.out.mkdir(parents=True, exist_ok=True)
    part = args.out / f"fidelity_sweeps-{n_seeds}.part"
    results = fidelity.compare(fresh(), n_seeds, part)
    table = fidelity.summarise(results)
    fidelity.show(table)
    about = {"seeds": n_seeds, "budget": fidelity.BUDGET}
    write("fidelity_sweeps", args.out, {**about, "summary": table, "results": results})
    part.unlink()


if __name__ == "__main__":
    main()
