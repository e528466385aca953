"""A search that is killed at random moments and begun again gives the answer of one never killed.

The suite does this a few times; ``python tests/test_resume.py --runs 100`` a hundred times.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from itertools import product
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import _soak_child as child

from skhpo import load_history

CHILD = str(Path(child.__file__))
CASES = list(product(["random", "bayes"], [1, 2], [False, True]))


def uninterrupted(folder, optimizer, fails):
    """The answer of a search without journal, in this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        s = child.search(None, str(folder / "reference.log"), optimizer, 1, fails)
        return json.loads(json.dumps(child.answer(s.fit(*child.data()))))


def journalled(path):
    """Fits that are in the journal, as the log names them: C and the sum of the row numbers."""
    X, y = child.data()
    from sklearn.model_selection import StratifiedKFold

    sums = [int(X[train, 0].sum()) for train, _ in StratifiedKFold(child.N_SPLITS).split(X, y)]
    return {
        (e.task.candidate.params["C"], sums[e.task.split])
        for history in (load_history(path) if path.exists() else [])
        for e in history.evaluations
    }


def survive(folder, rng, optimizer, n_jobs, fails):
    """Kill and begin again until done; return the answer and the number of kills."""
    journal, log, out = folder / "j.db", folder / "fits.log", folder / "answer.json"
    kills = 0
    while not out.exists():
        before = journalled(journal)
        log.write_text("")
        arguments = [journal, log, out, optimizer, n_jobs, fails]
        process = subprocess.Popen(
            [sys.executable, CHILD, *map(str, arguments)], start_new_session=True
        )
        # Most of a start is imports: count from the first fit, or the search hardly advances.
        deadline = time.monotonic() + 60
        while process.poll() is None and not log.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        try:
            process.wait(rng.uniform(0, 0.25) if kills < 3 else 120)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
        else:
            assert process.returncode == 0
        time.sleep(0.05)
        done = {tuple(json.loads(line)) for line in log.read_text().splitlines()}
        assert not done & before, "a fit of the journal was done again"
    return json.loads(out.read_text()), kills


def left_behind():
    """Processes of children of ours, and their files in shared memory."""
    alive = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            alive += [entry] if CHILD.encode() in entry.read_bytes() else []
        except OSError:
            continue
    shm = Path("/dev/shm")
    return alive, sorted(shm.glob("skhpo*")) if shm.exists() else []


@pytest.mark.skipif(not hasattr(os, "setsid"), reason="kills process groups, as POSIX has them")
@pytest.mark.parametrize(("optimizer", "n_jobs", "fails"), [*CASES[1::2], CASES[0]])
def test_a_killed_search_resumes(tmp_path, optimizer, n_jobs, fails):
    rng = random.Random(f"{optimizer} {n_jobs} {fails}")
    got, kills = survive(tmp_path, rng, optimizer, n_jobs, fails)
    assert kills > 0
    assert got == uninterrupted(tmp_path, optimizer, fails)


def main():
    """Many runs, as ``make soak`` does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    total = 0
    for run in range(parser.parse_args().runs):
        optimizer, n_jobs, fails = CASES[run % len(CASES)]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            got, kills = survive(folder, random.Random(run), optimizer, n_jobs, fails)
            assert got == uninterrupted(folder, optimizer, fails), (run, optimizer, n_jobs, fails)
        total += kills
        print(f"run {run}: {optimizer}, n_jobs={n_jobs}, fails={fails}: {kills} kills", flush=True)
    time.sleep(6)
    alive, files = left_behind()
    assert not alive, alive
    assert not files, files
    print(f"{total} kills, every answer equal, nothing left behind")


if __name__ == "__main__":
    main()
