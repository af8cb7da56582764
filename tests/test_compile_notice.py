"""The notice of a compilation: one line, once, for a person who waits."""

import logging
import sys
import time

import pytest

from sparsecode import _compile_notice, _interrupts
from sparsecode._interrupts import out_of_reach


@pytest.fixture(autouse=True)
def fresh():
    _compile_notice._say_once.cache_clear()


@pytest.mark.parametrize("prompt, level", [(True, "WARNING"), (False, "INFO")])
def test_a_long_compilation_is_said_once(caplog, monkeypatch, prompt, level):
    monkeypatch.setattr(_compile_notice, "_is_interactive", lambda: prompt)
    monkeypatch.setattr(_compile_notice, "SECONDS", 0)
    with caplog.at_level(logging.INFO, logger="sparsecode"):
        for _ in range(2):
            out_of_reach(time.sleep, 3 * _interrupts.SECONDS, meanwhile=_compile_notice.notice())
    (record,) = caplog.records
    assert record.levelname == level
    assert "compiles its kernels" in record.getMessage()
    assert "once" in record.getMessage()


def test_a_short_compilation_is_not_said(caplog, monkeypatch):
    monkeypatch.setattr(_compile_notice, "SECONDS", 3600)
    with caplog.at_level(logging.INFO, logger="sparsecode"):
        out_of_reach(time.sleep, 2 * _interrupts.SECONDS, meanwhile=_compile_notice.notice())
    assert not caplog.records


def test_a_prompt_is_interactive(monkeypatch):
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    assert _compile_notice._is_interactive()
