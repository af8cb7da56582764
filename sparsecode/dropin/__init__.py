"""scikit-learn's own names and signatures, for a one-line change of import."""

from sparsecode.dropin.encoding import sparse_encode
from sparsecode.dropin.sparse_coder import SparseCoder

__all__ = ["SparseCoder", "sparse_encode"]
