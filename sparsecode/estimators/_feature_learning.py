"""Settings of patch features as they are used, and what is learned from random patches."""

from __future__ import annotations

import math
import time
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sparsecode._messages import shown, wrong
from sparsecode._patch_features.coding import PositionCoder, is_positive
from sparsecode._patch_features.contrast import Preparation, contrast_of_range
from sparsecode._patch_features.images import check_image_shape, read_images
from sparsecode._patch_features.pooling import METHODS, SIGNS, Pooling, check_levels
from sparsecode._validation import check_integer, check_n_jobs, check_number, check_random_state
from sparsecode._values import check_instance, check_option
from sparsecode.datasets import Patches, ZCAWhitening, sample_patches
from sparsecode.datasets._grid import by
from sparsecode.datasets._image import check_pair
from sparsecode.encoders import Encoder, Thresholding
from sparsecode.estimators._patch_atoms import check_atoms, given_atoms, is_given, learned_atoms
from sparsecode.penalties import L1


class Settings(NamedTuple):
    """Parameters of `PatchFeatures`, checked: what is None or a name is resolved where it can be.

    `whitening` is a `ZCAWhitening`, fitted or not, or None.
    """

    n_components: int | None
    patch_size: tuple[int, int]
    step: tuple[int, int]
    encoder: Encoder
    dictionary: Any
    contrast: Any
    whitening: ZCAWhitening | None
    signs: str
    pooling: str
    levels: tuple[int, ...]
    n_patches: int
    image_shape: tuple[int, int, int] | None

    @classmethod
    def of(cls, estimator):
        """Check the parameters of an estimator."""
        check_n_jobs(estimator.n_jobs)
        if not isinstance(estimator.verbose, bool):
            check_integer(estimator.verbose, "verbose", low=0)
        check_atoms(estimator.dictionary, estimator.n_components)
        n_components = estimator.n_components
        return cls(
            None if n_components is None else check_integer(n_components, "n_components"),
            check_pair(estimator.patch_size, "patch_size"),
            check_pair(estimator.step, "step"),
            _encoder(estimator.encoder),
            estimator.dictionary,
            _contrast(estimator.contrast),
            _whitening(estimator.whitening),
            check_option(estimator.signs, "signs", SIGNS),
            check_option(estimator.pooling, "pooling", METHODS),
            check_levels(estimator.levels),
            check_integer(estimator.n_patches, "n_patches", low=2),
            check_image_shape(estimator.image_shape),
        )

    def pooling_of(self, image_shape):
        """Pooling of the codes of images of a shape, and number of values of their patches."""
        if any(n < patch for n, patch in zip(image_shape[:2], self.patch_size, strict=True)):
            raise ValueError(
                f"X has images of {by(image_shape[:2])} pixels, smaller than a patch of "
                f"{by(self.patch_size)} (patch_size). Use smaller patches or larger images."
            )
        # Only its shape is looked at.
        like = np.broadcast_to(np.float32(0), image_shape)
        counts = Patches(like, self.patch_size, step=self.step)._grid.counts
        return Pooling(counts, self.levels, self.pooling, self.signs, is_positive(self.encoder))


class Learned(NamedTuple):
    """What is learned from images, or given: the preparation of patches, and their dictionary."""

    preparation: Preparation
    dictionary: Any


def learn(settings, images, random_state, n_jobs):
    """Learn from random patches of images what is not given."""
    rng = check_random_state(random_state)
    n_values = math.prod(settings.patch_size) * images.shape[2]
    dictionary, whitening = settings.dictionary, settings.whitening
    if is_given(dictionary):
        dictionary = given_atoms(dictionary, n_values)
    contrast = settings.contrast
    if contrast == "auto":
        contrast = contrast_of_range(_range(images))
    if is_given(dictionary) and (whitening is None or is_fitted(whitening)):
        return Learned(Preparation(contrast, whitening), dictionary)
    X = _random_patches(settings, images, rng)
    X = Preparation(contrast, None).apply(X)
    if whitening is not None and not is_fitted(whitening):
        whitening = _fitted(whitening, X)
    if not is_given(dictionary):
        X = Preparation(None, _fitting(whitening, n_values)).apply(X)
        dictionary = learned_atoms(dictionary, X, settings.n_components, rng, n_jobs)
    return Learned(Preparation(contrast, whitening), dictionary)


