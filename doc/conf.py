"""How the pages are built; ``make docs`` does it, without network."""

import re
import zlib
from pathlib import Path

import skhpo

project = "skhpo"
author = "The skhpo developers"
project_copyright = f"2026, {author}"
version = release = skhpo.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
default_role = "literal"
toc_object_entries_show_parents = "hide"
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!skhpo).*")]  # types are written as prose

autosummary_generate = True
numpydoc_show_class_members = False
numpydoc_validation_checks = {
    "all",
    "ES01",  # not every docstring needs more than its summary and parameters
    "EX01",  # methods are shown in the example of their class
    "GL01",  # the summary stands on the line of the quotes
    "SA01",  # "See Also" is for the entrances
    "SA04",
    "RT03",  # a type says enough where the summary tells what is returned
    "PR07",  # as does a parameter's type, under a summary that names it
}
numpydoc_validation_exclude = {r"\.[A-Z]\w*\.\w+$"}  # methods: many are scikit-learn's

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"demo\.py",
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "skhpo"
html_static_path = ["_static"]
html_css_files = ["skhpo.css"]
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 5,
    "show_prev_next": False,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {
    page: []
    for page in (
        "index",
        "install",
        "replace_grid_search",
        "user_guide/*",
        "auto_examples/*",
        "architecture",
        "contributing",
        "changes",
    )
}

# Pages elsewhere that ours link to. Inventories of just these names are written here instead of
# fetched, so that a build needs no network.
ELSEWHERE = {
    "sklearn": (
        "https://scikit-learn.org/stable/",
        [
            f"sklearn.model_selection.{name} py:class 1 "
            f"modules/generated/sklearn.model_selection.{name}.html#$ -"
            for name in ("GridSearchCV", "RandomizedSearchCV", "ParameterGrid", "ParameterSampler")
        ]
        + ["fit std:term -1 glossary.html#term-$ -"],
    ),
}


def write_inventory(package, lines):
    """Write a Sphinx inventory; return its path."""
    header = f"# Sphinx inventory version 2\n# Project: {package}\n# Version: \n"
    header += "# The remainder of this file is compressed using zlib.\n"
    path = Path(__file__).parent / "_build" / f"{package}.inv"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(header.encode() + zlib.compress("\n".join([*lines, ""]).encode()))
    return str(path)


intersphinx_mapping = {
    package: (url, write_inventory(package, lines)) for package, (url, lines) in ELSEWHERE.items()
}


def setup(app):
    """Keep ``n_features_in_`` in the shape of an array from being read as a link."""

    def escape(app, what, name, obj, options, lines):
        lines[:] = [re.sub(r"\((\w+_),", r"(``\1``,", line) for line in lines]

    app.connect("autodoc-process-docstring", escape, priority=400)  # before numpydoc
