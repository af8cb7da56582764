"""Disk cache of compiled kernels, valid for exactly these sources and protected by checksums.

numba itself only checks the file of a kernel, not the files of functions that it calls. It does not
check the contents of its cache either, and machine code with one wrong bit ends the process.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import pathlib
import re
import warnings

import numba
from numba.core import caching, serialize

_PACKAGE = pathlib.Path(__file__).parent
# An import of something of this package, wherever it stands in a file.
_IMPORT = re.compile(
    rf"^\s*(?:from ({__package__}[\w.]*) import (\([^)]*\)|[^\n]*)|import ({__package__}[\w.]*))",
    re.MULTILINE,
)
# Kernels are compiled for classes of penalties, which their own files do not import.
_PENALTIES = _PACKAGE / "penalties" / "__init__.py"
_SEAL_BYTES = 32
# Files that hold the kernels which this process loaded or compiled.
files_in_use = set()


def guarded_cache(function):
    """Return the cache of a kernel, or one that warns if no folder can be written."""
    try:
        return _GuardedCache(function)
    except (RuntimeError, OSError):
        return _NoCache()


def is_foreign(cls):
    """Return True if a class or function is not from this package."""
    return cls.__module__.partition(".")[0] != __package__


def sources_of(*paths):
    """Given files, all files of this package that they import, also indirectly, and penalties."""
    waiting, found = [*map(pathlib.Path, paths), _PENALTIES], set()
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imports_of(file)
    return found


@functools.cache
def _imports_of(path):
    """Files that a file imports, or imports from."""
    files = []
    for origin, names, module in _IMPORT.findall(path.read_text(encoding="utf-8")):
        origin = origin or module
        candidates = [origin, *(f"{origin}.{name}" for name in re.findall(r"\w+", names))]
        for candidate in candidates:
            place = _PACKAGE.joinpath(*candidate.split(".")[1:])
            options = (place.with_suffix(".py"), place / "__init__.py")
            # The package itself offers everything, and no kernel is made from that.
            files += [file for file in options if place != _PACKAGE and file.is_file()]
    return files


@functools.cache
def _sources_stamp(*paths):
    """Fingerprint of every source file that a kernel may depend on, as size and time of change."""
    digest = hashlib.sha256()
    for file in sorted(sources_of(*paths)):
        status = file.stat()
        line = f"{file.relative_to(_PACKAGE)} {status.st_mtime_ns} {status.st_size}\n"
        digest.update(line.encode())
    return digest.hexdigest()


class _GuardedCache(caching.FunctionCache):
    """numba's cache, with files in a sealed format."""

    def __init__(self, function):
        super().__init__(function)
        source = function.__code__.co_filename
        self._cache_file = SealedFiles(self._cache_path, self._impl.filename_base, source)

    def load_overload(self, signature, target_context):
        if _has_foreign(signature):
            return None
        try:
            return super().load_overload(signature, target_context)
        except Exception:
            # The file is from a version with other classes, and is written again.
            return None

    def save_overload(self, signature, data):
        if _has_foreign(signature):
            return
        try:
            super().save_overload(signature, data)
        except OSError as error:
            _warn_no_cache(error)


class SealedFiles:
    """One file per signature of a function, used only if its checksum is right.

    A file ends with a checksum of its contents, keyed by the function, the signature, the sources
    and numba's version. A damaged or foreign file counts as missing.
    """

    def __init__(self, path, base, source):
        self._path, self._base, self._source = path, base, source

    def load(self, key):
        """Return the entry of a key, or None if there is no valid one."""
        path, mark = self._place(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        if content[-_SEAL_BYTES:] != _seal(mark, content[:-_SEAL_BYTES]):
            return None
        files_in_use.add(path)
        # numba reads no further than the end of its own data.
        return self._files()._load_data(path.name)

    def save(self, key, data):
        """Write or replace a file, completely or not at all."""
        path, mark = self._place(key)
        data = serialize.dumps(data)
        with self._files()._open_for_write(str(path)) as file:
            file.write(data + _seal(mark, data))
        files_in_use.add(path)

    def _files(self):
        return caching.IndexDataCacheFile(self._path, self._base, "")

    def _place(self, key):
        """Path of the file of a key, and the key of its checksum."""
        digest = hashlib.sha256(repr(key).encode()).hexdigest()
        classes = {cls for cls in _classes_in(key[0]) if not is_foreign(cls)}
        stamp = _sources_stamp(self._source, *sorted(map(_file_of, classes)))
        mark = f"{self._base} {digest} {stamp} {numba.__version__}"
        return pathlib.Path(self._path) / f"{self._base}-{digest[:16]}.nbc", mark


def _seal(mark, data):
    key = hashlib.sha256(mark.encode()).digest()
    return hashlib.blake2b(data, key=key, digest_size=_SEAL_BYTES).digest()


def _has_foreign(signature):
    """Return True if a kernel, or one that it calls, is compiled for a foreign penalty.

    A foreign penalty may be edited, or missing in the next process, which then could not read the
    file.
    """
    return any(map(is_foreign, _classes_in(signature)))


def _classes_in(types):
    """Classes of the named tuples among types of numba, and inside of these."""
    for numba_type in types:
        cls = getattr(numba_type, "instance_class", None)
        if cls is not None:
            yield cls
        yield from _classes_in(getattr(numba_type, "types", ()))


def _file_of(cls):
    return inspect.getfile(cls)


class _NoCache(caching.NullCache):
    """Replacement for the cache if no folder can be written; warns at the first compilation."""

    def save_overload(self, signature, data):
        _warn_no_cache("no folder to write to")


@functools.cache
def _warn_once(message):
    warnings.warn(message, RuntimeWarning, stacklevel=2)


def _warn_no_cache(reason):
    _warn_once(
        f"compiled kernels cannot be cached on disk ({reason}); every process compiles them "
        "again. Set NUMBA_CACHE_DIR to a folder that can be written."
    )
