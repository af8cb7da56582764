"""Notice that kernels are being compiled, for somebody who waits for the first call."""

from __future__ import annotations

import functools
import logging
import sys
import time

# Longest wait for a compiler that needs no explanation.
SECONDS = 1.0
_LOGGER = logging.getLogger("sparsecode")
TEXT = (
    "sparsecode compiles its kernels for this processor. This happens once and takes some seconds; "
    "later calls and later processes load them from disk."
)


def notice():
    """Return a function to call while a compilation is awaited.

    After `SECONDS` it writes a line to the log, once in a process: at level WARNING in an
    interactive session, where the log is shown by default, and at level INFO elsewhere.
    """
    start = time.monotonic()

    def say():
        if time.monotonic() - start >= SECONDS:
            _say_once()

    return say


@functools.cache
def _say_once():
    _LOGGER.log(logging.WARNING if _is_interactive() else logging.INFO, TEXT)


def _is_interactive():
    """Return True if a person reads what the process writes now: a prompt, notebook or terminal."""
    if hasattr(sys, "ps1") or sys.flags.interactive or "ipykernel" in sys.modules:
        return True
    return sys.stderr is not None and sys.stderr.isatty()
