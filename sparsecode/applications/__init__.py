"""Denoising, inpainting, and coding of images and other signals by sparse codes of patches.

Each application uses public parts of the package. Its source is an example for other applications.
"""

from sparsecode.applications.denoising import denoise_image, learn_patch_dictionary
from sparsecode.applications.filter_bank import FilterBank
from sparsecode.applications.inpainting import inpaint_image
from sparsecode.applications.noise import estimate_sigma
from sparsecode.applications.signals import denoise_signal

__all__ = [
    "FilterBank",
    "denoise_image",
    "denoise_signal",
    "estimate_sigma",
    "inpaint_image",
    "learn_patch_dictionary",
]
