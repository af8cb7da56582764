"""The cache of a forward pass, for the backward pass."""

from __future__ import annotations

from typing import Any, NamedTuple

from sparsecode._typing import Codes


class ForwardCache(NamedTuple):
    """Result of `TrainableEncoder.forward` besides the codes.

    Attributes
    ----------
    codes : ndarray or csr_array of shape (n_samples, n_components)
    kept : object
        Arrays that the encoder keeps for its `backward`.
    signals : dict of str to ndarray or csr_array
        The requested signals.
    """

    codes: Codes
    kept: object
    signals: dict[str, Any]
