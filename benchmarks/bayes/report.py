"""Tables from the results, as reStructuredText.

Regret: 100 is the gap between the best score known of a task and the median best of ten random
configurations; capped at 200. Noisy tasks count by the true score of what a search would pick.
Everything is paired on the cells (task, seed) that both methods ran; the intervals are 95 %
bootstrap intervals over tasks, and over the seeds of each.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from tables import N_FOLDS, RESULTS, TABLES
from tasks import TASKS

AT = (16, 32, 64, 100)
CAP = 200.0
NEVER = 101  # evaluations, when a run of 100 did not get there
OURS = "skhpo"


def _marks():
    return json.loads((RESULTS / "tables.json").read_text())


def _real_marks():
    """Landmarks of real fits: of the configurations in the tables."""
    out = {}
    for path in sorted(TABLES.glob("*.npz")):
        mean = np.load(path)["scores"][:, :N_FOLDS].astype(float).mean(axis=1)
        groups = mean[: TASKS[path.stem].n_rows // 10 * 10].reshape(-1, 10)
        ten = np.nanmedian(np.nanmax(groups, axis=1))
        out[path.stem] = {"best": np.nanmax(mean), "ten": ten}
    return out


class Results:
    """All result files of a folder, as regrets."""

    def __init__(self, folder, extra=()):
        paths = [*sorted(folder.glob("*.json")), *extra]
        self.cells = {path.stem: json.loads(path.read_text())["cells"] for path in paths}
        self.marks = _real_marks() if folder.name == "real" else _marks()
        self.best = {name: self._best(name) for name in {k.split("/")[0] for k in self.keys()}}

    def keys(self):
        return sorted({key for cells in self.cells.values() for key in cells})

    def _best(self, name):
        """The best score known of a task: of its landmarks and of all runs."""
        column = -1
        found = [
            rise[column]
            for cells in self.cells.values()
            for key, cell in cells.items()
            if key.split("/")[0] == name
            for rise in cell["best"]
        ]
        noisy = TASKS[name].noisy
        return max([self.marks[name]["true_best" if noisy else "best"], *found])

    def trace(self, method, key, n=100):
        """Regret after 1, ..., n evaluations."""
        name = key.split("/")[0]
        worst = self.marks[name]["true_picked" if TASKS[name].noisy else "ten"]
        out, rises = np.full(n, np.nan), self.cells[method][key]["best"]
        for rise in rises:
            out[rise[0] - 1 :] = rise[-1]
        gap = max(self.best[name] - worst, 1e-9)
        regret = np.where(np.isnan(out), CAP, 100.0 * (self.best[name] - out) / gap)
        return np.minimum(regret, CAP)

    def common(self, *methods, at=100):
        """Cells that all of the methods ran for so many evaluations."""
        has = [{key for key, cell in self.cells[m].items() if cell["n"] >= at} for m in methods]
        return sorted(set.intersection(*has))

    def regrets(self, method, keys, n=100):
        """Array (cells, n)."""
        return np.array([self.trace(method, key, n) for key in keys])

    @property
    def peers(self):
        return [m for m in self.cells if not m.startswith(OURS)]


def draws(keys, n=2000):
    """Index arrays of the bootstrap: tasks with replacement, then the seeds of each."""
    rng = np.random.default_rng(0)
    groups = {}
    for i, key in enumerate(keys):
        groups.setdefault(key.split("/")[0], []).append(i)
    groups = [np.array(group) for group in groups.values()]
    for _ in range(n):
        picked = rng.integers(len(groups), size=len(groups))
        yield np.concatenate([rng.choice(groups[g], len(groups[g])) for g in picked])


def interval(statistic, keys):
    """Value of a statistic of indices, and its 95 % interval."""
    values = [statistic(index) for index in draws(keys)]
    low, high = np.nanquantile(values, [0.025, 0.975])
    return statistic(np.arange(len(keys))), low, high


def ratio_text(ours, theirs, keys):
    def ratio(i):
        return ours[i].mean() / max(theirs[i].mean(), 1e-9)

    value, low, high = (f"{v:.2f}" if v < 100 else "> 100" for v in interval(ratio, keys))
    return f"{value} ({low} to {high})"


def table(head, rows):
    """A simple table of reStructuredText."""
    rows = [[str(v) for v in row] for row in rows]
    if not rows:
        return "(no cells)\n"
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = " ".join("=" * w for w in widths)
    lines = [
        rule,
        *(
            " ".join(v.ljust(w) for v, w in zip(row, widths, strict=True)).rstrip()
            for row in [head]
        ),
    ]
    lines += [
        rule,
        *(" ".join(v.ljust(w) for v, w in zip(row, widths, strict=True)).rstrip() for row in rows),
    ]
    return "\n".join([*lines, rule, ""])


def ranks(values):
    """Ranks of each row, 1 the smallest, ties shared."""
    less = (values[:, None, :] < values[:, :, None]).sum(axis=2)
    equal = (values[:, None, :] == values[:, :, None]).sum(axis=2)
    return less + (equal + 1) / 2


def overview(results, methods):
    """Mean regret and mean rank of the methods that ran the same cells."""
    keys = results.common(*methods)
    regrets = np.array([results.regrets(m, keys) for m in methods])
    place = {at: ranks(regrets[:, :, at - 1].T).mean(axis=0) for at in AT}
    rows = [
        [
            m,
            *(f"{regrets[i][:, at - 1].mean():.1f}" for at in AT),
            *(f"{place[at][i]:.2f}" for at in AT),
        ]
        for i, m in enumerate(methods)
    ]
    head = ["method", *(f"@{at}" for at in AT), *(f"rank @{at}" for at in AT)]
    return f"{len(keys)} cells.\n\n" + table(head, rows)


def pairs(results, select=lambda key: True, ours=OURS):
    """Against each peer: mean rank of the two, regrets, ratio of regrets."""
    rows = []
    for peer in results.peers:
        for at in AT:
            keys = [key for key in results.common(ours, peer, at=at) if select(key)]
            if not keys:
                continue
            x, y = (results.regrets(m, keys)[:, at - 1] for m in (ours, peer))
            rank = 1 + (x > y).mean() + (x == y).mean() / 2
            rows.append(
                [
                    *((peer, len(keys)) if at == AT[0] else ("..", "")),
                    *(at, f"{rank:.2f}", f"{x.mean():.1f}", f"{y.mean():.1f}"),
                    ratio_text(x, y, keys),
                ]
            )
    return table(["peer", "cells", "at", "our rank of 2", "ours", "peer's", "ratio (95 %)"], rows)


def reach(results, at=64):
    """Evaluations until we have what the peer has after 64."""
    rows = []
    for peer in results.peers:
        keys = results.common(OURS, peer)
        if not keys:
            continue
        target = results.regrets(peer, keys)[:, at - 1]
        ours = results.regrets(OURS, keys)
        met = ours <= target[:, None] + 1e-9
        first = np.where(met.any(axis=1), met.argmax(axis=1) + 1, NEVER)

        def median(i, first=first):
            return np.quantile(first[i], 0.5, method="lower")

        middle, low, high = (f"{v:.0f}" if v < NEVER else ">100" for v in interval(median, keys))
        share = (first <= at).mean()
        rows.append([peer, len(keys), f"{middle} ({low} to {high})", f"{share:.0%}"])
    return table(["peer", "cells", "median (95 %)", f"reached by {at}"], rows)


def kinds(results):
    """Ratios of regret by kind of task."""
    rows = []
    for peer in results.peers:
        for kind in ("flat", "conditional"):
            keys = [k for k in results.common(OURS, peer) if TASKS[k.split("/")[0]].kind == kind]
            if keys:
                a, b = results.regrets(OURS, keys), results.regrets(peer, keys)
                texts = [ratio_text(a[:, at - 1], b[:, at - 1], keys) for at in (32, 64, 100)]
                rows.append([peer, kind, len(keys), *texts])
    return table(["peer", "tasks", "cells", "@32", "@64", "@100"], rows)


def noisy(results):
    """True score of the pick on noisy tasks, ours minus the peer's, in points of accuracy."""
    rows = []
    for peer in results.peers:
        keys = [k for k in results.common(OURS, peer) if TASKS[k.split("/")[0]].noisy]
        if not keys:
            continue

        def score(method, key, at):
            rises = [r for r in results.cells[method][key]["best"] if r[0] <= at]
            return 100 * rises[-1][-1]

        row = [peer, len(keys)]
        for at in (32, 64, 100):
            gap = np.array([score(OURS, k, at) - score(peer, k, at) for k in keys])
            row.append(
                "{:+.2f} ({:+.2f} to {:+.2f})".format(*interval(lambda i, g=gap: g[i].mean(), keys))
            )
        mean = [results.cells[OURS][k].get("posterior_pick") for k in keys]
        if None not in mean:
            gap = np.array([100 * m - score(peer, k, 100) for m, k in zip(mean, keys, strict=True)])
            row.append(
                "{:+.2f} ({:+.2f} to {:+.2f})".format(*interval(lambda i, g=gap: g[i].mean(), keys))
            )
        else:
            row.append("")
        rows.append(row)
    return table(["peer", "cells", "@32", "@64", "@100", "@100, by posterior mean"], rows)


