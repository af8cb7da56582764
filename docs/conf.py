"""Configuration of the documentation; build it with ``make docs``."""

import itertools
import pathlib
import re
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parent / "_extensions"))

import sparsecode

# The figures are drawn while the documentation is built: no display, and no doubt about warnings.
warnings.simplefilter("error", category=RuntimeWarning)

project = "sparsecode"
author = "The sparsecode developers"
copyright = "2026, The sparsecode developers"
version = release = sparsecode.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "from_code",
]
exclude_patterns = ["_build", "_extensions", "_templates", "examples"]
templates_path = ["_templates"]

# Names in single backquotes are code, and links where there is something to link to.
default_role = "py:obj"
# A dotted name that leads nowhere is an error; a plain one may be a parameter.
nitpicky = True
nitpick_ignore_regex = [("py:obj", r"[^.]*"), ("py:.*", r"(numpy|scipy|sklearn|matplotlib)\..*")]

autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = False
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

plot_formats = [("png", 110)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = False

html_theme = "alabaster"
html_title = f"sparsecode {release}"
html_show_sourcelink = False
html_theme_options = {
    "description": "Sparse coding and dictionary learning on one dictionary",
    "fixed_sidebar": True,
    "page_width": "1080px",
    "sidebar_width": "240px",
}
html_sidebars = {"**": ["about.html", "navigation.html", "searchfield.html"]}


def setup(app):
    app.connect("autodoc-skip-member", _skip_foreign)
    app.connect("autodoc-process-docstring", _list_references, priority=400)  # before numpydoc


def _skip_foreign(app, what, name, member, skip, options):
    """Leave out what a class inherits from other packages: their documentation has it."""
    function = getattr(member, "fget", member)
    function = getattr(function, "__wrapped__", function)
    module = getattr(function, "__module__", None) or ""
    if what == "class" and not module.startswith("sparsecode"):
        return True
    return None


def _list_references(app, what, name, obj, options, lines):
    """Make a list of a section of references: "A. Author" alone would begin an enumeration."""
    underlines = [i for i in range(1, len(lines)) if re.fullmatch(" *-{3,}", lines[i])]
    for start, end in itertools.pairwise([*underlines, len(lines) + 1]):
        section = lines[start + 1 : end - 1]
        if lines[start - 1].strip() != "References" or not re.match(r" *[A-Z]\. ", section[0]):
            continue
        for i, line in enumerate(section, start + 1):
            if line.strip():
                bullet = r"* \\" if re.match(r" *[A-Z]\. ", line) else "  "
                lines[i] = re.sub(r"^( *)", rf"\1{bullet}", line)
