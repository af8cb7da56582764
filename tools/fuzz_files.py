"""Change valid files at random, and see that every reader reads them or refuses them in our words.

Files of every kind that is read are written, changed (bits, cuts, headers, members of archives,
values of JSON) and read in processes whose memory is limited. Counted are errors that are not
worded by this package, reads that take more than 20 seconds, and reads that need more than 1 GiB
more than the process had.

Run ``python tools/fuzz_files.py --n 20000``. The exit code is 1 if anything was counted. What case
number 17 is, ``--only 17`` shows.
"""

from __future__ import annotations

import collections
import json
import os
import random
import resource
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import click
import numpy as np
from file_examples import EXAMPLES, READERS, use
from file_mutations import mutate

MOST_SECONDS = 20
MOST_BYTES = 2**30
# Words of an error that somebody else worded.
_FOREIGN = ("object has no", "NoneType", "not subscriptable", "Traceback", "KeyError", "IndexError")


def make_case(seed, number, folder):
    """Change one file; returns its example, where it lies and what was changed."""
    rng = random.Random(f"{seed} {number}")
    example = EXAMPLES[rng.choice(sorted(EXAMPLES))]
    target = folder / "case"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder / "good" / example.name, target)
    changed = mutate(rng, target)
    return example, target, f"{example.name}: {changed}"


def read_case(example, target, label):
    """Read what was changed; returns what became of it, and of what file."""
    path = target / example.path if example.path else target
    with warnings.catch_warnings():
        # Decoders warn of what they can still read.
        warnings.simplefilter("ignore")
        try:
            found = READERS[example.reader](path)
        except MemoryError:
            return "memory", label
        except (ValueError, OSError) as error:
            message = str(error)
            ours = str(target) in message and not any(word in message for word in _FOREIGN)
            return ("refused" if ours else "foreign"), f"{label}: {error!r}"
        except BaseException as error:
            return "foreign", f"{label}: {error!r}\n{traceback.format_exc()}"
        try:
            use(found)
        except Exception as error:
            return "late", f"{label}: {error!r}\n{traceback.format_exc()}"
    return "read", label


def work(seed, folder, start, stop):
    """Run cases, telling the number of each before and what became of it after."""
    limit = _memory() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for number in range(start, stop):
        case = make_case(seed, number, folder)
        print(json.dumps(["begin", number, ""]), flush=True)
        kind, label = read_case(*case)
        print(json.dumps([kind, number, label]), flush=True)


def _memory():
    """Address space of this process, in bytes."""
    pages = Path("/proc/self/statm").read_text().split()[0]
    return int(pages) * resource.getpagesize()


def fuzz(seed, n, *, start=0, keep=20):
    """Run `n` cases in other processes; returns counts by kind, and examples of bad ones."""
    counts, bad = collections.Counter(), []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for example in EXAMPLES.values():
            (folder / "good" / example.name).mkdir(parents=True)
            example.write(folder / "good" / example.name)
        reached, stop = start, start + n
        while reached < stop:
            for kind, number, label in _run_worker(seed, folder, reached, stop):
                reached = number + 1
                counts[kind] += 1
                if kind not in ("read", "refused") and len(bad) < keep:
                    bad.append(f"{kind} in case {number}: {label}")
    return counts, bad


def _run_worker(seed, folder, start, stop):
    """Give what became of cases, until one hangs or ends the process, which is said last."""
    command = [sys.executable, __file__, "--worker", str(folder), "--seed", str(seed)]
    command += ["--start", str(start), "--n", str(stop - start)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
    current, finished = start, False
    try:
        for line in _lines(process.stdout):
            if line is None:
                yield "hang", current, f"more than {MOST_SECONDS} seconds"
                return
            kind, current, label = json.loads(line)
            if kind != "begin":
                finished = current == stop - 1
                yield kind, current, label
    finally:
        process.kill()
        code = process.wait()
        process.stdout.close()
    if not finished:
        yield "crash", current, f"the process ended with {code}"


def _lines(stream):
    """Lines of a process, and None where the next takes too long; making a case may take longer."""
    selector = selectors.DefaultSelector()
    selector.register(stream, selectors.EVENT_READ)
    buffer, deadline = b"", time.monotonic() + 3 * MOST_SECONDS
    while True:
        if not selector.select(max(deadline - time.monotonic(), 0)):
            yield None
            return
        piece = os.read(stream.fileno(), 2**16)
        if not piece:
            return
        *lines, buffer = (buffer + piece).split(b"\n")
        for line in lines:
            reading = line.startswith(b'["begin"')
            deadline = time.monotonic() + MOST_SECONDS * (1 if reading else 3)
            yield line


@click.command()
@click.option("--n", default=2000, help="Number of changed files.")
@click.option("--seed", default=0, help="Seed of the changes.")
@click.option("--start", default=0, help="Number of the first case.")
@click.option("--only", type=int, default=None, help="Run this case here, and say what it is.")
@click.option("--worker", type=Path, default=None, hidden=True)
def main(n, seed, start, only, worker):
    """Change valid files at random, and see that every reader reads or refuses them."""
    np.seterr(all="ignore")
    if worker is not None:
        work(seed, worker, start, start + n)
        return
    if only is not None:
        counts, bad = fuzz(seed, 1, start=only)
        click.echo("\n".join(bad) or dict(counts))
        return
    counts, bad = fuzz(seed, n, start=start)
    click.echo("\n".join(bad))
    click.echo(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
