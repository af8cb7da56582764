"""Scaling: what a batch costs beside its coding, and what that means for hundreds of workers.

Workers share the cores of this machine, so that seconds of its processors and bytes are counted,
not seconds on the clock. A model of these figures says what more machines would give.
"""

import math
import pickle
import time

import dask
import dask.array as da
import numpy as np
from distributed import wait
from distributed.comm import tcp

from parts.common import problem_of, processes
from sparsecode import Dictionary, DictionaryLearning
from sparsecode.distributed.samples import run_length
from sparsecode.estimators._learning_plan import plan_learning
from sparsecode.learning import Batch, _Learner

WORKERS, A_WORKER, N_BATCHES = (1, 2, 4, 8), 16_384, 6
N_SAMPLES, BYTES_PER_SECOND = 10**9, 1.25e9
NOTE = """\
The model: a batch takes the coding of the longest queue of runs of rows, then for each level of the
tree three sums that are sent and added, the step, the sending of the dictionary (as often as it
doubles its holders), and the seconds of scheduler and client for each task, which nothing runs
beside. The network carries 1.25e9 bytes a second. Reading is not counted. "Beside coding" is all of
that over the coding. A batch is the smallest for which it is at most a tenth; where none of the
{n:.0e} samples is large enough, the batch is all of them."""


def run(report, quick):
    """Print what is measured and what follows; nothing is asked of it."""
    costs = {name: _costs_of(name, quick) for name in (("A",) if quick else ("A", "B"))}
    columns = {"workload": "", "coding, us/sample": ".2f", "merge, ms": ".3f", "step, ms": ".3f"}
    columns |= {"sums, MB": ".2f", "dictionary, MB": ".2f"}
    table = report.table("One thread, seconds of the processor", columns)
    for name, cost in costs.items():
        table.row(
            name, 1e6 * cost["sample"], 1e3 * cost["merge"], 1e3 * cost["step"],
            cost["sums"] / 1e6, cost["atoms"] / 1e6,
        )  # fmt: skip
    table.end()
    a_worker = 512 if quick else A_WORKER
    columns = {"workers": "", "batch": "d", "tasks": "d", "scheduler, ms": ".1f"}
    columns |= {"client, ms": ".1f", "workers, ms": ".1f", "of it coding": ".1f", "MB moved": ".2f"}
    table = report.table(f"A: one batch of {a_worker} samples a worker, mean of several", columns)
    per_task = []
    for n_workers in WORKERS[:2] if quick else WORKERS:
        found = _measure(n_workers, n_workers * a_worker, quick)
        coding = n_workers * a_worker * costs["A"]["sample"]
        milliseconds = (1e3 * found[who] for who in ("scheduler", "client", "workers"))
        table.row(
            str(n_workers), n_workers * a_worker, found["tasks"], *milliseconds, 1e3 * coding,
            found["bytes"] / 1e6,
        )  # fmt: skip
        per_task.append((found["scheduler"] + found["client"]) / found["tasks"])
    table.end()
    _print_model(report, costs, float(np.median(per_task)))
    return []


def _print_model(report, costs, per_task):
    report.note(NOTE.format(n=N_SAMPLES))
    columns = {"workload, workers": "", "batch": ".2e", "coding, s": ".3g", "beside coding": ".1%"}
    columns |= {"epoch, s": ".3g", "of perfect": ".0%"}
    title = f"{N_SAMPLES:.0e} samples by the model, {1e3 * per_task:.2f} ms a task"
    table = report.table(title, columns)
    for name, cost in costs.items():
        for n_workers in (10, 100, 1000):
            sizes = [int(2 ** (k / 4)) for k in range(40, 120) if 2 ** (k / 4) < N_SAMPLES]
            for size in [*sizes, N_SAMPLES]:
                coding, beside = _seconds(cost, size, n_workers, per_task)
                if beside <= 0.1 * coding:
                    break
            epoch = N_SAMPLES / size * (coding + beside)
            perfect = N_SAMPLES * cost["sample"] / n_workers
            table.row(f"{name}, {n_workers}", size, coding, beside / coding, epoch, perfect / epoch)
    table.end()


