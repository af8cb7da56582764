"""Codes of the patches at every position of images, pooled as they are made.

Images are coded block by block, and the patches of a block tile by tile. No more than the codes of
one tile are in memory on a thread, and blocks depend on sizes only.
"""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from sparsecode._parallel import map_row_blocks, scratch
from sparsecode._patch_features.contrast import Preparation
from sparsecode._patch_features.pooling import Pooling
from sparsecode.datasets import Patches
from sparsecode.dictionary import Dictionary
from sparsecode.encoders import Encoder, Exact, Thresholding, TrainableEncoder
from sparsecode.encoders.thresholding import threshold_step
from sparsecode.penalties import L1
from sparsecode.solvers import choose_solver

# Most positions of a tile, the fewest, and about how many codes.
_MOST_ROWS, _FEWEST_ROWS, _CODES = 2048, 64, 2**22
# Rows of a product of patches and atoms: what it makes should stay in the cache.
_ROWS_OF_PRODUCT = 512
# Blocks between two lines of progress.
_BLOCKS_A_LINE = 256


@dataclass
class PositionCoder:
    """Features of images: patches, prepared and coded at every position, and pooled.

    Parameters
    ----------
    patch_size, step : (int, int)
    preparation : Preparation
    encoder : Encoder
    dictionary : Dictionary
        In the dtype of the features.
    pooling : Pooling
    """

    patch_size: tuple[int, int]
    step: tuple[int, int]
    preparation: Preparation
    encoder: Encoder
    dictionary: Dictionary
    pooling: Pooling

    def __post_init__(self):
        self._missed = []
        self._encoder = self._bound()
        self._prepare = self.preparation.function(self.dictionary.dtype)

    @property
    def n_features(self) -> int:
        """Number of features of an image."""
        return self.pooling.n_features(self.dictionary.n_components)

    def check(self):
        """Raise if the encoder cannot code with this dictionary; compute what blocks share."""
        self._codes(np.zeros((1, self.dictionary.n_features), self.dictionary.dtype))

    def features(self, images, *, n_jobs=None, progress=None):
        """Features of all images, one row an image.

        ``progress(n_images)`` is called now and then, with the number of images that are done.
        """
        out = np.empty((len(images), self.n_features), self.dictionary.dtype)
        size = self._images_a_block
        self.check()
        at_once = size * _BLOCKS_A_LINE if progress is not None else len(images)
        for start in range(0, len(images), at_once):
            stop = min(start + at_once, len(images))

            def block(rows, start=start):
                rows = slice(start + rows.start, start + rows.stop)
                self._pool(images.block(rows), out[rows])

            map_row_blocks(block, stop - start, block_size=size, n_jobs=n_jobs)
            if progress is not None:
                progress(stop)
        self._warn_of_missed()
        return out

    def patches(self, images, numbers):
        """Prepared patches of images: those of some numbers, in reading order of all images."""
        return self._prepare(self._patches_of(images.array)[numbers])

    def n_patches(self, images):
        """Number of the patches of images."""
        return len(images) * len(self.pooling.regions)

    def encode(self, X):
        """Codes of prepared patches as `transform` makes them, as a dense array."""
        return self._encoder.encode(X, self.dictionary)

    @property
    def _n_rows(self):
        """Number of positions of a tile."""
        fitting = _CODES // self.dictionary.n_components
        return min(max(fitting, _FEWEST_ROWS), _MOST_ROWS)

    @property
    def _images_a_block(self):
        return max(self._n_rows // len(self.pooling.regions), 1)

    def _patches_of(self, array):
        return Patches(
            array, (1, *self.patch_size), step=(1, *self.step), dtype=self.dictionary.dtype
        )

    def _pool(self, array, out):
        """Write the features of the images of an array into `out`."""
        patches, pooling = self._patches_of(array), self.pooling
        pooled = pooling.empty(len(array), self.dictionary.n_components, out.dtype)
        n_regions = len(pooled) // len(array)
        regions = pooling.regions + n_regions * np.arange(len(array))[:, np.newaxis]
        regions = regions.ravel()
        for start in range(0, len(patches), self._n_rows):
            rows = slice(start, start + self._n_rows)
            X = self._prepare(patches[rows])
            if self._is_soft_threshold:
                self._add_thresholded(X, regions[rows], pooled)
            else:
                pooling.add(self._codes(X), regions[rows], pooled)
        if self._is_soft_threshold:
            pooled *= out.dtype.type(threshold_step(self.dictionary))
        pooling.finish(pooled, out)

    def _codes(self, X):
        """Codes of prepared patches, sparse where the encoder makes few entries."""
        encoder, dictionary = self._encoder, self.dictionary
        if not isinstance(encoder, Exact):
            return encoder.encode(X, dictionary, n_jobs=1)
        return encoder.encode(X, dictionary, sparse_output=True, n_jobs=1)

    @property
    def _is_soft_threshold(self):
        """Whether codes are the soft threshold of the correlations, the same for all atoms."""
        encoder = self.encoder
        if type(encoder) is not Thresholding or type(encoder.penalty) is not L1:
            return False
        return encoder.penalty.weights is None

    def _add_thresholded(self, X, regions, pooled):
        """Add the soft threshold of correlations, which is taken while these are pooled."""
        X = self.dictionary.center(X)
        for start in range(0, len(X), _ROWS_OF_PRODUCT):
            rows = slice(start, start + _ROWS_OF_PRODUCT)
            out = scratch((len(X[rows]), self.dictionary.n_components), X.dtype)
            self.dictionary._correlate(X[rows], out)
            self.pooling.add(out, regions[rows], pooled, self.encoder.penalty.alpha)

    def _bound(self):
        """The encoder with parameters, and with a solver that counts what it would warn of."""
        encoder = self.encoder
        if isinstance(encoder, TrainableEncoder) and encoder.params is None:
            return encoder.bind(encoder.init(self.dictionary, random_state=0))
        if not isinstance(encoder, Exact):
            return encoder
        solver = choose_solver(encoder.penalty) if encoder.solver is None else encoder.solver
        solver = copy.copy(solver)
        solver._warn = lambda problem, stop, n_samples, may_go_on: self._missed.append(stop)
        return Exact(encoder.penalty, solver)

    def _warn_of_missed(self):
        """Warn once, after all blocks, of the positions that a solver could not finish."""
        if not self._missed:
            return
        missed, self._missed = np.concatenate(self._missed), []
        warnings.warn(
            f"{len(missed)} positions did not reach the tolerance of the solver; the worst "
            f"relative gap or residual is {missed.max():.1e}. Raise max_iter or tol of the solver.",
            ConvergenceWarning,
            stacklevel=3,
        )


def is_positive(encoder):
    """Whether codes of an encoder are never negative."""
    lowest = getattr(encoder, "bounds", (-np.inf,))[0]
    return lowest >= 0 or bool(getattr(getattr(encoder, "penalty", None), "positive", False))
