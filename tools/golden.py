"""Golden outputs: whether a change of the code left every result the same, bit for bit.

``--write FILE`` runs the cases of the files beside it and stores digests of what they return: of
the bytes, with dtype and shape. ``--compare FILE`` runs them again, after a change, and names what
differs; the exit code is then 1. With ``--arrays FILE.npz`` the arrays are stored too, and the
largest relative difference is printed. Digests hold for one machine: bits differ between
processors and versions of the libraries.

Run ``python tools/golden.py --write FILE`` at the old commit and ``--compare FILE`` at the new one.
After a change of the code its kernels are compiled again, for minutes. With ``NUMBA_DISABLE_JIT=1``
on both sides nothing is compiled; the bits are then others, and compiled code is not looked at.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import time
import warnings
from pathlib import Path

import click
import golden_networks  # noqa: F401  (registers its cases)
import numba
import numpy as np
import scipy
from golden_cases import CASES
from scipy import sparse

ERROR = "error"


def flatten(result, name=""):
    """Every array of a result, by its place in it."""
    if result is None:
        return {}
    if sparse.issparse(result):
        csr = sparse.csr_array(result)
        result = {"data": csr.data, "indices": csr.indices, "indptr": csr.indptr}
    if isinstance(result, (list, tuple)):
        result = dict(enumerate(result))
    if isinstance(result, dict):
        found = {}
        for key, value in result.items():
            found |= flatten(value, f"{name}/{key}" if name else str(key))
        return found
    array = np.asarray(result)
    if array.dtype == object:
        raise TypeError(f"{name or 'The result'} is no array: {type(result).__name__}.")
    return {name or "result": array}


def digest(array):
    """Digest of the bytes of an array, with its dtype and shape."""
    start = f"{array.dtype} {array.shape}"
    return f"{start} {hashlib.sha256(start.encode() + array.tobytes()).hexdigest()}"


def run_case(function):
    """Arrays of a case and their digests; of one that fails, its error.

    Only the kind of an error counts in a comparison: its words may change.
    """
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            arrays = flatten(function())
    except Exception as error:
        return {}, {ERROR: type(error).__name__}, str(error)
    return arrays, {name: digest(array) for name, array in arrays.items()}, None


def run(names, *, quiet=False):
    """Arrays and digests of some cases, by their names."""
    arrays, digests = {}, {}
    for name in names:
        began = time.perf_counter()
        found, digests[name], message = run_case(CASES[name])
        arrays |= {f"{name}/{place}": array for place, array in found.items()}
        if not quiet:
            seconds = time.perf_counter() - began
            fate = (
                f"{digests[name][ERROR]}: {message}"
                if message is not None
                else f"{len(found)} arrays"
            )
            click.echo(f"{name:45} {seconds:6.2f} s  {fate}")
    return arrays, digests


def machine():
    """What the bits depend on besides the code."""
    versions = {module.__name__: module.__version__ for module in (np, scipy, numba)}
    versions |= {"python": platform.python_version(), "processor": platform.processor()}
    return versions | {"compiled": not numba.config.DISABLE_JIT}


def largest_difference(new, old):
    """Largest difference of two arrays, relative to the largest entry of the old one."""
    if new.shape != old.shape or new.dtype.kind not in "fiub" or old.dtype.kind not in "fiub":
        return None
    new, old = new.astype(float), old.astype(float)
    if not np.array_equal(np.isfinite(new), np.isfinite(old)):
        return np.inf
    is_finite = np.isfinite(old)
    scale = np.max(np.abs(old), where=is_finite, initial=0.0) or 1.0
    return float(np.max(np.abs(new - old), where=is_finite, initial=0.0) / scale)


def load(path):
    """Arrays of a file; None without one."""
    if path is None:
        return None
    with np.load(path) as stored:
        return dict(stored)


def differences(new, old, new_arrays=None, old_arrays=None):
    """A line for each output that differs, or that only one of two runs has."""
    lines = []
    for name in old:
        if name not in new:
            lines.append(f"{name}: no such case any more")
            continue
        for place in sorted(old[name].keys() | new[name].keys()):
            before, after = old[name].get(place), new[name].get(place)
            if before != after:
                lines.append(f"{name}/{place}: {told(before, after)}")
                key = f"{name}/{place}"
                if (
                    new_arrays
                    and old_arrays is not None
                    and key in new_arrays
                    and key in old_arrays
                ):
                    relative = largest_difference(new_arrays[key], old_arrays[key])
                    lines[-1] += "" if relative is None else f", by {relative:.2g} of the largest"
    return lines


def told(before, after):
    """How two digests differ, in words."""
    if before is None or after is None:
        return "new" if before is None else "gone"
    kind_before, kind_after = (text.rpartition(" ")[0] for text in (before, after))
    if kind_before == kind_after:
        return "other values" if kind_before else f"{before} became {after}"
    return f"{kind_before} became {kind_after}"


@click.command()
@click.option("--write", type=click.Path(path_type=Path), help="JSON file for the digests.")
@click.option(
    "--compare", type=click.Path(path_type=Path, exists=True), help="Digests from before."
)
@click.option("--arrays", type=click.Path(path_type=Path), help="Arrays to write, or from before.")
@click.option("--only", default="", help="Only cases with this in their names.")
def main(write, compare, arrays, only):
    """Store digests of small fits of everything, or compare with stored ones."""
    if (write is None) == (compare is None):
        raise click.UsageError("give one of --write and --compare.")
    # Solvers last: without a cache they compile kernels of every penalty for minutes.
    names = sorted((n for n in CASES if only in n), key=lambda n: n.startswith("solver["))
    if not names:
        raise click.UsageError(f"no case has {only!r} in its name.")
    began = time.perf_counter()
    found, digests = run(names)
    click.echo(f"{len(names)} cases, {len(found)} arrays, {time.perf_counter() - began:.1f} s")
    if write is not None:
        write.write_text(json.dumps({"machine": machine(), "cases": digests}, indent=1))
        if arrays is not None:
            np.savez_compressed(arrays, **found)
        return
    stored = json.loads(compare.read_text())
    if stored["machine"] != machine():
        click.echo(f"Another machine wrote {compare}: {stored['machine']} and not {machine()}.")
    before = {name: value for name, value in stored["cases"].items() if only in name}
    lines = differences(digests, before, found, load(arrays))
    lines += [f"{name}: a new case" for name in digests.keys() - before.keys()]
    click.echo("\n".join(lines) or "All outputs are the same.")
    sys.exit(1 if any(not line.endswith("a new case") for line in lines) else 0)


if __name__ == "__main__":
    main()
