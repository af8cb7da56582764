"""Cost of ``import sparsecode``, and of the first solve in a new process with a warm cache.

Whole processes, interleaved; medians. Run: ``python benchmarks/import_time.py``.
"""

from __future__ import annotations

import subprocess
import sys

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
    import sparsecode
print(len(recorder.buffer))
"""


def main():
    print_header("Import time and first solve")
    runs = {
        "numpy + scipy + numba + scikit-learn": lambda: _python(LIBRARIES),
        "sparsecode": lambda: _python("import sparsecode"),
    }
    interleaved(runs, 2)
    seconds = interleaved(runs, N_ROUNDS)
    base, ours = seconds.values()
    for name, values in seconds.items():
        print(f"{name:40s} {np.median(values):6.2f} s")
    print(f"{'ratio, median of pairs':40s} {np.median(ours / base):6.2f}   (asked: at most 1.3)")
    print(f"{'functions compiled by the import':40s} {_python(N_COMPILED):>6s}   (asked: 0)")
    _python(FIRST_SOLVE)
    first = [float(_python(FIRST_SOLVE)) for _ in range(N_ROUNDS)]
    label = "first fit and transform, warm disk cache"
    print(f"{label:40s} {np.median(first):6.2f} s (asked: under 1 s)")


def _python(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    main()
