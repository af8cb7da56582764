"""Equality: are the numbers of chunks and of workers those of one array in memory?"""

import dask
import dask.array as da
import numpy as np

from parts.common import local_cluster, problem_of
from sparsecode import DictionaryLearning, SparseCoder
from sparsecode.distributed.samples import ChunkedSamples
from sparsecode.encoders import Exact
from sparsecode.learning import alternate
from sparsecode.penalties import L1
from sparsecode.updates import BlockUpdate

WORKERS = (1, 2, 4)
ASKED = {"coding": 0.0, "full batch": 1e-12, "online": 1e-12, "workers": 0.0}


def run(report, quick):
    """Print differences; returns what was missed."""
    atoms, alpha, X = problem_of("A", quick)
    atoms, X = atoms.astype(np.float64), X.astype(np.float64)
    chunks = da.from_array(X, chunks=(-(-len(X) // 11), -1))
    coder = SparseCoder(atoms, alpha=alpha).fit(X)
    options = {"alpha": alpha, "init": atoms, "n_epochs": 3, "tol": 0.0, "random_state": 0}
    full = DictionaryLearning(len(atoms), **options)
    online = DictionaryLearning(len(atoms), batch_size=max(len(X) // 8, 8), **options)
    title = f"{len(X)} samples, {len(atoms)} atoms, 11 chunks, float64: relative differences"
    table = report.table(title, {"": "", "largest": ".1e", "asked, at most": ".0e"})
    expected = {"codes": coder.transform(X), "full": _atoms(full, X)}
    found = {"threads": _found(coder, full, online, chunks)}
    for n_workers in WORKERS[:2] if quick else WORKERS:
        with local_cluster(n_workers):
            found[n_workers] = _found(coder, full, online, chunks)
    alike = [values for name, values in found.items() if name != "threads"]
    rows = [
        ("coding", max(_apart(each["codes"], expected["codes"]) for each in found.values())),
        ("full batch", max(_apart(each["full"], expected["full"]) for each in found.values())),
        ("online", _online(atoms, alpha, X, chunks)),
    ]
    for name in ("codes", "full", "online"):
        apart = max(_apart(each[name], alike[0][name]) for each in [*alike, found["threads"]])
        rows.append((f"{name}, any number of workers", apart))
    missed = []
    for name, apart in rows:
        asked = ASKED.get(name, ASKED["workers"])
        table.row(name, apart, asked)
        if apart > asked:
            missed.append(f"{name} differs by {apart:.1e}")
    table.end()
    return missed


def _found(coder, full, online, chunks):
    codes = coder.transform(chunks).compute()
    return {"codes": codes, "full": _atoms(full, chunks), "online": _atoms(online, chunks)}


def _atoms(model, X):
    return model.fit(X).components_


def _apart(mine, theirs):
    return float(np.abs(mine - theirs).max() / np.abs(theirs).max())


def _online(atoms, alpha, X, chunks):
    """Difference after the same random batches, in chunks and in memory."""
    samples = ChunkedSamples(chunks, run=max(len(X) // 8, 8))
    batches = list(samples.batches(max(len(X) // 8, 8), np.random.default_rng(0)))
    arrays = dask.compute(*[batch.X for batch in batches])
    *_, mine = alternate(Exact(L1(alpha)), atoms, batches, update=BlockUpdate())
    *_, theirs = alternate(Exact(L1(alpha)), atoms, arrays, update=BlockUpdate())
    return _apart(mine.dictionary.atoms, theirs.dictionary.atoms)
