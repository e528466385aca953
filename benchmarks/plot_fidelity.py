"""The picture of `fidelity.py` in the user guide, from its JSON."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _common import RESULTS

OUT = Path(__file__).parents[1] / "doc" / "_static" / "fidelity.svg"
STYLES = {
    "RandomizedSearchCV": ("black", ":"),
    "Hyperband random": ("tab:blue", "-"),
    "Hyperband tpe (BOHB)": ("tab:orange", "-"),
    "Hyperband bayes": ("tab:green", "-"),
    "optuna TPE + HyperbandPruner": ("tab:red", "--"),
    "DEHB": ("tab:purple", "--"),
}


def curves(result, unit):
    """Median regret over tasks and seeds at parts of the budget, by search."""
    grid, found = np.geomspace(0.1, {"units": 1.05, "seconds": 2.5}[unit], 60), {}
    for runs in result["results"].values():
        last = [run["score"] for found_by in runs.values() for run in found_by if run]
        middle = np.nanmedian(last)
        whole = np.median([run[unit] for run in runs["RandomizedSearchCV"]])
        for title in STYLES:
            column = {"units": 0, "seconds": 1}[unit]
            scores = [_at(run["curve"], column, grid * whole) for run in runs[title]]
            regret = (np.nanmax(last) - np.array(scores)) / (np.nanmax(last) - middle)
            found.setdefault(title, []).extend(regret)
    return grid, {title: np.median(regrets, axis=0) for title, regrets in found.items()}


def _at(curve, column, grid):
    """Best score at each point of the grid, -inf before the first."""
    scores = np.array([-np.inf, *(step[2] for step in curve)])
    return scores[np.searchsorted([step[column] for step in curve], grid, side="right")]


def main():
    """Draw."""
    plt.rcParams["svg.fonttype"] = "none"
    result = json.loads((RESULTS / "fidelity.json").read_text())
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
    for ax, unit in zip(axes, ("units", "seconds"), strict=True):
        grid, lines = curves(result, unit)
        for title, regret in lines.items():
            color, style = STYLES[title]
            ax.plot(grid, regret, style, color=color, label=title)
        ax.set(xscale="log", yscale="log", xlabel=f"{unit}, as part of random search")
        ax.set_xticks([0.1, 0.2, 0.5, 1.0, 2.0], ["0.1", "0.2", "0.5", "1", "2"])
        ax.set_xlim(0.1, grid[-1])
        ax.set_yticks([0.5, 1, 2, 4, 8], ["0.5", "1", "2", "4", "8"])
        ax.set_ylim(0.8, 12)
        ax.minorticks_off()
    axes[0].set(ylabel="regret (median outcome: 1)")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    fig.savefig(OUT, metadata={"Date": None})
    print(f"written to {OUT.name}")


if __name__ == "__main__":
    main()
