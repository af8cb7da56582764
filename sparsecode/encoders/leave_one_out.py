"""Leave-one-out selection: codes of an encoder without the units that gain too little."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from sparsecode._messages import shown, wrong
from sparsecode._parallel import map_row_blocks
from sparsecode._row_blocks import dense_rows
from sparsecode._typing import Codes, MatrixLike
from sparsecode._validation import check_flag, check_number, check_rows
from sparsecode.dictionary import Dictionary, as_dictionary, promote
from sparsecode.encoders._feedback import add_product, product_at
from sparsecode.encoders.base import Encoder
from sparsecode.encoders.topk import TopK

_BLOCK_SIZE = 256


@dataclass
class LeaveOneOut(Encoder):
    """Leave-one-out selection: keep a unit only if the sample needs it beside all the others.

    The gain of an active unit is the inner product of its atom `d` with what the other units leave
    over, ``(x - x_hat) @ d + z * ||d||^2``. For atoms of norm 1 it is the best coefficient of the
    unit, if all the others keep theirs. Codes whose gain, in the direction of their sign, is not
    above `tau` become 0, all at once. The others stay as they are. An encoder with one affine map
    also activates units whose atoms are like those that a sample is made of; other units explain
    what these stand for, and their gain is small. Nothing is trained, so that it is for any fitted
    model: ``LeaveOneOut(model.encoder_, tau=0.5).encode(X, model.dictionary_)``.

    Parameters
    ----------
    encoder : Encoder, default=TopK()
        Encoder of the codes, with its `params` if it is trained. Let it activate more units than
        the sample needs.
    tau : float, default=0.0
        Least gain, in units of `X` times those of an atom.

    Raises
    ------
    TypeError
        By `encode`, if `encoder` is not an `Encoder`, or entries of `X` may be missing.
    ValueError
        By `encode`, if `tau` is not a finite number.

    See Also
    --------
    sparsecode.encoders.Refined : Steps along the residual, in training too.

    Examples
    --------
    >>> from sparsecode import Dictionary
    >>> from sparsecode.encoders import LeaveOneOut, TopK
    >>> dictionary = Dictionary([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> x = [[1.0, 0.1]]
    >>> TopK(k=2).encode(x, dictionary).round(3)
    array([[1.  , 0.86, 0.  ]])
    >>> LeaveOneOut(TopK(k=2), tau=0.2).encode(x, dictionary)
    array([[1., 0., 0.]])
    """

    encoder: Encoder = field(default_factory=TopK)
    tau: float = 0.0

    def encode(
        self,
        X: MatrixLike,
        dictionary: Dictionary | ArrayLike,
        *,
        codes: MatrixLike | None = None,
        missing: bool = False,
        sparse_output: bool = False,
        n_jobs: int | None = None,
    ) -> Codes:
        sparse_output = check_flag(sparse_output, "sparse_output")
        tau = check_number(self.tau, "tau")
        self._check(missing)
        dictionary = as_dictionary(dictionary)
        X = check_rows(X, "X", n_columns=dictionary.n_features)
        dictionary = promote(dictionary, X)
        options: dict[str, Any] = {} if codes is None else {"codes": codes}
        found = self.encoder.encode(X, dictionary, sparse_output=True, n_jobs=n_jobs, **options)

        def gains(rows):
            part = found[rows]
            residual = np.array(dictionary.center(dense_rows(X, rows, dictionary.dtype)))
            add_product(-part, dictionary.atoms, residual)
            gain = product_at(residual, dictionary.atoms, part).data
            gain += part.data * dictionary.norms.astype(gain.dtype)[part.indices] ** 2
            return gain * np.sign(part.data) > tau

        blocks = map_row_blocks(gains, X.shape[0], block_size=_BLOCK_SIZE, n_jobs=n_jobs)
        kept = np.concatenate(blocks)
        starts = np.concatenate([[0], np.cumsum(kept)])[found.indptr].astype(found.indptr.dtype)
        parts = found.data[kept], found.indices[kept], starts
        found = sparse.csr_array(parts, shape=found.shape)
        return found if sparse_output else found.toarray()

    def _check(self, missing):
        if not isinstance(self.encoder, Encoder):
            raise TypeError(
                wrong(
                    "encoder of LeaveOneOut",
                    got=shown(self.encoder),
                    expected="an Encoder, an instance",
                    remedy="Use for example the encoder_ of a fitted SparseAutoencoder.",
                )
            )
        if check_flag(missing, "missing"):
            raise TypeError(
                "LeaveOneOut got missing=True; expected False, as gains read all features. Use "
                "Exact for samples with missing entries."
            )
