"""Whitened patches of the bundled photographs; see `benchmark_utils.workloads`."""

from benchmark_utils.workloads import WORKLOADS, load
from benchopt import BaseDataset


class Dataset(BaseDataset):
    """A workload; ``quick=True`` is a small version of it."""

    name = "photographs"
    parameters = {  # noqa: RUF012
        "workload": list(WORKLOADS),
        "quick": [False],
        "n_samples": [512],
    }

    def get_data(self):
        return {"problem": load(self.workload, quick=self.quick, n_samples=self.n_samples)}
