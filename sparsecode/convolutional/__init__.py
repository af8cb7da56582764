"""Convolutional sparse coding: atoms that are shifted over signals and images, certified."""

from sparsecode._convolution.dictionary import ConvolutionalDictionary
from sparsecode.convolutional.coder import ConvolutionalSparseCoder
from sparsecode.convolutional.fista import ConvolutionalFISTA
from sparsecode.convolutional.learning import ConvolutionalDictionaryLearning
from sparsecode.convolutional.lista import ConvolutionalLISTA
from sparsecode.convolutional.locally_greedy import LocallyGreedy
from sparsecode.convolutional.report import LayerReport
from sparsecode.convolutional.result import ConvolutionalResult

__all__ = [
    "ConvolutionalDictionary",
    "ConvolutionalDictionaryLearning",
    "ConvolutionalFISTA",
    "ConvolutionalLISTA",
    "ConvolutionalResult",
    "ConvolutionalSparseCoder",
    "LayerReport",
    "LocallyGreedy",
]
