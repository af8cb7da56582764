"""Parts of `sparsecode.PatchFeatures`: images, contrast, pooling, and the codes of positions."""
