"""Reading and writing: which format a path is of, and files whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import pathlib

import numpy as np

from sparsecode._files import write_atomically
from sparsecode._reading.refusal import Refused, damaged, refusal
from sparsecode._validation import check_flag, check_number, wrong
from sparsecode.interop import dictionary_learning, gemma_scope, sae_lens, sparsify
from sparsecode.interop._arrays import write_safetensors
from sparsecode.interop._checkpoint import Checkpoint
from sparsecode.interop._config import write_config

FORMATS = {
    "sae_lens": sae_lens,
    "gemma_scope": gemma_scope,
    "sparsify": sparsify,
    "dictionary_learning": dictionary_learning,
}


def read_checkpoint(path, format=None, *, input_scale=None, fold=True):
    """Read an autoencoder or transcoder that another library wrote.

    Nothing in the file is executed. float16 and bfloat16 become float32.

    Parameters
    ----------
    path : str or path-like
        The folder of the files, or the file of the weights; settings are read from beside it.
    format : {"sae_lens", "gemma_scope", "sparsify", "dictionary_learning"} or None, default=None
        None finds it out by the names of the files.
    input_scale : float or None, default=None
        Factor that inputs were multiplied by in training, for models that need it and are not
        given it: it is folded into the weights.
    fold : bool, default=True
        Return the form that encoders compute; see `Checkpoint.fold`. With False the arrays are
        those of the file, bit by bit, and the switches of the checkpoint tell how to use them.

    Returns
    -------
    checkpoint : Checkpoint

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If it is not a checkpoint of the format, is damaged, or holds a model that cannot be
        computed here as it was meant.

    Examples
    --------
    >>> import tempfile
    >>> from sparsecode.interop import Checkpoint, read_checkpoint, write_checkpoint
    >>> folder = tempfile.mkdtemp()
    >>> atoms = [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]
    >>> checkpoint = Checkpoint("TopK", W=atoms, atoms=atoms, offset=[1.0, 1.0], k=2)
    >>> write_checkpoint(checkpoint, folder, "sparsify")
    >>> read_checkpoint(folder)
    Checkpoint(TopK, 3 units, 2 features, k=2, float64)
    """
    fold = check_flag(fold, "fold")
    if input_scale is not None:
        input_scale = check_number(input_scale, "input_scale", low=0, low_open=True)
    path = pathlib.Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder. Give the path of a checkpoint.")
    format, weights = _find(path, format)
    try:
        checkpoint = FORMATS[format].read(weights, input_scale)
        return checkpoint.fold() if fold else checkpoint
    except (Refused, MemoryError):
        raise
    except OSError as error:
        # A damaged archive makes the zip library look for places that no file has.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise damaged(weights, f"{type(error).__name__}: {error}") from error
    except Exception as error:  # A damaged or hostile file can make a reader raise anything.
        raise damaged(weights, f"{type(error).__name__}: {error}") from error


def write_checkpoint(checkpoint, path, format):
    """Write a checkpoint as files that another library reads.

    All files are complete before the first gets its name; if writing fails, the folder is as it
    was. What `read_checkpoint` reads from them is bit by bit equal, if the checkpoint obeys the
    conventions of the format (the guide lists them); otherwise the weights are folded to obey.

    Parameters
    ----------
    checkpoint : Checkpoint
    path : str or path-like
        The folder, which is created if there is none.
    format : {"sae_lens", "gemma_scope", "sparsify", "dictionary_learning"}

    Raises
    ------
    ValueError
        If the format has no such architecture, or no words for what the checkpoint does.
    OSError
        If the files cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> from sparsecode.interop import Checkpoint, write_checkpoint
    >>> folder = tempfile.mkdtemp()
    >>> write_checkpoint(Checkpoint("ReLU", W=[[1.0]], atoms=[[1.0]]), folder, "sae_lens")
    >>> sorted(os.listdir(folder))
    ['cfg.json', 'sae_weights.safetensors']
    """
    if not isinstance(checkpoint, Checkpoint):
        raise TypeError(
            wrong(
                "checkpoint",
                got=f"a {type(checkpoint).__name__}",
                expected="a Checkpoint",
                remedy="Make one of your arrays.",
            )
        )
    _check_format(format)
    folder = pathlib.Path(path)
    if folder.suffix in (".npz", ".safetensors", ".pt", ".json"):
        raise ValueError(
            f"{folder} is the name of a file; expected a folder. The files in it are named by the "
            "format."
        )
    contents = FORMATS[format].files(checkpoint)
    is_new = not folder.exists()
    if is_new:
        folder.mkdir()
    try:
        with contextlib.ExitStack() as stack:
            for name, content in contents.items():
                _write(stack.enter_context(write_atomically(folder / name)), content)
    except BaseException:
        if is_new:
            for name in contents:
                (folder / name).unlink(missing_ok=True)
            folder.rmdir()
        raise


def _write(path, content):
    if path.suffix == ".json":
        write_config(path, content)
    elif path.suffix == ".npz":
        np.savez(path, **{name: np.asarray(a, order="C") for name, a in content.items()})
    else:
        write_safetensors(path, content)


def _check_format(format):
    if format not in FORMATS:
        raise ValueError(
            wrong("format", got=repr(format), expected=" or ".join(FORMATS), remedy="Choose one.")
        )


def _find(path, format):
    """Return the format of a path, and the file of its weights."""
    if format is not None:
        _check_format(format)
    if not path.is_dir():
        return format or _format_of(path), path
    candidates = [
        (name, path / file)
        for name in ([format] if format else FORMATS)
        for file in FORMATS[name].WEIGHTS
        if (path / file).is_file()
    ]
    if len(candidates) == 1:
        return candidates[0]
    known = sorted(file for module in FORMATS.values() for file in module.WEIGHTS)
    found = " and ".join(file.name for _, file in candidates) or "none of them"
    raise refusal(
        path,
        got=f"a folder with {found}",
        expected=f"exactly one of {', '.join(known)}",
        remedy="Give the path of the file with the weights, and the format.",
    )


def _format_of(path):
    by_suffix = {".npz": "gemma_scope", ".pt": "dictionary_learning", ".pth": "dictionary_learning"}
    for name, module in FORMATS.items():
        if path.name in module.WEIGHTS:
            return name
    if path.suffix not in by_suffix:
        raise refusal(
            path,
            got="a file of unknown format",
            expected=f"format={' or '.join(FORMATS)}",
            remedy="Give the format, as the name does not tell it.",
        )
    return by_suffix[path.suffix]
