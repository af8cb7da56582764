"""Output files are whole or absent, and a path that cannot be written is refused early."""

import errno
import os
import stat
import subprocess
import sys

import pytest

from sparsecode import _atomic_files
from sparsecode._atomic_files import check_writable, write_atomically


def write(path, text):
    with write_atomically(path) as temporary:
        temporary.write_text(text)


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def umask_027():
    before = os.umask(0o027)
    yield
    os.umask(before)


def test_writes_a_new_file_and_leaves_nothing_else(tmp_path):
    write(tmp_path / "a.txt", "atoms")
    assert (tmp_path / "a.txt").read_text() == "atoms"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_temporary_lies_beside_the_target_with_its_suffix(tmp_path):
    with write_atomically(str(tmp_path / "a.png")) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".png"
        temporary.write_bytes(b"1")


@pytest.mark.parametrize("raised", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path, raised):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(raised), write_atomically(path) as temporary:
        temporary.write_text("half of the n")
        raise raised
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_failing_rename_leaves_nothing(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "a.txt", "atoms")
    assert os.listdir(tmp_path) == []


def test_a_new_file_has_the_permissions_of_the_umask(tmp_path, umask_027):
    write(tmp_path / "a.txt", "atoms")
    assert mode_of(tmp_path / "a.txt") == 0o640


def test_an_existing_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o600)
    write(path, "new")
    assert path.read_text() == "new"
    assert mode_of(path) == 0o600


def test_a_symbolic_link_is_followed(tmp_path):
    (tmp_path / "folder").mkdir()
    target = tmp_path / "folder" / "a.txt"
    target.write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    write(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


@pytest.mark.parametrize("exists", [False, True])
def test_check_writable_leaves_no_trace(tmp_path, exists):
    path = tmp_path / "a.txt"
    if exists:
        path.write_text("old")
        os.utime(path, (1, 1))
    check_writable(path)
    assert os.listdir(tmp_path) == (["a.txt"] if exists else [])
    if exists:
        assert path.read_text() == "old"
        assert path.stat().st_mtime == 1


@pytest.mark.parametrize("function", [check_writable, lambda path: write(path, "atoms")])
class TestRefused:
    def refuse(self, function, path, kind, words):
        with pytest.raises(kind, match=words) as caught:
            function(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value)

    def test_missing_folder(self, function, tmp_path):
        path = tmp_path / "no" / "a.txt"
        self.refuse(function, path, FileNotFoundError, "there is no folder .*Create it first")

    def test_file_in_place_of_the_folder(self, function, tmp_path):
        (tmp_path / "file").write_text("")
        self.refuse(function, tmp_path / "file" / "a.txt", NotADirectoryError, "is not a folder")

    def test_folder(self, function, tmp_path):
        self.refuse(function, tmp_path, IsADirectoryError, "it is a folder. Add the name")

    def test_empty_path(self, function):
        self.refuse(function, "", ValueError, "output path is empty")

    @pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs /dev/null")
    def test_device(self, function):
        self.refuse(function, "/dev/null", ValueError, "a device or a pipe")
        assert stat.S_ISCHR(os.stat("/dev/null").st_mode)

    @pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
    def test_folder_that_even_root_cannot_write_to(self, function):
        self.refuse(function, "/proc/a.txt", OSError, "cannot be written: .*Choose another path")

    def test_name_too_long(self, function, tmp_path):
        self.refuse(function, tmp_path / ("a" * 300), OSError, "File name too long")

    def test_read_only_file(self, function, tmp_path, monkeypatch):
        path = tmp_path / "a.txt"
        path.write_text("old")
        path.chmod(0o400)
        if os.access(path, os.W_OK):  # the superuser may write everything
            monkeypatch.setattr(os, "access", lambda *args: False)
        self.refuse(function, path, PermissionError, "the file is read-only")
        assert path.read_text() == "old"

    def test_read_only_file_system(self, function, tmp_path, monkeypatch):
        def fail(*args):
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr(os, "open", fail)
        self.refuse(function, tmp_path / "a.txt", OSError, "Read-only file system")


class TestAbandoned:
    """Temporary files that killed processes left: the next save in the folder removes them."""

    SAVE_AND_DIE = (
        "import os, signal, sys\n"
        "from sparsecode._atomic_files import write_atomically\n"
        "with write_atomically(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    @pytest.mark.skipif(os.name != "posix", reason="needs to ask whether a process lives")
    def test_of_a_killed_process(self, tmp_path):
        path = tmp_path / "a.txt"
        command = [sys.executable, "-c", self.SAVE_AND_DIE, str(path)]
        assert subprocess.run(command, check=False).returncode == -9
        (left,) = os.listdir(tmp_path)
        assert left.startswith(".sparsecode-")
        write(tmp_path / "b.txt", "atoms")
        assert os.listdir(tmp_path) == ["b.txt"]

    @pytest.mark.skipif(os.name != "posix", reason="needs to ask whether a process lives")
    def test_of_others_nothing_is_removed(self, tmp_path):
        place = _atomic_files._place_of_process()
        others = [
            f".sparsecode-{place}-{os.getpid()}-00.txt",  # lives
            f".sparsecode-{place}-{os.getppid()}-00.txt",
            f".sparsecode-{'0' * 8}-999999999-00.txt",  # of another machine
            f".sparsecode-{place}-x-00.txt",
            ".sparsecode-notes.txt",
            "notes.txt",
        ]
        for name in others:
            (tmp_path / name).write_text("keep")
        (tmp_path / f".sparsecode-{place}-999999999-00").mkdir()
        (tmp_path / f".sparsecode-{place}-999999999-01.txt").symlink_to(tmp_path / "notes.txt")
        before = sorted(os.listdir(tmp_path))
        dead = tmp_path / f".sparsecode-{place}-999999999-02.txt"
        dead.write_text("half")
        write(tmp_path / "a.txt", "atoms")
        assert sorted([*before, "a.txt"]) == sorted(os.listdir(tmp_path))


FULL_DISK = """
import resource, sys
import numpy as np
from sparsecode import Dictionary, SparseAutoencoder
from sparsecode.interop import Checkpoint, write_checkpoint
from sparsecode.training import TrainingState

import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
atoms = np.ones((300, 300))
dictionary, checkpoint = Dictionary(atoms), Checkpoint("ReLU", atoms, atoms)
state = TrainingState("ReLU", "Adam", {"W": atoms}, dictionary, {}, dictionary, {})
model = SparseAutoencoder.from_pretrained(checkpoint)
# As on a disk with so much space left.
resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))
for suffix in (".npz", ".safetensors"):
    for saved in (dictionary, state, model):
        try:
            saved.save(f"a{suffix}")
        except OSError as error:
            print(type(error).__name__, error)
for format in ("sae_lens", "dictionary_learning"):
    try:
        write_checkpoint(checkpoint, format, format)
    except OSError as error:
        print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit for the size of files")
def test_a_full_disk_is_an_error_of_the_system_with_the_path(tmp_path):
    """Whatever is saved: files are whole or absent, and the message names them."""
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK], capture_output=True, text=True, cwd=tmp_path
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert len(lines) == 8
    names = ["a.npz"] * 3 + ["a.safetensors"] * 3
    names += ["sae_lens/sae_weights.safetensors", "dictionary_learning/ae.pt"]
    for line, name in zip(lines, names, strict=True):
        assert line.startswith(f"OSError {name} cannot be written: "), line
        assert "space left on the disk" in line
    assert os.listdir(tmp_path) == []
