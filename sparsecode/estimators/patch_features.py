"""Pooled features of images, made of the codes of their patches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin

from sparsecode._parameters import Parameterized
from sparsecode._patch_features.images import read_images
from sparsecode._typing import RandomState
from sparsecode.datasets import ZCAWhitening
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Encoder
from sparsecode.estimators import _certified_features, _saved_features
from sparsecode.estimators._base import unchanged_on_error
from sparsecode.estimators._feature_learning import (
    Settings,
    coder_of,
    fitted_pooling,
    images_and_coder,
    learn,
    progress_of,
)

if TYPE_CHECKING:
    from sklearn.frozen import FrozenEstimator


class PatchFeatures(Parameterized, TransformerMixin, BaseEstimator):
    """Features of images for a linear classifier: codes of patches at every position, pooled.

    The patch around every position of an image is normalised in contrast,
    ``(x - mean(x)) / sqrt(var(x) + contrast)``, whitened, and coded on one dictionary. The codes
    are then summed up, or their largest taken, over the cells of a grid, such as the quadrants of
    the image. `fit` learns whitening and dictionary from random patches; labels are not used.

    Parameters
    ----------
    n_components : int or None, default=None
        Number of atoms. None is that of the dictionary or of the estimator that learns it, and for
        a name twice the number of values of a patch.
    patch_size : int or (int, int), default=6
        Height and width of a patch, in pixels. A patch has all channels.
    step : int or (int, int), default=1
        Distance between neighbouring positions in pixels, at most the size of a patch. Where this
        grid does not end at the border, one more position is flush with it.
    encoder : Encoder or None, default=None
        Encoder of the patches, one of `sparsecode.encoders`: `Exact` for exact codes with a penalty
        and a solver, `Thresholding` for the soft threshold of the correlations, `Triangle` for the
        distances from centroids, or a network with its `params` or one that needs no training. Its
        `alpha` is in units of prepared patches, whose variance is about 1 a value. None is
        ``Thresholding(L1(0.5))``.
    dictionary : {"k-means", "patches"}, Dictionary, array-like of shape (n_components, \
            n_values) or estimator, default="k-means"
        Atoms, of prepared patches. "k-means" learns them by spherical k-means, where a patch and
        its negative belong to the same atom; "patches" are random patches of norm 1. A dictionary
        or array is used as it is. An estimator, such as ``DictionaryLearning(400, alpha=1.0)``, is
        cloned and fitted to the patches; so is a clusterer, whose ``cluster_centers_`` are the
        atoms, such as `sklearn.cluster.MiniBatchKMeans` for `Triangle`.
    contrast : float, "auto" or None, default="auto"
        Regulariser of the contrast normalisation, positive, in squared units of the images: patches
        of smaller variance are faded out. "auto" is the published 10 for pixels from 0 to 255, and
        in proportion for images of another range. None leaves patches as they are.
    whitening : float, ZCAWhitening or None, default=0.1
        Whitening after contrast normalisation. A number is `eps` of `ZCAWhitening`, which is fitted
        to the random patches, as is an instance that is not fitted. A fitted one is used as it is;
        wrap it in `sklearn.frozen.FrozenEstimator` where estimators are cloned, as in a search.
        None does not whiten.
    signs : {"split", "absolute", "keep"}, default="split"
        How codes of both signs are pooled. "split" pools positive and negative codes apart, which
        gives two features for each atom, unless codes are never negative. "absolute" pools
        magnitudes. "keep" pools codes as they are: in a sum, opposite signs then cancel.
    pooling : {"sum", "mean", "max"}, default="sum"
        What is taken of the codes in a cell: their sum, their mean over the positions, or the one
        of largest magnitude.
    levels : int or tuple of int, default=2
        Number of cells along each side of the image, for each grid: 2 pools over quadrants, and
        ``(1, 2, 4)`` over a spatial pyramid of 21 cells.
    n_patches : int, default=100000
        Number of random patches to learn from, or all where images have fewer.
    image_shape : tuple of int or None, default=None
        Shape (height, width) or (height, width, n_channels) of images that are rows of a matrix.
        None takes arrays of images only.
    random_state : int, RandomState instance or None, default=None
        Seed of the random patches and of learning.
    verbose : int or bool, default=0
        1 prints from time to time how many images are done.
    n_jobs : int or None, default=None
        Threads; None uses all cores. The features do not depend on it.

    Attributes
    ----------
    dictionary_ : Dictionary
    components_ : ndarray of shape (n_components, n_values)
        Atoms of the dictionary. `n_values` is the number of values of a patch; channels are side
        by side, as in `sparsecode.datasets.extract_patches`.
    whitening_ : ZCAWhitening or None
    contrast_ : float or None
        Regulariser in squared units of the images.
    image_shape_ : tuple of int
        Height, width and number of channels of the images.
    n_features_out_ : int
        Number of features of an image.
    n_features_in_ : int
        Number of values of an image.
    feature_names_in_ : ndarray
        Where `fit` was given string column names.

    See Also
    --------
    sparsecode.datasets.Patches : The patches of an array.
    sparsecode.encoders.Exact : Exact codes, with any penalty.

    Notes
    -----
    Images are read a few at a time, and only the codes of a few thousand positions are in memory at
    once. Features are float32, unless images hold float64 or large integers; dictionary and
    whitening are then used in float32 too. A mean of 0 for each feature and a variance of 1, as
    `sklearn.preprocessing.StandardScaler` makes them, is what a linear classifier wants.

    References
    ----------
    A. Coates, H. Lee and A. Ng, "An analysis of single-layer networks in unsupervised feature
    learning", 2011, for the whole. A. Coates and A. Ng, "The importance of encoding versus training
    with sparse coding and vector quantization", 2011, for the soft threshold beside exact codes. A.
    Coates and A. Ng, "Learning feature representations with k-means", 2012, for spherical k-means.
    J. Yang, K. Yu, Y. Gong and T. Huang, "Linear spatial pyramid matching using sparse coding for
    image classification", 2009, for largest codes in a pyramid.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sparsecode import PatchFeatures
    >>> rng = np.random.default_rng(0)
    >>> bars = np.zeros((40, 8, 8), dtype=np.uint8)
    >>> for i, place in enumerate(rng.integers(8, size=40)):
    ...     bars[i].T[place] = 255
    ...     bars[i] = bars[i].T if i % 2 else bars[i]
    >>> features = PatchFeatures(8, patch_size=4, random_state=0)
    >>> features.fit_transform(bars).shape
    (40, 64)
    >>> model = make_pipeline(features, LogisticRegression()).fit(bars[:20], np.arange(20) % 2)
    >>> model.score(bars[20:], np.arange(20) % 2)
    1.0
    """

    dictionary_: Dictionary
    whitening_: ZCAWhitening | None
    contrast_: float | None
    image_shape_: tuple[int, int, int]
    n_features_in_: int
    feature_names_in_: np.ndarray

    def __init__(
        self,
        n_components: int | None = None,
        *,
        patch_size: int | tuple[int, int] = 6,
        step: int | tuple[int, int] = 1,
        encoder: Encoder | None = None,
        dictionary: str | Dictionary | ArrayLike | BaseEstimator = "k-means",
        contrast: float | Literal["auto"] | None = "auto",
        whitening: float | ZCAWhitening | FrozenEstimator | None = 0.1,
        signs: Literal["split", "absolute", "keep"] = "split",
        pooling: Literal["sum", "mean", "max"] = "sum",
        levels: int | tuple[int, ...] = 2,
        n_patches: int = 100_000,
        image_shape: tuple[int, ...] | None = None,
        random_state: RandomState = None,
        verbose: int | bool = 0,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.patch_size = patch_size
        self.step = step
        self.encoder = encoder
        self.dictionary = dictionary
        self.contrast = contrast
        self.whitening = whitening
        self.signs = signs
        self.pooling = pooling
        self.levels = levels
        self.n_patches = n_patches
        self.image_shape = image_shape
        self.random_state = random_state
        self.verbose = verbose
        self.n_jobs = n_jobs

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn whitening and dictionary from random patches, unless they are given.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width) or (n_images, height, width, n_channels)
            Images of one size, of any real numbers; with `image_shape` also flat images, one a row.
            Never written to. Of a memory map the patches that are drawn are read; all values are
            read once, in parts, for ``contrast="auto"``, and of floats for NaN.
        y : None
            Ignored; present for scikit-learn's pipelines.

        Returns
        -------
        self : PatchFeatures

        Raises
        ------
        ValueError
            If images have different sizes or are smaller than a patch, hold NaN or infinity, or are
            not what a given dictionary or whitening was learned from.
        """
        settings = Settings.of(self)
        with unchanged_on_error(self):
            images = read_images(self, X, settings.image_shape, reset=True)
            # Before patches are drawn.
            settings.pooling_of(images.shape)
            learned = learn(settings, images, self.random_state, self.n_jobs)
            coder_of(settings, learned, images.shape, images.dtype).check()
            self._hold(learned, images.shape)
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Compute the features of images.

        Parameters
        ----------
        X : array-like of shape (n_images, height, width) or (n_images, height, width, n_channels)
            Images of the size of those of `fit`, or flat images, one a row. Never written to.

        Returns
        -------
        features : ndarray of shape (n_images, n_features_out)
            By cell, in each by sign, in each by atom, as `get_feature_names_out` says. float64
            where images are float64 or large integers, else float32.

        Raises
        ------
        ValueError
            If images have another size than those of `fit`, or hold NaN or infinity.

        Warns
        -----
        ConvergenceWarning
            Once, if a solver did not reach its tolerance at some positions.
        """
        images, coder = images_and_coder(self, X)
        progress = progress_of(len(images)) if self.verbose else None
        return coder.features(images, n_jobs=self.n_jobs, progress=progress)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the features, such as ``grid2_cell0_1_atom17_positive``.

        Parameters
        ----------
        input_features : None
            Ignored; present for scikit-learn.

        Returns
        -------
        names : ndarray of str of shape (n_features_out,)
        """
        names = fitted_pooling(self).names(self.dictionary_.n_components)
        return np.array(names, dtype=object)

    certify = _certified_features.certify
    save = _saved_features.save
    load = _saved_features.load

    @property
    def components_(self) -> np.ndarray:
        """Atoms of the dictionary, shape (n_components, n_values)."""
        return self.dictionary_.atoms

    @property
    def n_features_out_(self) -> int:
        """Number of features of an image."""
        return fitted_pooling(self).n_features(self.dictionary_.n_components)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "dictionary_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.three_d_array = True
        return tags

    def _hold(self, learned, image_shape):
        self.dictionary_, self.image_shape_ = learned.dictionary, image_shape
        self.contrast_, self.whitening_ = learned.preparation
