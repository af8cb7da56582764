"""Request of convolutional filters: what the command was asked for, without options of patches."""

from __future__ import annotations

from typing import NamedTuple

import click

N_COMPONENTS, N_EPOCHS = 36, 5
# Options of patches, which shifted filters have no use for.
_NOT_HERE = {
    "method": "they are learned by one method",
    "n_patches": "they are learned from crops of the images, not from patches",
}


class Request(NamedTuple):
    """What the command was asked for."""

    images: tuple[str, ...]
    raw: bool
    shape: tuple[int, int] | None
    dtype: str
    size: int
    n_components: int
    n_epochs: int
    seed: int


def check_options(context):
    """Refuse options that were given and do not apply."""
    for name, reason in _NOT_HERE.items():
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            option = "--" + name.replace("_", "-")
            raise ValueError(
                f"{option} does not apply to convolutional filters: {reason}. Leave out {option} "
                "or --convolutional."
            )
