"""Image denoising and inpainting by sparse codes of patches, and coding of images by filters.

Each application uses public parts of the package. Its source is an example for other applications.
"""

from sparsecode.applications.denoising import denoise_image, learn_patch_dictionary
from sparsecode.applications.filter_bank import FilterBank
from sparsecode.applications.inpainting import inpaint_image

__all__ = ["FilterBank", "denoise_image", "inpaint_image", "learn_patch_dictionary"]
