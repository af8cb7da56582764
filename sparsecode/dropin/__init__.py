"""Drop-in replacements for scikit-learn's dictionary learning: same names, same signatures."""

from sparsecode.dropin.dictionary_learning import DictionaryLearning
from sparsecode.dropin.encoding import sparse_encode
from sparsecode.dropin.functions import dict_learning, dict_learning_online
from sparsecode.dropin.mini_batch import MiniBatchDictionaryLearning
from sparsecode.dropin.sparse_coder import SparseCoder

__all__ = [
    "DictionaryLearning",
    "MiniBatchDictionaryLearning",
    "SparseCoder",
    "dict_learning",
    "dict_learning_online",
    "sparse_encode",
]
