"""Report of a benchmark: tables that are printed row by row, and one JSON file of all of it.

The file is written where the variable `RESULT` of the environment says, as ``run_all.py`` does; a
script that is run by hand prints only. The documentation makes its tables of these files.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import numpy as np

RESULT, FORM = "SPARSECODE_BENCHMARK_RESULT", "SPARSECODE_BENCHMARK_FORM"
NOT_INSTALLED = "not installed"
PACKAGES = ("sparsecode", "numpy", "scipy", "numba", "scikit-learn")
PACKAGES += ("spams-bin", "celer", "skglm", "torch")
FOLDER = Path(__file__).resolve().parent
_FIRST, _OTHER = 34, 9


class Report:
    """Title, circumstances, tables and notes of a run.

    Parameters
    ----------
    title : str
        What is measured, with the sizes.
    """

    def __init__(self, title):
        self.parts, self._begin = [], time.time()
        self._facts = {"title": title, **circumstances()}
        print(title)
        print(f"machine   {self._facts['machine']}")
        versions = ", ".join(f"{name} {value}" for name, value in self._facts["versions"].items())
        print(f"versions  {versions}")
        print(f"commit    {self._facts['commit']}; load {loads()}\n", flush=True)

    def table(self, title, columns):
        """A new table; `columns` has the format of the cells of each heading, "" for texts."""
        table = Table(title, columns)
        self.parts.append(table.content)
        return table

    def note(self, text):
        """Add a paragraph beneath what was reported so far."""
        self.parts.append({"note": text})
        print(text + "\n", flush=True)

    def picture(self, name, alt):
        """Path to draw a picture to, which the documentation shows here; None without a file."""
        if RESULT not in os.environ:
            return None
        path = Path(os.environ[RESULT]).with_suffix("")
        path = path.with_name(f"{path.name}-{name}.png")
        self.parts.append({"picture": path.name, "alt": alt})
        return path

    def finish(self):
        """Write the file, if one was asked for."""
        print(f"load {self._facts['load before']} before and {loads()} after")
        if RESULT not in os.environ:
            return
        facts = self._facts | {
            "load after": loads(),
            "seconds": round(time.time() - self._begin, 1),
            "parts": self.parts,
        }
        path = Path(os.environ[RESULT])
        temporary = path.with_suffix(".part")
        temporary.write_text(_as_json(facts), "utf-8")
        temporary.replace(path)


class Table:
    """Rows of cells under headings, printed as they come."""

    def __init__(self, title, columns):
        self.columns, title = columns, title.strip()
        self.content = {"table": title, "columns": columns, "rows": []}
        widths = (max(len(head), _OTHER) for head in list(columns)[1:])
        self._widths = [_FIRST, *widths]
        print(title)
        self._print(list(columns))

    def row(self, *cells, repetitions=None):
        """Add a row. Texts stand as they are, None is empty; `repetitions` are what was measured.

        A text in a column of numbers says why there is none, such as `NOT_INSTALLED`.
        """
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells; expected one for each of {list(self.columns)}.")
        row = {"cells": [_plain(cell) for cell in cells]}
        if repetitions is not None:
            row["repetitions"] = _plain(repetitions)
        self.content["rows"].append(row)
        self._print(texts_of(self.columns, row["cells"]))

    def absent(self, name, reason=NOT_INSTALLED):
        """Add the row of a peer that cannot run here."""
        self.row(name, *([reason] + [None] * (len(self.columns) - 2)))

    def end(self):
        """Leave a line free."""
        print(flush=True)

    def _print(self, texts):
        cells = [
            text.ljust(width) if i == 0 else text.rjust(width)
            for i, (text, width) in enumerate(zip(texts, self._widths, strict=True))
        ]
        print("   " + "  ".join(cells).rstrip(), flush=True)


def texts_of(columns, cells):
    """Cells as texts, in the formats of their columns."""
    return [_text(cell, form) for cell, form in zip(cells, columns.values(), strict=True)]


def _text(cell, form):
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else format(cell, form)


def circumstances():
    """What the figures of a run depend on besides the code that is measured."""
    return {
        "benchmark": os.path.relpath(os.path.abspath(sys.argv[0]), FOLDER),
        "arguments": sys.argv[1:],
        "form": os.environ.get(FORM, "by hand"),
        "machine": machine(),
        "versions": {"Python": platform.python_version(), **_versions()},
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d"),
        "load before": loads(),
    }


def machine():
    """Processor, number of cores that this process may use, and system."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{_cpu()}, {n_cores} cores, {platform.system()} {platform.machine()}"


def loads():
    """Load of the machine over 1, 5 and 15 minutes."""
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


def commit():
    """The last commit that changed the library or a benchmark, "-dirty" if files are changed."""
    what = ["--", "sparsecode", "benchmarks", ":!benchmarks/results"]
    try:
        found = _git("log", "-1", "--format=%h", *what)
        return found + ("-dirty" if _git("status", "--porcelain", *what) else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*command):
    done = subprocess.run(
        ["git", *command], cwd=FOLDER.parent, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def _versions():
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    if "sparsecode" not in found:
        import sparsecode

        found = {"sparsecode": sparsecode.__version__, **found}
    return found


def _as_json(facts):
    """Text with a line for each fact and for each part."""
    lines = []
    for name, value in facts.items():
        if name == "parts":
            parts = ",\n".join(json.dumps(part, ensure_ascii=False) for part in value)
            lines.append(f'"parts": [\n{parts}\n]')
        else:
            lines.append(f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _plain(value):
    """The same with lists and numbers of Python, as JSON has them, to six digits."""
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
