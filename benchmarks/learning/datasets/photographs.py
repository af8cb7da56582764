"""Whitened patches of the bundled photographs; see `benchmark_utils.workloads`."""

from benchmark_utils.workloads import WORKLOADS, load
from benchopt import BaseDataset


class Dataset(BaseDataset):
    """A workload; ``quick=True`` is a small version of it."""

    name = "photographs"
    parameters = {"workload": list(WORKLOADS), "quick": [False]}  # noqa: RUF012

    def get_data(self):
        return {"problem": load(self.workload, quick=self.quick)}