def overhead(results):
    """CPU milliseconds a candidate of the runs of 100 evaluations."""
    rows = []
    for method, cells in results.cells.items():
        if "/" in method or method.startswith(OURS + "_"):
            continue
        ask = [cell["ask_ms"] for cell in cells.values() if "ask_ms" in cell]
        texts = (
            [f"{np.median([a[0] for a in ask]):.1f}", f"{max(a[2] for a in ask):.0f}"]
            if ask
            else ["", ""]
        )
        rows.append([method, *texts, f"{np.mean([c['cpu_ms'] for c in cells.values()]):.1f}"])
    return table(["method", "ask + tell, median", "largest", "all, mean"], rows)


def variants(results):
    """Our variants against ourselves."""
    rows = []
    for method in results.cells:
        keys = results.common(OURS, method) if method.startswith(OURS + "_") else []
        if not keys:
            continue
        a, b = results.regrets(method, keys), results.regrets(OURS, keys)
        texts = [ratio_text(a[:, at - 1], b[:, at - 1], keys) for at in AT]
        rows.append([method.removeprefix(OURS + "_"), len(keys), *texts])
    return table(["variant", "cells", *(f"@{at}" for at in AT)], rows)


def other_seeds(results):
    """Mean regrets of our runs with seeds that no peer ran."""
    ours = [m for m in results.cells if m.startswith(OURS)]
    rows = []
    for method in [OURS, *(m for m in ours if not results.common(OURS, m))]:
        for kind in ("flat", "conditional"):
            keys = [k for k in results.common(method) if TASKS[k.split("/")[0]].kind == kind]
            means = results.regrets(method, keys).mean(axis=0)
            rows.append([method, kind, len(keys), *(f"{means[at - 1]:.1f}" for at in AT)])
    return table(["method", "tasks", "cells", *(f"@{at}" for at in AT)], rows)


