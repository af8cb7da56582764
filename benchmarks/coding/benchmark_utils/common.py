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
    usable,
)
from _report import NOT_INSTALLED, Report  # noqa: E402

__all__ = ["NOT_INSTALLED", "Report", "clock", "interleaved", "missing", "patches", "usable"]