def coder_of(settings, learned, image_shape, dtype):
    """Return the coder of images of a shape, in a dtype."""
    n_values = math.prod(settings.patch_size) * image_shape[2]
    dictionary, (contrast, whitening) = given_atoms(learned.dictionary, n_values), learned[0]
    return PositionCoder(
        settings.patch_size,
        settings.step,
        Preparation(contrast, _fitting(whitening, n_values)),
        settings.encoder,
        dictionary if dictionary.dtype == dtype else dictionary.astype(dtype),
        settings.pooling_of(image_shape),
    )


def fitted_parts(estimator):
    """What a fitted estimator has learned."""
    check_is_fitted(estimator)
    preparation = Preparation(estimator.contrast_, estimator.whitening_)
    return Learned(preparation, estimator.dictionary_)


def fitted_pooling(estimator):
    """Pooling of a fitted estimator."""
    check_is_fitted(estimator)
    return Settings.of(estimator).pooling_of(estimator.image_shape_)


def images_and_coder(estimator, X):
    """Images to transform, checked, and the coder of a fitted estimator for them."""
    learned, settings = fitted_parts(estimator), Settings.of(estimator)
    images = read_images(estimator, X, estimator.image_shape_, reset=False)
    return images, coder_of(settings, learned, images.shape, images.dtype)


def progress_of(n_images):
    """Function that prints how many images are done, and the time since now."""
    started = time.perf_counter()

    def progress(n_done):
        seconds = time.perf_counter() - started
        print(f"PatchFeatures: {n_done:,} of {n_images:,} images in {seconds:.0f} s")

    return progress


def is_fitted(whitening):
    """Whether a whitening is fitted, and is used as it is."""
    try:
        check_is_fitted(whitening)
    except NotFittedError:
        return False
    return True


def _encoder(encoder):
    if encoder is None:
        return Thresholding(L1(0.5))
    return check_instance(
        encoder,
        "encoder",
        Encoder,
        "an instance of an encoder, or None",
        "Use for example sparsecode.encoders.Exact(L1(1.0)).",
    )


def _contrast(contrast):
    if contrast is None or (isinstance(contrast, str) and contrast == "auto"):
        return contrast
    if isinstance(contrast, str):
        raise ValueError(
            wrong(
                "contrast",
                got=shown(contrast),
                expected="a positive number, 'auto' or None",
                remedy="Use 10 for pixels from 0 to 255.",
            )
        )
    return check_number(contrast, "contrast", low=0, low_open=True)


def _whitening(whitening):
    # What is frozen is fitted, and stays so when it is cloned.
    whitening = getattr(whitening, "estimator", whitening)
    if whitening is None or isinstance(whitening, ZCAWhitening):
        return whitening
    if isinstance(whitening, (str, type)) or not np.isscalar(whitening):
        raise TypeError(
            wrong(
                "whitening",
                got=shown(whitening),
                expected="a number, a ZCAWhitening or None",
                remedy="Use 0.1, the eps of ZCAWhitening.",
            )
        )
    return ZCAWhitening(eps=check_number(whitening, "whitening", low=0))


def _range(images):
    """Range of the values of images."""
    found = images.range()
    if found == 0:
        raise ValueError(
            "X has images of one value only; expected values that differ, as contrast='auto' "
            "depends on their range. Set contrast to a number, or to None."
        )
    return found


def _random_patches(settings, images, rng):
    """Patches at random positions of all images, or all patches where there are fewer."""
    size = (1, *settings.patch_size)
    available = len(Patches(images.array, size))
    n_patches = min(settings.n_patches, available)
    return sample_patches([images.array], size, n_patches, random_state=rng, dtype=images.dtype)


def _fitted(whitening, X):
    if len(X) < 2 or not np.ptp(X, axis=0).any():
        raise ValueError(
            f"X has {len(X)} patches to learn whitening from, all alike; expected some that "
            "differ. Give more images, or set whitening=None."
        )
    return clone(whitening).fit(X)


def _fitting(whitening, n_values):
    """The fitted whitening, if it is one of patches of this size."""
    if whitening is not None and whitening.n_features_in_ != n_values:
        raise ValueError(
            f"whitening was fitted to {whitening.n_features_in_} features, but a patch has "
            f"{n_values} values; expected the same number. Fit it to such patches."
        )
    return whitening
