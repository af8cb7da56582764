"""Image denoising and inpainting by sparse codes of patches.

Each application is one function that uses public parts of the package. Its source is an example for
other applications.
"""

from sparsecode.applications.denoising import denoise_image, learn_patch_dictionary
from sparsecode.applications.inpainting import inpaint_image

__all__ = ["denoise_image", "inpaint_image", "learn_patch_dictionary"]
