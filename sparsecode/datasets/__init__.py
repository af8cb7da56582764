"""Images, patches of arrays of any number of axes, whitening, and synthetic sparse signals."""

from ._image import check_not_constant
from .blocks import iter_blocks
from .feature_mixture import FeatureMixture
from .feature_mixtures import make_feature_mixture
from .feature_samples import FeatureSamples
from .image_scaling import ImageScaling
from .image_whitening import OlshausenFieldWhitening
from .images import load_images
from .local_contrast import normalize_contrast
from .patch_matrix import extract_patches, reconstruct_from_patches
from .patch_sampling import sample_patches
from .patches import Patches
from .photographs import load_photographs
from .synthetic import SparseSignals, make_sparse_signals
from .whitening import PCAWhitening, ZCAWhitening

__all__ = [
    "FeatureMixture",
    "FeatureSamples",
    "ImageScaling",
    "OlshausenFieldWhitening",
    "PCAWhitening",
    "Patches",
    "SparseSignals",
    "ZCAWhitening",
    "check_not_constant",
    "extract_patches",
    "iter_blocks",
    "load_images",
    "load_photographs",
    "make_feature_mixture",
    "make_sparse_signals",
    "normalize_contrast",
    "reconstruct_from_patches",
    "sample_patches",
]
