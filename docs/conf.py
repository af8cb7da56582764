"""Configuration of the documentation; build it with ``make docs``."""

import configparser
import itertools
import os
import pathlib
import re
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parent / "_extensions"))

import sparsecode

DOCS = pathlib.Path(__file__).parent

# Kernels of notebooks draw into their outputs only if nobody has chosen a backend.
os.environ.pop("MPLBACKEND", None)

# The figures are drawn while the documentation is built: no display, and no doubt about warnings.
warnings.simplefilter("error", category=RuntimeWarning)


def repository_links():
    """Icons for the addresses that ``setup.cfg`` has, unless nothing answers there."""
    setup_cfg = configparser.ConfigParser()
    setup_cfg.read(DOCS.parent / "setup.cfg", encoding="utf-8")
    listed = setup_cfg.get("metadata", "project_urls", fallback="").strip().splitlines()
    names = {"Source": "fa-brands fa-github", "Issues": "fa-solid fa-bug"}
    links = [[part.strip() for part in line.split("=", 1)] for line in listed]
    return [
        {"name": name, "url": url, "icon": names[name]}
        for name, url in links
        if name in names and ".example/" not in url
    ]


def copy_notebooks():
    """Put the notebooks beside the pages, where Sphinx finds them, if they changed."""
    folder = DOCS / "notebooks"
    folder.mkdir(exist_ok=True)
    for source in sorted((DOCS.parent / "notebooks").glob("*.ipynb")):
        copy = folder / source.name
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.write_bytes(source.read_bytes())


copy_notebooks()

# Examples run in as many processes as this one may use cores.
N_PROCESSES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

project = "sparsecode"
author = "The sparsecode developers"
copyright = "2026, The sparsecode developers"
version = release = sparsecode.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "source_pages",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "from_code",
    "benchmark_results",
    "mathml",
    "mentions",
]
exclude_patterns = [
    "_build",
    "_extensions",
    "_templates",
    "examples",
    "gallery",
    "auto_gallery/*.ipynb",
]
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
autodoc_preserve_defaults = True
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

plot_formats = [("png", 110)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = False

# Notebooks run in full, once for as long as their cells stay the same.
nb_execution_mode = "cache"
nb_execution_cache_path = str(DOCS / "_build" / "jupyter_cache")
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_merge_streams = True
# Kernels that compile say so; a reader of the pages has not waited.
nb_output_stderr = "remove"
myst_enable_extensions = ["dollarmath"]
myst_update_mathjax = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("sparsecode",),
    "backreferences_dir": "api/backreferences",
    "image_srcset": ["2x"],
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 3600,
    "abort_on_example_error": True,
    "reset_modules": ("matplotlib",),
    "parallel": N_PROCESSES,
}

copybutton_exclude = ".linenos, .gp, .go"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = f"sparsecode {release}"
html_logo = "_static/logo.png"
html_favicon = "_static/favicon.png"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "sparsecode", "alt_text": "sparsecode, to the first page"},
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher", "release", "navbar-icon-links"],
    "footer_start": ["copyright"],
    "footer_end": ["release"],
    "show_prev_next": True,
    "show_nav_level": 1,
    "navigation_depth": 3,
    "secondary_sidebar_items": ["page-toc"],
    "icon_links": repository_links(),
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "install": [], "cite": [], "changes": []}


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
