"""Reading and writing of checkpoints, in the formats of several libraries."""

from __future__ import annotations

import contextlib
import errno
import pathlib

import numpy as np

from sparsecode._atomic_files import write_atomically
from sparsecode._messages import shown, wrong
from sparsecode._reading.refusal import Refused, damaged, refusal
from sparsecode._typing import PathLike
from sparsecode._validation import check_flag
from sparsecode._values import check_option, check_path
from sparsecode.interop import dictionary_learning, gemma_scope, openai, sae_lens, sparsify
from sparsecode.interop._arrays import write_safetensors
from sparsecode.interop._checkpoint import Checkpoint
from sparsecode.interop._checkpoint_folding import with_norms
from sparsecode.interop._config import write_config
from sparsecode.interop._options import Options
from sparsecode.interop._torch_write import write_torch
from sparsecode.interop._torch_zip import read_state

FORMATS = {
    "sae_lens": sae_lens,
    "gemma_scope": gemma_scope,
    "sparsify": sparsify,
    "dictionary_learning": dictionary_learning,
    "openai": openai,
}
WRITTEN = tuple(name for name in FORMATS if name != "openai")


def read_checkpoint(
    path: PathLike,
    format: str | None = None,
    *,
    input_scale: float | None = None,
    fold: bool = True,
    fold_norms: bool | None = None,
    transcoder: bool | None = None,
    dict_class: str | None = None,
    max_bytes: int | None = None,
) -> Checkpoint:
    """Read a pretrained autoencoder or transcoder of another library.

    Nothing in the file is executed. float16 and bfloat16 become float32.

    Parameters
    ----------
    path : str or path-like
        Folder of the files, or file of the weights; settings are read from the same folder.
    format : {"sae_lens", "gemma_scope", "sparsify", "dictionary_learning", "openai"} or None, \
default=None
        Format of the files. None detects it from the names of the files, and of the arrays in a
        torch file.
    input_scale : float or None, default=None
        Factor of the inputs in training, for models that expect scaled inputs. It is folded into
        the weights, so that the model takes unscaled inputs.
    fold : bool, default=True
        Whether to fold scales and offset into the weights, as encoders need; see `Checkpoint.fold`.
        With False the arrays are those of the file, bit by bit, and the options of the checkpoint
        say how to use them.
    fold_norms : bool or None, default=None
        Whether to normalise atoms to norm 1 and multiply codes by the former norms. None does what
        the library of the format does when it loads the file. Reconstructions do not change.
    transcoder : bool or None, default=None
        Whether the model is a transcoder, for files that do not say it: those of Gemma Scope with
        as many outputs as inputs. None reads such a file as an autoencoder.
    dict_class : str or None, default=None
        Class of dictionary_learning, such as "BatchTopKSAE", for files without settings.
    max_bytes : int or None, default=None
        Largest size of an unpacked compressed file, in bytes. None is 64 MiB or 20 times the size
        of the file, whichever is more.

    Returns
    -------
    checkpoint : Checkpoint

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If the file is not a checkpoint of the format, if it is damaged, or if its model is not
        supported.

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
    if fold_norms is not None:
        fold_norms = check_flag(fold_norms, "fold_norms")
    options = Options(input_scale, transcoder, dict_class, max_bytes)
    path = pathlib.Path(check_path(path))
    if format is not None:
        _check_format(format, FORMATS)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder. Give the path of a checkpoint.")
    with _worded(path):
        format, weights = _find(path, format, options)
    _check_dict_class(format, options)
    with _worded(weights):
        checkpoint = FORMATS[format].read(weights, options)
    if options.transcoder not in (None, checkpoint.transcoder):
        raise refusal(
            weights,
            got="an autoencoder" if options.transcoder else "a transcoder",
            expected=f"what transcoder={options.transcoder} says",
            remedy="Leave transcoder out to use the kind that the file gives.",
        )
    try:
        checkpoint = with_norms(checkpoint, fold_norms)
        return checkpoint.fold() if fold else checkpoint
    except ValueError as error:
        raise Refused(f"{weights}: {error}") from error


@contextlib.contextmanager
def _worded(weights):
    """Turn the errors that a damaged or hostile file causes into clear ones."""
    try:
        yield
    except (Refused, MemoryError):
        raise
    except OSError as error:
        # For a damaged archive the zip library can seek positions that no file has.
        if error.errno not in (None, errno.EINVAL):
            raise type(error)(
                f"{weights} cannot be read: {error.strerror}. Check its name and its permissions."
            ) from error
        raise damaged(weights, str(error)) from error
    except ValueError as error:
        raise damaged(weights, str(error).rstrip(".")) from error
    except Exception as error:
        raise damaged(weights, "its contents contradict its format") from error


def write_checkpoint(checkpoint: Checkpoint, path: PathLike, format: str) -> None:
    """Write a checkpoint as files for another library.

    All files are complete before the first one gets its final name. If writing fails, the folder
    does not change. `read_checkpoint` returns the same numbers, bit by bit, if the checkpoint
    follows the conventions of the format (the guide lists them). Otherwise the weights are folded
    to follow them.

    Parameters
    ----------
    checkpoint : Checkpoint
    path : str or path-like
        Folder, which is created if it does not exist.
    format : {"sae_lens", "gemma_scope", "sparsify", "dictionary_learning"}

    Raises
    ------
    ValueError
        If the format does not support the architecture or an option of the checkpoint.
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
                remedy="Make a Checkpoint from your arrays.",
            )
        )
    _check_format(format, WRITTEN)
    folder = pathlib.Path(check_path(path))
    if folder.suffix in (".npz", ".safetensors", ".pt", ".json"):
        raise ValueError(
            f"{folder} is the name of a file; expected a folder. Give a folder: the format names "
            "the files in it."
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
    elif path.suffix == ".pt":
        write_torch(path, content)
    else:
        write_safetensors(path, content)


def _check_dict_class(format, options):
    if options.dict_class is None:
        return
    if format != "dictionary_learning" or not _is_known(options.dict_class):
        raise ValueError(
            wrong(
                "dict_class",
                got=f"{shown(options.dict_class)} of a file of the format {format!r}",
                expected="None, or for the format 'dictionary_learning' one of "
                + ", ".join(dictionary_learning.CLASSES),
                remedy="Choose one of these.",
            )
        )


def _is_known(dict_class):
    return isinstance(dict_class, str) and dict_class in dictionary_learning.CLASSES


def _check_format(format, known):
    check_option(format, "format", known)


def _find(path, format, options):
    """Return the format of a path, and the file of its weights."""
    if format is not None:
        _check_format(format, tuple(FORMATS))
    if not path.is_dir():
        return format or _format_of(path, options), path
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


def _format_of(path, options):
    for name, module in FORMATS.items():
        if path.name in module.WEIGHTS:
            return name
    if path.suffix in (".pt", ".pth"):
        is_openai = openai.is_of(read_state(path, options.max_bytes))
        return "openai" if is_openai else "dictionary_learning"
    if path.suffix != ".npz":
        raise refusal(
            path,
            got="a file of unknown format",
            expected=f"format={' or '.join(FORMATS)}",
            remedy="Set format, as the name of the file does not show it.",
        )
    return "gemma_scope"
