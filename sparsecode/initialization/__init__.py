"""Initial dictionaries and offsets: from samples, from singular vectors, or from a formula."""

from sparsecode.initialization.class_balanced import class_balanced_dictionary
from sparsecode.initialization.dictionary import initial_dictionary
from sparsecode.initialization.offset import initial_offset

__all__ = ["class_balanced_dictionary", "initial_dictionary", "initial_offset"]
