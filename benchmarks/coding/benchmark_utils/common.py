"""What all benchmark scripts share, from the folder above the benchmark."""

import sys
from pathlib import Path

_SCRIPTS = str(Path(__file__).resolve().parents[2])
if _SCRIPTS not in sys.path:
    sys.path.append(_SCRIPTS)

from _common import (  # noqa: E402
    clock,
    interleaved,
    missing,
    patches,
    print_header,
    usable,
)

__all__ = ["clock", "interleaved", "missing", "patches", "print_header", "usable"]
