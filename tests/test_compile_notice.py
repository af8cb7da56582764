"""The notice of a compilation: one line, once, for a person who waits."""

import logging
import sys
import threading
import time

import pytest

from sparsecode import _compile_notice


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(_compile_notice, "_is_said", threading.Event())
    monkeypatch.setattr(_compile_notice, "SECONDS", 0.05)


def wait_for_notice():
    with _compile_notice.noticed():
        assert _compile_notice._is_said.wait(30)


@pytest.mark.parametrize("prompt, level", [(True, "WARNING"), (False, "INFO")])
def test_a_long_compilation_is_said_once(caplog, monkeypatch, prompt, level):
    monkeypatch.setattr(_compile_notice, "_is_interactive", lambda: prompt)
    with caplog.at_level(logging.INFO, logger="sparsecode"):
        wait_for_notice()
        with _compile_notice.noticed():
            time.sleep(0.2)
    (record,) = caplog.records
    assert record.levelname == level
    assert "compiles its kernels" in record.getMessage()
    assert "once" in record.getMessage()


def test_a_short_compilation_is_not_said(caplog, monkeypatch):
    monkeypatch.setattr(_compile_notice, "SECONDS", 60)
    with caplog.at_level(logging.INFO, logger="sparsecode"), _compile_notice.noticed():
        pass
    assert not caplog.records
    assert not any(
        isinstance(thread, threading.Timer) and not thread.finished.is_set()
        for thread in threading.enumerate()
    )


def test_a_prompt_is_interactive(monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert _compile_notice._is_interactive()
