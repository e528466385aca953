"""Build sdist and wheel, look at what is in them, and try the wheel where nothing else is."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

REQUIRED = {"skhpo/__init__.py", "skhpo/py.typed"}
FORBIDDEN = {".ci", "benchmarks", "build", "doc", "examples", "tests"}
REFUSED_IN_LOG = ("overwritten", "deprecated", "cannot be found")

SEARCH = """
import scipy.stats, skhpo
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
X, y = load_iris(return_X_y=True)
space = {"C": scipy.stats.loguniform(1e-2, 1e2)}
search = skhpo.BayesSearchCV(LogisticRegression(max_iter=1000), space, n_iter=5, random_state=0)
print(skhpo.__version__, skhpo.__file__, search.fit(X, y).best_params_)
"""


def build(folder):
    """Build into a folder with the interpreter that runs this; return what was logged."""
    command = [sys.executable, "-m", "build", "--outdir", folder, "."]
    done = subprocess.run(command, capture_output=True, text=True)
    log = done.stdout + done.stderr
    if done.returncode:
        sys.exit(f"The build failed:\n{log}")
    return log


def names_in(archive):
    """Names of the files in a wheel or sdist, without the sdist's top folder."""
    if archive.suffix == ".whl":
        return set(zipfile.ZipFile(archive).namelist())
    with tarfile.open(archive) as sdist:
        return {member.name.partition("/")[2] for member in sdist if member.isfile()}


def content_problems(archive):
    """What is missing from an archive or does not belong there."""
    names = names_in(archive)
    sources = {path.as_posix() for path in Path("skhpo").rglob("*.py")}
    for name in sorted((REQUIRED | sources) - names):
        yield f"{archive.name} lacks {name}"
    for name in sorted(names):
        if PurePosixPath(name).parts[0] in FORBIDDEN or "__pycache__" in name:
            yield f"{archive.name} should not have {name}"


def log_problems(log):
    """Lines of the build's log that tell of a fact stated twice or of a mistake."""
    for line in log.splitlines():
        if any(word in line.lower() for word in REFUSED_IN_LOG):
            yield f"the build says: {line.strip()}"


def try_wheel(wheel):
    """Install the wheel into an empty environment and search with it, far from the tree."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder, "venv", "bin", "python")
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, wheel.resolve()], check=True)
        subprocess.run([python, "-I", "-c", SEARCH], check=True, cwd=folder)


def main(folder):
    """Build, check and try; leave the two archives in the folder."""
    log = build(folder)
    (wheel,), (sdist,) = Path(folder).glob("*.whl"), Path(folder).glob("*.tar.gz")
    problems = [*log_problems(log), *content_problems(wheel), *content_problems(sdist)]
    if problems:
        sys.exit("\n".join(problems))
    print(f"{wheel.name} and {sdist.name} hold what they should")
    try_wheel(wheel)


if __name__ == "__main__":
    main(sys.argv[1])
