"""Images by their patches: denoising and inpainting.

Each application is one function over the public parts of the package; its source shows how to put
them together for another one.
"""

from sparsecode.applications.denoising import denoise_image, learn_patch_dictionary
from sparsecode.applications.inpainting import inpaint_image

__all__ = ["denoise_image", "inpaint_image", "learn_patch_dictionary"]