def _seconds(cost, size, n_workers, per_task):
    """Seconds of the coding of a batch, and of everything beside it."""
    n_runs = -(-size // run_length(size))
    coding = -(-n_runs // n_workers) * (size / n_runs) * cost["sample"]
    levels = math.ceil(math.log(n_runs, 4))
    send = cost["sums"] / BYTES_PER_SECOND
    merging = levels * 3 * (send + cost["merge"]) + send + cost["step"]
    spreading = cost["atoms"] / BYTES_PER_SECOND * (1 + math.ceil(math.log2(n_workers)))
    return coding, merging + spreading + _n_tasks(n_runs) * per_task


def _n_tasks(n_runs):
    """Runs that are coded, sums that are added, and the model."""
    n_tasks = n_runs + 1
    while n_runs > 1:
        n_runs = -(-n_runs // 4)
        n_tasks += n_runs
    return n_tasks


def _model(name, quick, **options):
    atoms, alpha, X = problem_of(name, quick)
    return DictionaryLearning(len(atoms), alpha=alpha, init=atoms, random_state=0, **options), X


def _costs_of(name, quick):
    """Seconds of the processor and bytes of the parts of a step, on one thread."""
    model, X = _model(name, quick, batch_size=1)
    plan, dictionary = plan_learning(model), Dictionary(model.init)
    learner = _Learner(plan.encoder, plan.update, plan.replacement, False, False, 1)
    X = X[:2048]
    sums = learner.gather(Batch(X), dictionary, learner.nothing(dictionary))

    def code():
        learner.gather(Batch(X), dictionary, learner.nothing(dictionary))

    return {
        "sample": _processor(code, 5) / len(X),
        "merge": _processor(lambda: learner.merge(sums, sums), 20),
        "step": _processor(lambda: learner._step(dictionary, sums.stats), 5),
        "sums": len(pickle.dumps(sums, protocol=5)),
        "atoms": len(pickle.dumps(dictionary, protocol=5)),
    }


def _processor(function, n_times):
    function()
    begin = time.process_time()
    for _ in range(n_times):
        function()
    return (time.process_time() - begin) / n_times


def _measure(n_workers, size, quick):
    """Seconds of the processor in every process, bytes and tasks of a batch."""
    model, some = _model("A", quick, batch_size=size, n_epochs=1)
    rows = max(size // 8, 1)
    with processes(n_workers) as client:
        X = da.map_blocks(
            _tiled, dask.delayed(some), rows, dtype=some.dtype,
            chunks=((rows,) * (8 * N_BATCHES), (some.shape[1],)),
            meta=np.empty((0, some.shape[1]), some.dtype),
        ).persist()  # fmt: skip
        wait(X)
        client.run(count_bytes), client.run_on_scheduler(count_bytes), count_bytes()
        model.fit(X)
        before = _now(client)
        model.fit(X)
        after = _now(client)
    found = {name: (after[name] - before[name]) / N_BATCHES for name in before}
    return found | {"tasks": _n_tasks(-(-size // run_length(size)))}


def _tiled(some, rows):
    return np.resize(some, (rows, some.shape[1]))


def _now(client):
    workers = client.run(figures).values()
    scheduler, mine = client.run_on_scheduler(figures), figures()
    return {
        "workers": sum(seconds for seconds, *_ in workers),
        "scheduler": scheduler[0],
        "client": mine[0],
        "bytes": scheduler[1] + mine[1] + sum(n_bytes for _, n_bytes, _ in workers),
    }


def figures():
    """Seconds of the processor that this process took, bytes that it sent, and the time."""
    return time.process_time(), tcp.TCP.n_bytes, time.perf_counter()


def count_bytes():
    """Count the bytes that this process sends from now on."""
    if hasattr(tcp.TCP, "n_bytes"):
        return
    write = tcp.TCP.write

    async def counted(self, *args, **kwargs):
        n_bytes = await write(self, *args, **kwargs)
        tcp.TCP.n_bytes += n_bytes
        return n_bytes

    tcp.TCP.n_bytes, tcp.TCP.write = 0, counted
