"""What is wrong with an iterator of batches, or with what is given besides."""

from __future__ import annotations


def refuse_with_stream(**given):
    """Raise ValueError if something was given that needs samples to pass over again."""
    for name, value in given.items():
        if value is not None and value is not False:
            raise ValueError(
                f"{name} was given with an iterator of batches; expected samples in an array or a "
                "memory map. Leave it out, or pass an array."
            )


def no_batch():
    """The error for an iterator that is at its end."""
    return ValueError(
        "X is an iterator that gave no batch; expected at least one. Pass a new iterator: it can "
        "be passed over once."
    )
