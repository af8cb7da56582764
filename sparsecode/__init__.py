"""Sparse coding, dictionary learning and sparse autoencoders, with certificates.

Estimators have scikit-learn's interface. `SparseCoder` codes samples on given atoms;
`DictionaryLearning` and `OlshausenField` learn the atoms, `ArchetypalAnalysis` mixtures of samples;
`LISTA` learns to code fast;
`SparseAutoencoder` and `Transcoder` train an encoder together with the atoms;
`SparseOutlierDetector` finds samples that have no sparse code; `PatchFeatures` makes features of
images for a classifier; `TaskDrivenDictionaryLearningClassifier` and
`TaskDrivenDictionaryLearningRegressor` learn atoms for labels; `SparseRepresentationClassifier`,
`DiscriminativeKSVD`, `LabelConsistentKSVD`, `StructuredIncoherenceClassifier` and
`DictionaryPairClassifier` classify by atoms of classes. A `Dictionary` holds atoms, and `certify`
says how far any codes are from the optimum.

Their parts are in submodules, such as `sparsecode.penalties`, `sparsecode.solvers`,
`sparsecode.encoders`, `sparsecode.losses` and `sparsecode.metrics`; data to try them on in
`sparsecode.datasets`; drop-in replacements for scikit-learn's classes in `sparsecode.dropin`. Names
and submodules are loaded when they are first used.

Examples
--------
>>> import numpy as np
>>> from sparsecode import DictionaryLearning
>>> X = np.random.default_rng(0).standard_normal((200, 8))
>>> model = DictionaryLearning(16, alpha=1.0, random_state=0).fit(X)
>>> model.transform(X).shape, model.components_.shape
((200, 16), (16, 8))
"""

from typing import TYPE_CHECKING

from sparsecode._lazy import lazy_names
from sparsecode._version import __version__

# Editors and type checkers read the imports, Python the table; a test says that they agree.
if TYPE_CHECKING:
    from sparsecode import applications as applications
    from sparsecode import cli as cli
    from sparsecode import compare as compare
    from sparsecode import constraints as constraints
    from sparsecode import convolutional as convolutional
    from sparsecode import data_terms as data_terms
    from sparsecode import datasets as datasets
    from sparsecode import debiasing as debiasing
    from sparsecode import dictionary as dictionary
    from sparsecode import distributed as distributed
    from sparsecode import dropin as dropin
    from sparsecode import encoders as encoders
    from sparsecode import estimators as estimators
    from sparsecode import implicit_gradients as implicit_gradients
    from sparsecode import initialization as initialization
    from sparsecode import interop as interop
    from sparsecode import joint as joint
    from sparsecode import learning as learning
    from sparsecode import losses as losses
    from sparsecode import metrics as metrics
    from sparsecode import model_selection as model_selection
    from sparsecode import objective as objective
    from sparsecode import ops as ops
    from sparsecode import optimizers as optimizers
    from sparsecode import paths as paths
    from sparsecode import penalties as penalties
    from sparsecode import plotting as plotting
    from sparsecode import prediction as prediction
    from sparsecode import receptive_fields as receptive_fields
    from sparsecode import replacement as replacement
    from sparsecode import schedules as schedules
    from sparsecode import solvers as solvers
    from sparsecode import testing as testing
    from sparsecode import training as training
    from sparsecode import updates as updates
    from sparsecode.compare import amortization_report, match_l0, polish
    from sparsecode.debiasing import debias
    from sparsecode.dictionary import Dictionary
    from sparsecode.estimators import (
        LISTA,
        ArchetypalAnalysis,
        DictionaryLearning,
        DictionaryPairClassifier,
        DiscriminativeKSVD,
        LabelConsistentKSVD,
        OlshausenField,
        PatchFeatures,
        PoissonDictionaryLearning,
        SparseAutoencoder,
        SparseCoder,
        SparseOutlierDetector,
        SparseRepresentationClassifier,
        StructuredIncoherenceClassifier,
        TaskDrivenDictionaryLearningClassifier,
        TaskDrivenDictionaryLearningRegressor,
        Transcoder,
    )
    from sparsecode.objective import Certificate, alpha_max, certify
    from sparsecode.paths import CodingPath, coding_path
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "sparsecode": (
                "applications",
                "cli",
                "compare",
                "constraints",
                "convolutional",
                "data_terms",
                "datasets",
                "debiasing",
                "dictionary",
                "distributed",
                "dropin",
                "encoders",
                "estimators",
                "implicit_gradients",
                "initialization",
                "interop",
                "joint",
                "learning",
                "losses",
                "metrics",
                "model_selection",
                "objective",
                "ops",
                "optimizers",
                "paths",
                "penalties",
                "plotting",
                "prediction",
                "receptive_fields",
                "replacement",
                "schedules",
                "solvers",
                "testing",
                "training",
                "updates",
            ),
            "sparsecode.compare": ("amortization_report", "match_l0", "polish"),
            "sparsecode.debiasing": ("debias",),
            "sparsecode.dictionary": ("Dictionary",),
            "sparsecode.estimators": (
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
            ),
            "sparsecode.objective": ("Certificate", "alpha_max", "certify"),
            "sparsecode.paths": ("CodingPath", "coding_path"),
        },
    )

__all__ = [
    "LISTA",
    "ArchetypalAnalysis",
    "Certificate",
    "CodingPath",
    "Dictionary",
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
    "__version__",
    "alpha_max",
    "amortization_report",
    "certify",
    "coding_path",
    "debias",
    "match_l0",
    "polish",
]
