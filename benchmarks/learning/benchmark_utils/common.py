"""What all benchmark scripts share, from the folder above the benchmark."""

import sys
from pathlib import Path

_SCRIPTS = str(Path(__file__).resolve().parents[2])
if _SCRIPTS not in sys.path:
    sys.path.append(_SCRIPTS)

from _common import clock, missing, patches, usable  # noqa: E402
from _report import Report  # noqa: E402

__all__ = ["Report", "clock", "missing", "patches", "usable"]
