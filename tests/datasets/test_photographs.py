"""The bundled photographs."""

import numpy as np
import pytest
from sklearn.datasets import load_sample_image

from sparsecode.datasets import load_photographs


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_grey_is_the_luma_of_the_channels(dtype):
    names = ["china.jpg", "flower.jpg"]
    for grey, colour, name in zip(
        load_photographs(dtype=dtype),
        load_photographs(grayscale=False, dtype=dtype),
        names,
        strict=True,
    ):
        raw = load_sample_image(name)
        assert grey.dtype == colour.dtype == dtype
        assert grey.shape == (427, 640)
        assert 0 <= grey.min() < grey.max() <= 1
        np.testing.assert_allclose(colour * 255, raw, atol=1e-4)
        luma = (0.299 * raw[..., 0] + 0.587 * raw[..., 1] + 0.114 * raw[..., 2]) / 255
        np.testing.assert_allclose(grey, luma, atol=1e-6)


def test_refuses_other_dtypes():
    with pytest.raises(ValueError, match="expected float32 or float64"):
        load_photographs(dtype=int)
