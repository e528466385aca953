"""Each fact about the package stands in one file."""

import ast
import configparser
import re
import tomllib
from pathlib import Path

import pytest

import skhpo

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def setup_cfg():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_version_is_a_literal_that_setuptools_reads_without_importing():
    tree = ast.parse((ROOT / "skhpo" / "__init__.py").read_text(encoding="utf-8"))
    (value,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__version__"
    )
    assert ast.literal_eval(value) == skhpo.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", skhpo.__version__)


def test_no_fact_stands_in_both_files(pyproject, setup_cfg):
    project = pyproject["project"]
    assert not set(setup_cfg["metadata"]) & set(project)
    assert set(setup_cfg["metadata"]) == set(project["dynamic"])
    assert not {"install_requires", "extras_require", "python_requires"} & set(setup_cfg["options"])
    assert "setuptools" not in pyproject["tool"]
    tools = {name for name in setup_cfg.sections() if not name.startswith(("metadata", "options"))}
    assert not tools


def test_linters_of_pre_commit_are_those_of_the_lint_extra(pyproject):
    hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    for requirement in pyproject["project"]["optional-dependencies"]["lint"]:
        name = requirement.partition("==")[0]
        assert set(re.findall(rf"\[({name}==[^\]]+)\]", hooks)) == {requirement}


def test_minimum_versions_are_the_declared_lower_bounds(pyproject):
    project = pyproject["project"]
    extras = project["optional-dependencies"]
    declared = [*project["dependencies"], *extras["distributed"], *extras["test"]]
    bounds = dict(requirement.split(">=") for requirement in declared if ">=" in requirement)
    text = (ROOT / "tests" / "minimum.txt").read_text(encoding="utf-8")
    for name, pinned in re.findall(r"^([\w-]+)==([\d.]+)$", text, flags=re.MULTILINE):
        assert f"{pinned}.".startswith(f"{bounds[name]}."), name
