"""Writing safetensors files, with the errors that writing any file has."""

from __future__ import annotations

import os
import re

import numpy as np
import safetensors
import safetensors.numpy


def write_tensors(path, arrays, metadata):
    """Write arrays by name; equal arrays and metadata of one entry make equal files.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    try:
        safetensors.numpy.save_file(arrays, path, metadata=metadata)
    except safetensors.SafetensorError as error:
        # It tells the number of the system's error in words only.
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        code = int(number[1])
        raise OSError(code, os.strerror(code)) from error
