"""Conversion of what users give as atoms to a convolutional dictionary."""

from __future__ import annotations

from sparsecode._convolution.checks import check_atoms
from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode._messages import shown, wrong
from sparsecode.dictionary import Dictionary


def as_convolutional(dictionary, name="dictionary"):
    """Return `dictionary` as a `ConvolutionalDictionary`; an array of atoms is taken as it is."""
    if isinstance(dictionary, ConvolutionalDictionary):
        return dictionary
    if dictionary is None or isinstance(dictionary, Dictionary):
        raise TypeError(
            wrong(
                name,
                got=shown(dictionary),
                expected="a ConvolutionalDictionary or an array of atoms",
                remedy="Of a Dictionary of series take "
                "ConvolutionalDictionary(dictionary.atoms[:, None]).",
            )
        )
    return ConvolutionalDictionary(check_atoms(dictionary, name))
