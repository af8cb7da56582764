"""Storms of Ctrl-C: how long it takes to be heard, and what it leaves behind.

``latency``: a child solves one large batch for each solver, gets one SIGINT in the middle, and must
raise KeyboardInterrupt within half a second. ``storm``: a child codes, learns and trains again and
again under hundreds of SIGINT at random moments; afterwards BLAS must have the threads that it had
before, and codes must be the same bits as before. A second storm finds no compiled kernels, and
hits the compiler.

Run ``python tools/signals.py``. The exit code is 1 if something was late or left behind.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import warnings

import click
import numpy as np
import threadpoolctl

from sparsecode import Dictionary, DictionaryLearning, OlshausenField, SparseCoder, solvers
from sparsecode.penalties import L1, MCP, KSparse

LONGEST = 0.5
SLOW = ("LCA", "ADMM", "FISTA", "ISTA", "CoordinateDescent", "FeatureSign", "Homotopy", "IHT")


def solve_and_be_interrupted(name, n_rows):
    """In the child: solve until the signal comes; print when it was heard."""
    rng = np.random.default_rng(0)
    dictionary = Dictionary.random(2048, 256, random_state=0)
    X = rng.standard_normal((n_rows, 256))
    solver = getattr(solvers, name)()
    penalty = KSparse(64) if name == "IHT" else L1(0.1)
    warnings.simplefilter("ignore")
    solver.solve(X[:2], dictionary, penalty)
    print("solving", flush=True)
    try:
        solver.solve(X, dictionary, penalty)
        print("ended", flush=True)
    except KeyboardInterrupt:
        print("heard", time.time(), flush=True)


def latency_of(name, n_rows):
    """Seconds from the signal to KeyboardInterrupt; None where the work ended before."""
    child = spawn("--child", name, "--rows", str(n_rows))
    assert child.stdout.readline().strip() == "solving"
    time.sleep(1.0)
    sent = time.time()
    child.send_signal(signal.SIGINT)
    words = child.stdout.readline().split()
    child.wait()
    child.stdout.close()
    return float(words[1]) - sent if words[0] == "heard" else None


def work_in_a_storm(seconds, cold):
    """In the child: work until the time is over whatever is raised, then tell what is left."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 16))
    coder = SparseCoder(Dictionary.random(32, 16, random_state=0), alpha=0.2).fit(X)
    jobs = (
        lambda: coder.transform(X),
        lambda: coder.set_params(penalty=MCP).fit(X[:50]).transform(X[:50]),
        lambda: DictionaryLearning(24, alpha=0.2, batch_size=100, n_epochs=1).fit(X),
        lambda: OlshausenField(16, n_epochs=2).fit(X),
    )
    before, expected = blas_threads(), None
    if not cold:
        for job in jobs:
            coder.set_params(penalty=L1)
            job()
        expected = coder.set_params(penalty=L1).fit(X).transform(X)
    end, heard = time.time() + seconds, []
    print("working", flush=True)
    # What comes while one is counted is heard by the loop around.
    while signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        try:
            work_until(end, jobs, coder, heard)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        except KeyboardInterrupt:
            heard.append(1)
    codes = coder.set_params(penalty=L1).fit(X).transform(X)
    same = cold or np.array_equal(codes, expected)
    print("end", len(heard), blas_threads() == before, same, flush=True)


def work_until(end, jobs, coder, heard):
    """Do jobs again and again, also after interrupts."""
    while time.time() < end:
        try:
            for job in jobs:
                coder.set_params(penalty=L1)
                job()
        except KeyboardInterrupt:
            heard.append(1)


def blas_threads():
    """Threads of every BLAS that is loaded."""
    libraries = threadpoolctl.threadpool_info()
    return sorted(
        (entry["filepath"], entry["num_threads"])
        for entry in libraries
        if entry["user_api"] == "blas"
    )


def storm(seconds, seed, cache=None):
    """Send signals until the child's time is over; returns its last words.

    `cache` is an empty folder for compiled kernels, or None for those that there are.
    """
    draw = random.Random(seed)
    child = spawn("--storm", str(seconds), *(["--cold"] if cache else []), cache=cache)
    assert child.stdout.readline().strip() == "working"
    end, n_sent = time.time() + seconds, 0
    while time.time() < end - 0.5:
        time.sleep(draw.choice([0.001, 0.005, 0.02, 0.05]) * draw.random() * 2)
        child.send_signal(signal.SIGINT)
        n_sent += 1
    words = child.stdout.read().split()
    if child.wait() != 0:
        click.echo(f"the child of the storm ended with {child.returncode}")
    child.stdout.close()
    return n_sent, words


def spawn(*arguments, cache=None):
    """Start this file again as a child."""
    command = [sys.executable, __file__, *arguments]
    environment = os.environ | ({"NUMBA_CACHE_DIR": cache} if cache else {})
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )


def has_fault(name, n_sent, words):
    """Tell how a storm ended; returns whether it left something behind."""
    click.echo(
        f"{name}: {n_sent} signals, {words[1] if len(words) > 1 else 0} heard, "
        f"BLAS threads and codes as before: {words[2:]}"
    )
    return words[2:] != ["True", "True"]


@click.command(help=__doc__)
@click.option("--seconds", type=float, default=30.0, show_default=True, help="Of the storm.")
@click.option("--rows", type=int, default=4000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--child", default=None, hidden=True)
@click.option("--storm", "in_storm", type=float, default=None, hidden=True)
@click.option("--cold", is_flag=True, hidden=True)
def main(seconds, rows, seed, child, in_storm, cold):
    # Of a command in the background interrupts may be ignored, by its children too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if child is not None:
        return solve_and_be_interrupted(child, rows)
    if in_storm is not None:
        return work_in_a_storm(in_storm, cold)
    n_faults = 0
    for name in SLOW:
        late = latency_of(name, rows)
        n_faults += late is not None and late > LONGEST
        click.echo(f"{name:18s} " + ("ended before" if late is None else f"{late:.3f} s"))
    with tempfile.TemporaryDirectory() as empty:
        n_faults += has_fault("storm", *storm(seconds, seed))
        n_faults += has_fault("storm on the compiler", *storm(seconds, seed, empty))
    sys.exit(bool(n_faults))


if __name__ == "__main__":
    main()
