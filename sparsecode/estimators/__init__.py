"""Estimators with scikit-learn's interface."""

from sparsecode.estimators.archetypal_analysis import ArchetypalAnalysis
from sparsecode.estimators.dictionary_learning import DictionaryLearning
from sparsecode.estimators.dictionary_pair_classifier import DictionaryPairClassifier
from sparsecode.estimators.discriminative_ksvd import DiscriminativeKSVD
from sparsecode.estimators.label_consistent_ksvd import LabelConsistentKSVD
from sparsecode.estimators.lista import LISTA
from sparsecode.estimators.olshausen_field import OlshausenField
from sparsecode.estimators.outlier_detector import SparseOutlierDetector
from sparsecode.estimators.patch_features import PatchFeatures
from sparsecode.estimators.poisson_dictionary_learning import PoissonDictionaryLearning
from sparsecode.estimators.sparse_autoencoder import SparseAutoencoder
from sparsecode.estimators.sparse_coder import SparseCoder
from sparsecode.estimators.sparse_representation_classifier import SparseRepresentationClassifier
from sparsecode.estimators.structured_incoherence_classifier import (
    StructuredIncoherenceClassifier,
)
from sparsecode.estimators.task_driven_classifier import TaskDrivenDictionaryLearningClassifier
from sparsecode.estimators.task_driven_regressor import TaskDrivenDictionaryLearningRegressor
from sparsecode.estimators.transcoder import Transcoder

__all__ = [
    "LISTA",
    "ArchetypalAnalysis",
    "DictionaryLearning",
    "DictionaryPairClassifier",
    "DiscriminativeKSVD",
    "LabelConsistentKSVD",
    "OlshausenField",
    "PatchFeatures",
    "PoissonDictionaryLearning",
    "SparseAutoencoder",
    "SparseCoder",
    "SparseOutlierDetector",
    "SparseRepresentationClassifier",
    "StructuredIncoherenceClassifier",
    "TaskDrivenDictionaryLearningClassifier",
    "TaskDrivenDictionaryLearningRegressor",
    "Transcoder",
]
