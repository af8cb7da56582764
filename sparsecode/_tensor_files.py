"""Writing of safetensors files, with the usual errors of writing a file."""

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
        # Its message contains the error number of the system as text only.
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        code = int(number[1])
        raise OSError(code, os.strerror(code)) from error
