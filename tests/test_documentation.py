"""Every public name is explained: an example that runs, and a place in the API page."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = (
    "skhpo",
    "skhpo.fold_stopping",
    "skhpo.history",
    "skhpo.optimizers",
    "skhpo.schedulers",
    "skhpo.space",
    "skhpo.statistics",
    "skhpo.stopping",
)


def public_names():
    """Dotted name and object; ``make_...`` turns the name of a thing into it, for the searches."""
    for module in map(import_module, MODULES):
        for name in module.__all__:
            if not name.startswith("make_"):
                yield f"{module.__name__}.{name}", getattr(module, name)


PUBLIC = dict(public_names())


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_has_an_example(name):
    assert ">>> " in PUBLIC[name].__doc__


def test_the_api_page_has_every_public_name_once():
    page = (ROOT / "doc" / "api.rst").read_text(encoding="utf-8")
    listed = [f"skhpo.{name}" for name in re.findall(r"^   ([\w.]+)$", page, flags=re.MULTILINE)]
    objects = [PUBLIC.get(name) for name in listed]
    assert [name for name, found in zip(listed, objects, strict=True) if found is None] == []
    assert len(set(map(id, objects))) == len(objects)
    assert [name for name, found in PUBLIC.items() if id(found) not in set(map(id, objects))] == []


@pytest.mark.parametrize("name", PUBLIC)
def test_a_summary_cites_nothing(name):
    """It stands in the table of the API page, far from the references."""
    assert "]_" not in PUBLIC[name].__doc__.strip().partition("\n\n")[0]
