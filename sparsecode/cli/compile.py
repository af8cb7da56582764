"""``sparsecode compile``: all kernels into the cache, before anybody waits for them."""

from __future__ import annotations

import os
import sys
import time

import click
import numba
from llvmlite import binding
from numpy.typing import DTypeLike
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from sparsecode._kernel_cache import files_in_use
from sparsecode._parallel import resolve_n_jobs
from sparsecode.cli import _kernel_calls
from sparsecode.cli._shared import INTERRUPTED, one_line_errors
from sparsecode.cli._workers import outcomes

_MIB = 2**20


@click.command(name="compile")
@click.option(
    "--only",
    "wanted",
    multiple=True,
    metavar="NAME",
    help="Part of the library to compile (solvers, updates, ...), or the name of a class, such as "
    "FISTA. May be repeated.  [default: all]",
)
@click.option(
    "--dtype",
    "dtypes",
    type=click.Choice(_kernel_calls.DTYPES),
    multiple=True,
    help="Type of numbers to compile for. May be repeated.  [default: both]",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=None,
    help="Number of processes.  [default: the processors that this process may use]",
)
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def compile_kernels(wanted, dtypes, jobs, quiet):
    """Compile all kernels into the cache: for container images and continuous integration.

    Kernels are compiled when they are first used, once for each processor, which takes some
    seconds each. This command uses every public solver with its usual penalties, and every public
    update, encoder, loss, optimizer and estimator, in float64 and float32, so that later processes
    compile nothing. Kernels are written to the folder of NUMBA_CACHE_DIR, or beside the sources.

    \b
    Examples:
      sparsecode compile
      NUMBA_CACHE_DIR=/opt/kernels sparsecode compile --dtype float32 --only solvers
    """
    console = Console(stderr=True, quiet=quiet)
    with one_line_errors():
        if numba.config.DISABLE_JIT:
            raise ValueError(
                "NUMBA_DISABLE_JIT is set, and nothing is compiled; expected it unset or 0. Unset "
                "it."
            )
        chosen = _chosen(wanted)
    calls = [(*call, dtype) for call in chosen for dtype in (dtypes or _kernel_calls.DTYPES)]
    jobs = min(resolve_n_jobs(jobs), len(calls))
    begin = time.monotonic()
    try:
        files, failures = _make(calls, jobs, console)
    except KeyboardInterrupt:
        console.print("Interrupted; kernels that were compiled so far stay in the cache.")
        sys.exit(INTERRUPTED)
    if not quiet:
        _print_summary(files, time.monotonic() - begin)
    for failure in failures:
        click.echo(f"Error: {failure}", err=True)
    sys.exit(1 if failures else 0)


def _chosen(wanted):
    """Pairs of a part and the name of a call, of the parts and classes that are wanted."""
    every = [
        (part, name) for part, calls in _kernel_calls.calls_by_part().items() for name in calls
    ]
    # The name of the call of a solver ends with that of a penalty.
    words = {(part, name): {part, name.partition(",")[0]} for part, name in every}
    for word in wanted:
        if not any(word in known for known in words.values()):
            parts = ", ".join(dict.fromkeys(part for part, _ in every))
            raise ValueError(
                f"--only is {word!r}; expected one of {parts}, or the name of a public class of "
                "these, such as FISTA. Name one of them."
            )
    return [call for call in every if not wanted or words[call] & set(wanted)]


def files_of_call(part: str, name: str, dtype: DTypeLike) -> list[str]:
    """Files of the kernels that a process has used up to and with a call."""
    _kernel_calls.run(part, name, dtype)
    return sorted(map(str, files_in_use))


def _make(calls, jobs, console):
    """Make all calls; returns the files of the kernels, and a line for each failure."""
    files, failures = set(), []
    with _Progress(len(calls), console) as progress:
        for outcome in outcomes(files_of_call, calls, jobs):
            title = _title(*outcome.call)
            if outcome.error is None:
                files.update(outcome.result)
            else:
                failures.append(f"{title}: {outcome.error}")
            progress.done(title, outcome.error)
    return sorted(files), failures


def _title(part, name, dtype):
    return f"{part}: {name}, {dtype}"


class _Progress:
    """A bar on a terminal, and a line for each call elsewhere."""

    def __init__(self, n_calls, console):
        self._console, self._n_calls, self._n_done = console, n_calls, 0
        self._bar = Progress(
            TextColumn("compiling"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[last]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self):
        self._bar.start()
        self._task = self._bar.add_task("compiling", total=self._n_calls, last="")
        return self

    def __exit__(self, *exception):
        self._bar.stop()

    def done(self, title, error):
        """Count a call, and name it."""
        self._n_done += 1
        failed = "" if error is None else " failed"
        self._bar.update(self._task, advance=1, last=title + failed)
        if not self._console.is_terminal:
            line = f"[{self._n_done}/{self._n_calls}] {title}{failed}"
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _print_summary(files, seconds):
    sizes = [os.stat(path).st_size for path in files]
    folder = os.path.commonpath([os.path.dirname(path) for path in files]) if files else "nowhere"
    click.echo(f"{len(files)} kernels in {seconds:.0f} s, {sum(sizes) / _MIB:.1f} MiB in {folder}")
    name = numba.config.CPU_NAME or binding.get_host_cpu_name()
    click.echo(
        f"They serve processors of the model {name} with the same features as this one, and this "
        "installation of sparsecode and numba; elsewhere kernels are compiled again."
    )
