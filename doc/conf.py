"""How the pages are built; ``make docs`` does it, without network."""

import zlib
from pathlib import Path

import skhpo

HERE = Path(__file__).parent

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

autosummary_generate = True
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"/demo\.py",
    "reference_url": {"skhpo": None},
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
    "show_prev_next": False,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {
    "index": [],
    "install": [],
    "replace_grid_search": [],
    "architecture": [],
    "contributing": [],
    "changes": [],
}

# Pages elsewhere that ours link to. Inventories of just these names are written here instead of
# fetched, so that a build needs no network.
ELSEWHERE = {
    "sklearn": (
        "https://scikit-learn.org/stable/",
        {
            f"sklearn.model_selection.{name}": f"modules/generated/sklearn.model_selection.{name}"
            for name in ("GridSearchCV", "RandomizedSearchCV", "ParameterGrid", "ParameterSampler")
        },
    ),
}


def write_inventory(package, pages):
    """Write a Sphinx inventory of classes; return its path."""
    header = f"# Sphinx inventory version 2\n# Project: {package}\n# Version: \n"
    header += "# The remainder of this file is compressed using zlib.\n"
    lines = [f"{name} py:class 1 {page}.html#{name} -\n" for name, page in pages.items()]
    path = HERE / "_build" / f"{package}.inv"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(header.encode() + zlib.compress("".join(lines).encode()))
    return str(path)


intersphinx_mapping = {
    package: (url, write_inventory(package, pages)) for package, (url, pages) in ELSEWHERE.items()
}
