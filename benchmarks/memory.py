"""Peak memory of coding a million patches to CSR codes, and of certifying them.

Every case is a process of its own: samples in memory, or memory-mapped in C or Fortran order. Its
peak is the largest resident set that Linux saw, interpreter and libraries included, less the
samples (whose mapped pages count too) and the codes. Run: ``python benchmarks/memory.py``.
"""

from __future__ import annotations

import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from _common import patches
from _report import Report

from sparsecode import Dictionary
from sparsecode.penalties import L1
from sparsecode.solvers import FeatureSign

SIZE = 8
N_COMPONENTS = 256
ALPHA = 0.33
LIMIT = 1.5
TOL = {"float32": 1e-4, "float64": 1e-6}
GIB = 2**30
COLUMNS = {"samples": "", "input": ".2f", "output": ".2f", "nonzeros": ".1f"}
COLUMNS |= {"coded": ".2f", "certified": ".2f", "seconds": ".1f"}


def main():
    parser = argparse.ArgumentParser(description="Peak memory of coding to CSR codes.")
    parser.add_argument("--n-samples", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="20,000 samples in float32")
    parser.add_argument("--case", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case is not None:
        _run_case(*arguments.case)
        return
    n_samples = 20_000 if arguments.quick else arguments.n_samples
    report = Report("Peak memory of coding to CSR, and of certifying")
    title = f"{n_samples} patches of {SIZE}x{SIZE}, {N_COMPONENTS} atoms; GiB, peaks above both"
    table = report.table(title, COLUMNS)
    too_much = []
    with tempfile.TemporaryDirectory() as folder:
        for dtype in list(TOL)[:1] if arguments.quick else TOL:
            paths = _write(pathlib.Path(folder), n_samples, dtype)
            for name, order, mode in (
                ("in memory", "C", "read"),
                ("mapped", "C", "r"),
                ("mapped, Fortran", "F", "r"),
            ):
                above = _print_case(table, dtype, name, paths["atoms"], paths[order], mode)
                if above > LIMIT:
                    too_much.append(f"{dtype} {name}: {above:.2f} GiB")
    report.note(f"Asked: at most {LIMIT:g} GiB above input and output.")
    report.finish()
    if too_much:
        sys.exit(f"above {LIMIT} GiB beside input and output: {'; '.join(too_much)}")


def _write(folder, n_samples, dtype):
    """Files of the samples in both orders, and of atoms taken from them."""
    # The photographs do not have so many different ones.
    parts = [patches(SIZE, size, seed=i) for i, size in enumerate(_sizes(n_samples))]
    X = np.concatenate(parts).astype(dtype)
    atoms = Dictionary.from_samples(X[:20_000], N_COMPONENTS, random_state=0).atoms
    paths = {name: folder / f"{name}.npy" for name in ("C", "F", "atoms")}
    arrays = {"C": X, "F": np.asfortranarray(X), "atoms": atoms}
    for name, array in arrays.items():
        np.save(paths[name], array)
    return paths


def _sizes(n_samples):
    return [min(250_000, n_samples - start) for start in range(0, n_samples, 250_000)]


def _print_case(table, dtype, name, atoms, samples, mode):
    """Run a case in a process of its own and return its peak above input and output."""
    command = [sys.executable, __file__, "--case", dtype, str(atoms), str(samples), mode]
    printed = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    given, made, nonzeros, coded, certified, seconds = map(float, printed.split())
    beside = given + made
    above = coded - beside, certified - beside
    table.row(f"{dtype}, {name}", given, made, nonzeros, *above, seconds)
    return certified - beside


def _run_case(dtype, atoms, samples, mode):
    """Code the samples of a file and print sizes, the peaks in GiB, and seconds."""
    X = np.load(samples, mmap_mode=None if mode == "read" else mode)
    dictionary = Dictionary(np.load(atoms))
    begin = time.perf_counter()
    result = FeatureSign(tol=TOL[dtype]).solve(X, dictionary, L1(ALPHA), sparse_output=True)
    seconds = time.perf_counter() - begin
    coded = peak()
    worst = result.certificate.relative_gap.max()
    if not worst <= TOL[dtype]:
        sys.exit(f"the worst relative gap is {worst:.1e}; expected at most {TOL[dtype]:.0e}")
    codes = result.codes
    made = codes.data.nbytes + codes.indices.nbytes + codes.indptr.nbytes
    print(X.nbytes / GIB, made / GIB, codes.nnz / len(X), coded, peak(), seconds)


def peak():
    """Largest resident set of this process so far, in GiB.

    Not `resource.getrusage`, whose peak may be that of the parent before it was replaced.
    """
    with open("/proc/self/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / GIB
    raise OSError("/proc/self/status does not say VmHWM; this benchmark needs Linux")


if __name__ == "__main__":
    main()
