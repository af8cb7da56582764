"""Cost of ``import sparsecode``, and of the first solve in a new process with a warm cache.

Whole processes with the start of Python, interleaved; medians. Each ratio is to the import of the
libraries that every estimator needs. ``import sparsecode`` leaves these to the first use of a name.
Run: ``python benchmarks/import_time.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

import numpy as np
from _common import interleaved, print_header

N_ROUNDS = 11
LIBRARIES = "import numpy, scipy, numba, sklearn"
FIRST_SOLVE = """
import time
import numpy as np
from sparsecode import SparseCoder
rng = np.random.default_rng(0)
atoms = rng.standard_normal((256, 64))
coder = SparseCoder(atoms / np.linalg.norm(atoms, axis=1, keepdims=True), alpha=0.5)
X = rng.standard_normal((100, 64))
begin = time.perf_counter()
coder.fit(X).transform(X)
print(time.perf_counter() - begin)
"""
N_COMPILED = """
from numba.core import event
with event.install_recorder("numba:compile") as recorder:
    from sparsecode import *
print(len(recorder.buffer))
"""
IMPORTS = {
    "import sparsecode": "asked: at most 0.5",
    "from sparsecode import SparseCoder": "asked: at most 1.3",
    "from sparsecode import *": "asked: at most 1.3",
}
# An installed package has its bytecode.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def main():
    print_header("Import time and first solve")
    runs = {code: partial(_python, code) for code in ("pass", LIBRARIES, *IMPORTS)}
    interleaved(runs, 2)
    seconds = interleaved(runs, N_ROUNDS)
    base = seconds[LIBRARIES]
    for code, values in seconds.items():
        ratio = f"{np.median(values):6.2f} s, ratio {np.median(values / base):.2f}"
        print(f"{code:40s} {ratio}" + (f" ({IMPORTS[code]})" if code in IMPORTS else ""))
    print(f"{'functions compiled by the import':40s} {_python(N_COMPILED):>6s}   (asked: 0)")
    _python(FIRST_SOLVE)
    first = [float(_python(FIRST_SOLVE)) for _ in range(N_ROUNDS)]
    label = "first fit and transform, warm disk cache"
    print(f"{label:40s} {np.median(first):6.2f} s (asked: under 1 s)")


def _python(code):
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
