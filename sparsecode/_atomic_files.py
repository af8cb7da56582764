"""Atomic output files: checked to be writable in advance, and written completely or not at all."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import secrets
import stat
from pathlib import Path

_PREFIX = ".sparsecode-"


@contextlib.contextmanager
def write_atomically(path):
    """Context of a temporary path to write to, which replaces `path` in one step at the end.

    The temporary file lies in the folder of `path` and has its suffix, so that writers that choose
    a format by the suffix work unchanged. If the block raises, also by Ctrl-C, the temporary file
    is removed and `path` does not change. Temporary files of killed processes of this machine are
    removed first.

    A new file gets the permissions that ``open(path, "w")`` would give it, an existing file
    keeps its own, and a symbolic link is followed.

    Parameters
    ----------
    path : str or path-like
        The file to write or replace.

    Yields
    ------
    temporary : pathlib.Path
        Write the contents here, by name, and close it before the block ends.

    Raises
    ------
    OSError, ValueError
        As `check_writable`.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with write_atomically(folder / "table.txt") as temporary:
    ...     _ = temporary.write_text("144 atoms")
    >>> (folder / "table.txt").read_text()
    '144 atoms'
    """
    target = _regular_target(path)
    _remove_abandoned(target.parent)
    temporary = _temporary_beside(target)
    try:
        _create(temporary, path)
        mode = temporary.stat().st_mode
        try:
            yield temporary
            # A writer may have created the file again, with other permissions.
            temporary.chmod(stat.S_IMODE(target.stat().st_mode if target.exists() else mode))
            # Without this a power cut after the rename could leave an empty file under the new
            # name.
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except OSError as error:
            if error.strerror is None or str(path) in str(error):
                raise
            # For example a full disk: the writer knows neither the path nor a remedy.
            raise _cannot_write(path, error) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def check_writable(path):
    """Raise an error, before the work starts, if `path` cannot be written.

    An empty file is created beside `path` and removed at once. Permission bits are not enough: a
    file system can be read-only, and the superuser ignores them.

    Parameters
    ----------
    path : str or path-like
        The file that will be written or replaced.

    Raises
    ------
    OSError
        If the folder is missing or cannot be written to, or `path` is a folder or read-only.
    ValueError
        If `path` is empty, or is neither a regular file nor a new name (a device, a pipe).

    Examples
    --------
    >>> check_writable("no/a.png")
    Traceback (most recent call last):
    FileNotFoundError: no/a.png cannot be written: there is no folder no. Create it first.
    """
    temporary = _temporary_beside(_regular_target(path))
    try:
        _create(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _regular_target(path):
    """Return the file that `path` refers to, or raise an error if it cannot be written."""
    if not os.fspath(path):
        raise ValueError("The output path is empty. Give the name of the file to write.")
    target = Path(os.path.realpath(path))
    try:
        mode = target.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if not target.parent.is_dir():
            folder = Path(path).parent
            if target.parent.exists():
                raise NotADirectoryError(
                    f"{path} cannot be written: {folder} is not a folder. Choose another path."
                ) from None
            raise FileNotFoundError(
                f"{path} cannot be written: there is no folder {folder}. Create it first."
            ) from None
        return target
    except OSError as error:
        raise _cannot_write(path, error) from error
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(
            f"{path} cannot be written: it is a folder. Add the name of a file to it."
        )
    if not stat.S_ISREG(mode):
        raise ValueError(
            f"{path} cannot be written: it is a device or a pipe, not a regular file. "
            "Choose another path."
        )
    # Renaming over a read-only file succeeds; its owner did not ask for that.
    if not os.access(target, os.W_OK):
        raise PermissionError(
            f"{path} cannot be written: the file is read-only. "
            "Choose another path or change its permissions."
        )
    return target


def _temporary_beside(target):
    name = f"{_PREFIX}{_place_of_process()}-{os.getpid()}-{secrets.token_hex(8)}{target.suffix}"
    return target.with_name(name)


@functools.cache
def _place_of_process():
    """Name of the space of process numbers: this machine, or one of its containers."""
    try:
        counted = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        counted = 0
    return hashlib.sha256(f"{platform.node()} {counted}".encode()).hexdigest()[:8]


def _remove_abandoned(folder):
    """Remove temporary files of this place whose processes are dead."""
    if os.name != "posix":
        # On other systems a process cannot be checked without ending it.
        return
    ours = f"{_PREFIX}{_place_of_process()}-"
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(ours) or not entry.is_file(follow_symlinks=False):
                continue
            number = entry.name.removeprefix(ours).partition("-")[0]
            if number.isdecimal() and not _is_alive(int(number)):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def _is_alive(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        # A process of another user, or one that cannot be checked.
        return True
    return True


def _create(temporary, path):
    """Create an empty file with the permissions of the umask; name `path` if that fails."""
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path, error):
    return type(error)(
        f"{path} cannot be written: {error.strerror}. "
        "Choose another path, or check the permissions and the space left on the disk."
    )
