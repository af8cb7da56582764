"""All benchmarks in turn, each into one JSON file of ``benchmarks/results``.

A run that was interrupted goes on where it was: what was measured at this commit on this machine,
in this form or the full one, is left as it is. ``--short`` takes fewer repetitions and sizes, on
one thread, within some eighteen minutes on an idle machine; ``--quick`` only proves that everything
runs. Run: ``python benchmarks/run_all.py``, or ``make bench-all``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import click
from _report import FOLDER, FORM, RESULT, commit, machine
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

RESULTS = FOLDER / "results"
INTERRUPTED = 130
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


class Benchmark(NamedTuple):
    """A script, its arguments in each form, and the seconds after which it is given up.

    `limits` are those of the full and the short form.

    `full` None leaves the benchmark to those who have its data, as does `short` None for lack of
    time.
    """

    name: str
    script: str
    full: str | None
    short: str | None
    quick: str
    limits: tuple[int, int]

    def arguments(self, form):
        """Arguments in a form, or None where it has none."""
        line = {"full": self.full, "short": self.short, "quick": self.quick}[form]
        return None if line is None else line.split()

    def limit(self, form):
        """Seconds after which a form is given up; kernels may be compiled in a quick one."""
        return QUICK_LIMIT if form == "quick" else self.limits[form == "short"]


QUICK, QUICK_LIMIT = "--quick", 600
SOME = "A B C FA10 FB10"
BENCHMARKS = [
    Benchmark("first_call", "first_call.py", "", "--rounds 1", QUICK, (900, 150)),
    Benchmark("import", "import_time.py", "", "--rounds 3", QUICK, (300, 90)),
    Benchmark(
        "coding", "coding/table.py", "", f"--rounds 3 {SOME}", "--quick --rounds 1 A FA5",
        (3600, 300),
    ),
    Benchmark("scaling", "coding/table.py", "--scaling", None, "--scaling --quick --rounds 1",
              (900, 0)),
    Benchmark("growth", "growth.py", "", "--rounds 1", QUICK, (1800, 180)),
    Benchmark("portability", "portability.py", "", "--rounds 3", QUICK, (600, 120)),
    Benchmark("proximal", "proximal.py", "", "--rounds 1", QUICK, (900, 150)),
    Benchmark("learning", "learning/table.py", "", "--rounds 1 --threads 1 A B",
              "--quick --rounds 1 A", (3600, 480)),
    Benchmark("batch_sizes", "learning/batch_sizes.py", "", None, "--quick --rounds 1 A",
              (1800, 0)),
    Benchmark("recovery", "recovery.py", "", "--seeds 1", QUICK, (600, 60)),
    Benchmark("autoencoders", "autoencoders/speed.py", "", "--n-rounds 2", QUICK, (900, 120)),
    Benchmark("refined", "autoencoders/refined.py", "", "--n-rounds 2", QUICK, (900, 120)),
    Benchmark("widths", "autoencoders/widths.py", "", "--widths 1024 4096 --n-steps 4",
              "--widths 64 128 --n-steps 3", (600, 90)),
    Benchmark("unrolled_speed", "unrolled/speed.py", "", "--rounds 3 --threads 1",
              "--quick --rounds 1", (900, 120)),
    Benchmark("memory", "memory.py", "", "--n-samples 200000", QUICK, (1800, 120)),
    Benchmark("learning_memory", "learning_memory.py", "", "--gib 1", QUICK, (1800, 60)),
    Benchmark("many_atoms", "many_atoms.py", "", None, QUICK, (600, 0)),
    Benchmark("dropin", "dropin.py", "", "--rounds 1 --draws 0", QUICK, (1200, 90)),
    Benchmark("denoising", "denoising.py", "", "--level 25", "--quick --level 25", (900, 90)),
    Benchmark("convolutional", "convolutional/table.py", "", None, QUICK, (7200, 0)),
    Benchmark("dask", "distributed/table.py", "", None, QUICK, (3600, 0)),
    Benchmark("data_parallel", "distributed/data_parallel.py", "", None, QUICK, (1800, 0)),
    Benchmark("many_models", "distributed/many_models.py", "", "--gib 0.5", QUICK, (3600, 120)),
    Benchmark("outliers", "outliers.py", "", "--seeds 1", QUICK, (900, 150)),
    Benchmark("defaults", "defaults.py", "", None, QUICK, (1800, 0)),
    Benchmark("filters", "filters.py", "", None, QUICK, (600, 200)),
    Benchmark("gain_bounds", "gain_bounds.py", "", None, QUICK, (1800, 0)),
    Benchmark("unrolled", "unrolled/nmse.py", "", None, "--quick --size 20x40 --snr 20",
              (7200, 0)),
    Benchmark("amortisation_known", "amortisation_gap/table.py", "", None,
              "--steps 20 --samples 40 --seeds 1", (7200, 0)),
    Benchmark("amortisation_learned", "amortisation_gap/table.py", "--unknown", None,
              "--unknown --steps 20 --samples 40 --seeds 1", (7200, 0)),
    Benchmark("out_of_distribution", "autoencoders/out_of_distribution.py", "", None,
              "--n-latents 30 --seeds 1 --epochs 2 --samples 100", (7200, 0)),
    Benchmark("winner_take_all", "autoencoders/winner_take_all.py", "", "--seeds 1",
              "--seeds 1 --epochs 2 --units 16", (600, 60)),
    Benchmark("kl", "autoencoders/kl.py", "", None, "--epochs 3 --units 8 --weight 10",
              (600, 60)),
    Benchmark("cs294a", "autoencoders/cs294a.py", "", None,
              "--patches 100 --steps 3 --memory 10", (900, 0)),
    Benchmark("ground_truth_samples", "ground_truth/sampling.py", "", "--rounds 2", QUICK,
              (300, 60)),
    Benchmark("ground_truth", "ground_truth/table.py", "", None, QUICK, (10800, 0)),
    Benchmark("ground_truth_curve", "ground_truth/large.py", None, None, QUICK, (10800, 0)),
    Benchmark("task_driven", "prediction/task_driven.py", "", "--seeds 1", QUICK, (900, 90)),
    # For those who have the file: --data mnist.npz.
    Benchmark("task_driven_mnist", "prediction/task_driven.py", None, None, QUICK, (3600, 0)),
    Benchmark("patch_features", "prediction/patch_features.py", "", "--images 400 --threads 1",
              QUICK, (7200, 120)),
    Benchmark("exact_or_threshold", "prediction/exact_or_threshold.py", "", "--seeds 1", QUICK,
              (1800, 150)),
    Benchmark("classifiers", "prediction/classifiers.py", "", "--seeds 1", QUICK, (1800, 400)),
    Benchmark("dead_units", "autoencoders/dead_units.py", "", None, QUICK, (1800, 0)),
]  # fmt: skip


@click.command()
@click.argument("names", nargs=-1)
@click.option("--short", "form", flag_value="short", help="Few repetitions, on one thread.")
@click.option("--quick", "form", flag_value="quick", help="Only whether everything runs.")
@click.option("--again", is_flag=True, help="Also what was measured before at this commit.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where results are kept.  [default: benchmarks/results; nowhere with --quick]",
)
@click.option("--list", "only_list", is_flag=True, help="Print names and limits, and stop.")
def main(names, form, again, folder, only_list):
    """Run the benchmarks NAMES, by default all, and keep what they find."""
    form = form or "full"
    chosen = [b for b in _chosen(names) if b.arguments(form) is not None]
    if only_list:
        _list(chosen, form)
        return
    console = Console(stderr=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = folder or (Path(scratch) if form == "quick" else RESULTS)
        folder.mkdir(parents=True, exist_ok=True)
        waiting = chosen if again else [b for b in chosen if not is_done(folder, b.name, form)]
        for benchmark in chosen:
            if benchmark not in waiting:
                console.print(f"{benchmark.name}: measured before", highlight=False)
        try:
            failures = _run(waiting, form, folder, console)
        except KeyboardInterrupt:
            console.print("Interrupted; the same command goes on from here.")
            sys.exit(INTERRUPTED)
    for name, reason in failures.items():
        console.print(f"{name} failed: {reason}", markup=False, highlight=False)
    sys.exit(1 if failures else 0)


def _chosen(names):
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    wrong = [name for name in names if name not in known]
    if wrong:
        raise click.UsageError(f"no benchmark is called {wrong[0]}; known are {', '.join(known)}.")
    return [known[name] for name in names] or BENCHMARKS


def _list(chosen, form):
    total = 0
    for benchmark in chosen:
        limit = benchmark.limit(form)
        total += limit
        click.echo(f"{benchmark.name:22s} at most {limit / 60:5.1f} min   {benchmark.script}")
    click.echo(f"all of them at most {total / 60:.0f} minutes")


def is_done(folder, name, form):
    """Whether a result is there, of this commit and machine, and of no shorter form."""
    path = folder / f"{name}.json"
    if not path.exists():
        return False
    found = json.loads(path.read_text("utf-8"))
    same = found["commit"] == commit() and found["machine"] == machine()
    return same and not commit().endswith("-dirty") and found["form"] in ("full", form)


def _run(benchmarks, form, folder, console):
    """Run them in turn; returns why any failed, by name."""
    failures = {}
    bar = Progress(
        TextColumn("{task.fields[name]:22s}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=len(benchmarks), name="")
        for i, benchmark in enumerate(benchmarks, start=1):
            bar.update(task, name=benchmark.name)
            begin = time.monotonic()
            reason = _run_one(benchmark, form, folder)
            if reason is not None:
                failures[benchmark.name] = reason
            if not console.is_terminal:
                line = f"[{i}/{len(benchmarks)}] {benchmark.name}, {time.monotonic() - begin:.0f} s"
                console.print(line + " failed" * (reason is not None), markup=False)
            bar.advance(task)
    return failures


def _run_one(benchmark, form, folder):
    """Run a script; returns why it failed, or None."""
    path, limit = folder / f"{benchmark.name}.json", benchmark.limit(form)
    environment = {**os.environ, RESULT: str(path), FORM: form}
    if form == "short":
        environment |= ONE_THREAD
    # A group of its own: what it starts ends with it.
    process = subprocess.Popen(
        [sys.executable, str(FOLDER / benchmark.script), *benchmark.arguments(form)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        return f"it took more than the {limit} s that it may take"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    if process.returncode != 0:
        return f"exit code {process.returncode}\n" + "\n".join(output.splitlines()[-15:])
    return None if path.exists() else "it wrote no result"


if __name__ == "__main__":
    main()
