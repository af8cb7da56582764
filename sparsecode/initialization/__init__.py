"""Initial dictionaries and offsets: from samples, from singular vectors, or from a formula."""

from sparsecode.initialization.dictionary import initial_dictionary
from sparsecode.initialization.offset import initial_offset

__all__ = ["initial_dictionary", "initial_offset"]
