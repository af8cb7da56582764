"""Options for reading a checkpoint, about what its files do not contain."""

from __future__ import annotations

import dataclasses

from sparsecode._reading.regular import check_max_bytes
from sparsecode._validation import check_flag, check_number


@dataclasses.dataclass(frozen=True)
class Options:
    """Checked arguments of `read_checkpoint` for the readers of formats."""

    input_scale: float | None = None
    transcoder: bool | None = None
    dict_class: str | None = None
    max_bytes: int | None = None

    def __post_init__(self):
        if self.input_scale is not None:
            check_number(self.input_scale, "input_scale", low=0, low_open=True)
        if self.transcoder is not None:
            check_flag(self.transcoder, "transcoder")
        check_max_bytes(self.max_bytes)

    @property
    def scale(self) -> float:
        """Factor of the inputs, 1 if none is given."""
        return 1.0 if self.input_scale is None else self.input_scale
