"""The attack of tools/fuzz_files.py: a small round, and that it notices what it looks for."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("resource")
FOLDER = Path(__file__).parent.parent / "tools"


@pytest.fixture
def fuzz_files(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import fuzz_files

    return fuzz_files


@pytest.fixture
def folder(fuzz_files, tmp_path):
    for example in fuzz_files.EXAMPLES.values():
        (tmp_path / "good" / example.name).mkdir(parents=True)
        example.write(tmp_path / "good" / example.name)
    return tmp_path


def run_case(fuzz_files, number, folder):
    return fuzz_files.read_case(*fuzz_files.make_case(0, number, folder))


def test_every_valid_file_is_read_and_used(fuzz_files, folder, monkeypatch):
    monkeypatch.setattr(fuzz_files, "mutate", lambda rng, target: "nothing")
    found = {run_case(fuzz_files, number, folder) for number in range(300)}
    assert {kind for kind, _ in found} == {"read"}
    assert len(found) == len(fuzz_files.EXAMPLES)


@pytest.mark.skipif(sys.platform != "linux", reason="needs to know the memory of a process")
def test_a_small_round(fuzz_files, monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    counts, bad = fuzz_files.fuzz(7, 80)
    assert not bad, "\n".join(bad)
    assert sum(counts.values()) == 80 and counts["refused"] > 25 and counts["read"] > 5


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KeyError("format"), "foreign"),
        (ValueError("not enough values to unpack"), "foreign"),
        (MemoryError(), "memory"),
        (RecursionError(), "foreign"),
        (None, "late"),
    ],
)
def test_it_notices(fuzz_files, folder, monkeypatch, error, kind):
    def read(path):
        if error is not None:
            raise error
        return [None]

    monkeypatch.setattr(fuzz_files, "READERS", dict.fromkeys(fuzz_files.READERS, read))
    assert run_case(fuzz_files, 3, folder)[0] == kind


def test_a_hang_and_a_crash_are_told_and_the_rest_goes_on(fuzz_files, monkeypatch, tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(
        "import sys, time, os\n"
        "start = int(sys.argv[sys.argv.index('--start') + 1])\n"
        "for number in range(start, 6):\n"
        '    print(f\'["begin", {number}, ""]\', flush=True)\n'
        "    if number == 1: time.sleep(60)\n"
        "    if number == 3: os._exit(5)\n"
        '    print(f\'["read", {number}, ""]\', flush=True)\n'
    )
    monkeypatch.setattr(fuzz_files, "__file__", str(script))
    monkeypatch.setattr(fuzz_files, "MOST_SECONDS", 2)
    monkeypatch.setattr(fuzz_files, "EXAMPLES", {})
    counts, bad = fuzz_files.fuzz(0, 6)
    assert counts == {"read": 4, "hang": 1, "crash": 1}
    assert "hang in case 1" in bad[0] and "crash in case 3" in bad[1] and "5" in bad[1]