def per_task(results, methods):
    """Mean regret of each task; not for the reported tasks while settings are chosen."""
    keys = results.common(*methods)
    rows = []
    for name in dict.fromkeys(key.split("/")[0] for key in keys):
        own = [key for key in keys if key.split("/")[0] == name]
        rows += [
            [name if m == methods[0] else "..", m]
            + [f"{results.regrets(m, own)[:, at - 1].mean():.1f}" for at in AT]
            for m in methods
        ]
    return table(["task", "method", *(f"@{at}" for at in AT)], rows)


def quality():
    """How well the interpolators rank what they have not seen."""
    marks = _marks()
    rows = [
        [
            name,
            TASKS[name].kind + (", noisy" if TASKS[name].noisy else ""),
            *(int(m["rows"]), int(m["columns"])),
            *(f"{m[k]:.2f}" for k in ("spearman", "spearman_top_half")),
        ]
        for name, m in marks.items()
        if name in TASKS
    ]
    return table(["task", "kind", "rows", "parameters", "Spearman", "top half"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", default="reported", choices=("choosing", "reported", "real"))
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--extra", type=Path, nargs="*", default=[], help="more result files")
    parser.add_argument("--short", action="store_true", help="the overview only")
    parser.add_argument("--per-task", action="store_true")
    options = parser.parse_args()
    results = Results(options.results / options.set, options.extra)
    most = max(len(cells) for cells in results.cells.values())
    full = [m for m, c in results.cells.items() if len(c) == most and "_" not in m]
    extra = [path.stem for path in options.extra if path.stem not in full]
    full += [method for method in extra if results.common(OURS, method)]
    full.sort(key=lambda m: m != OURS)
    print(overview(results, full))
    if options.per_task:
        print(per_task(results, full))
    if not all(results.common(OURS, method) for method in extra):
        print(other_seeds(results))
    if options.short:
        return
    for section in (pairs, reach, kinds, noisy, overhead, variants):
        print(section.__doc__.splitlines()[0], section(results), sep="\n\n")
    if options.set == "reported":
        print(quality())


if __name__ == "__main__":
    main()
