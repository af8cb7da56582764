"""Filters of images with all that is needed to code an image: patch size, whitening and prior."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from sparsecode import _serialization
from sparsecode._array_files import ended, parsed, part
from sparsecode._messages import shown, wrong
from sparsecode._parameters import Parameterized
from sparsecode._reading.refusal import Refused, listed
from sparsecode._typing import MatrixLike, PathLike
from sparsecode._validation import check_number
from sparsecode._values import check_instance
from sparsecode.datasets import (
    ImageScaling,
    OlshausenFieldWhitening,
    extract_patches,
    reconstruct_from_patches,
)
from sparsecode.datasets._image import check_image, check_image_size, check_pair
from sparsecode.dictionary import Dictionary
from sparsecode.estimators._descriptions import describe
from sparsecode.estimators._descriptions import rebuild as rebuild_setting
from sparsecode.penalties import Penalty
from sparsecode.penalties.base import check_penalty_instance
from sparsecode.solvers import ConjugateGradient, choose_solver

_WHITENINGS = {cls.__name__: cls for cls in (OlshausenFieldWhitening, ImageScaling)}
_HIGHEST_FREQUENCY = 0.5
# As in `OlshausenField.transform`.
_SMOOTH_SOLVER = ConjugateGradient(max_iter=200, tol=1e-3)


@dataclass(frozen=True, eq=False)
class FilterBank(Parameterized):
    """Filters of grey images, with the whitening and the prior that they were learned with.

    ``sparsecode filters`` writes one, and ``sparsecode encode`` codes images with it. Its file is
    one of `Dictionary` too: ``Dictionary.load`` reads the atoms alone.

    Parameters
    ----------
    dictionary : Dictionary
        One filter a row, its pixels in reading order.
    patch_size : int or (int, int)
        Height and width of the filters, in pixels.
    whitening : OlshausenFieldWhitening or ImageScaling
        Fitted on the images that the filters were learned from. Its scale is used for all images.
    penalty : Penalty
        Minus the logarithm of the prior of the codes, times the variance of the noise.
    record : dict or None, default=None
        How the filters were learned: numbers, names and lists of these, such as the seed and the
        names of the images. None is an empty one.

    Examples
    --------
    >>> import numpy as np
    >>> from sparsecode import Dictionary
    >>> from sparsecode.applications import FilterBank
    >>> from sparsecode.datasets import OlshausenFieldWhitening, load_photographs
    >>> from sparsecode.penalties import Cauchy
    >>> photograph = load_photographs()[0][:60, :80]
    >>> whitening = OlshausenFieldWhitening().fit([photograph])
    >>> filters = Dictionary.dct(64, 64)
    >>> bank = FilterBank(filters, 8, whitening, Cauchy(alpha=0.022, sigma=0.316))
    >>> codes = bank.encode(photograph, step=4)
    >>> codes.shape
    (266, 64)
    >>> bank.decode(codes, photograph.shape, step=4).shape
    (60, 80)
    """

    dictionary: Dictionary
    patch_size: tuple[int, int]
    whitening: Any
    penalty: Penalty
    record: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        check_instance(
            self.dictionary, "dictionary", Dictionary, "a Dictionary", "Make one of the atoms."
        )
        check_instance(
            self.whitening,
            "whitening",
            tuple(_WHITENINGS.values()),
            "a fitted OlshausenFieldWhitening or ImageScaling",
            "Fit one on the images that the filters were learned from.",
        )
        check_is_fitted(self.whitening)
        record = {} if self.record is None else self.record
        check_instance(
            record, "record", Mapping, "a dict", "Leave it out, or give names and values."
        )
        patch_size = check_pair(self.patch_size, "patch_size")
        if math.prod(patch_size) != self.dictionary.n_features:
            raise ValueError(
                wrong(
                    "patch_size",
                    got=f"{patch_size}, {math.prod(patch_size)} pixels",
                    expected=f"{self.dictionary.n_features} pixels, the features of the dictionary",
                    remedy="Pass the height and width of the patches that it was learned from.",
                )
            )
        object.__setattr__(self, "patch_size", patch_size)
        object.__setattr__(self, "penalty", check_penalty_instance(self.penalty).checked())
        object.__setattr__(self, "record", dict(record))

    def __repr__(self) -> str:
        height, width = self.patch_size
        return (
            f"FilterBank({self.dictionary.n_components} filters of {height} x {width} pixels, "
            f"{self.whitening}, {self.penalty})"
        )

    def whiten(self, image: ArrayLike) -> np.ndarray:
        """Whiten an image as the images were that the filters were learned from.

        Parameters
        ----------
        image : array-like of shape (height, width)
            Grey image, in the units of those images.

        Returns
        -------
        whitened : ndarray of shape (height, width)
        """
        image = check_image(image, colour=False)
        check_image_size(image, self.patch_size)
        return self.whitening.transform(image)

    def encode(
        self, image: ArrayLike, *, step: int | tuple[int, int] = 1, n_jobs: int | None = None
    ) -> np.ndarray:
        """Code the patches of an image, after whitening it.

        Parameters
        ----------
        image : array-like of shape (height, width)
            Grey image, in the units of the images that the filters were learned from.
        step : int or (int, int), default=1
            Distance between neighbouring patches, in pixels, at most the patch size. 1 codes a
            patch for nearly every pixel; patches without overlap have visible borders.
        n_jobs : int or None, default=None
            Threads; None uses all cores. The codes do not depend on it.

        Returns
        -------
        codes : ndarray of shape (n_patches, n_components)
            Patches in reading order, see `sparsecode.datasets.extract_patches`.

        Raises
        ------
        ValueError
            If the image is smaller than a patch, is not grey, or holds NaN.
        """
        whitened = self.whiten(image).astype(self.dictionary.dtype, copy=False)
        X = extract_patches(whitened, self.patch_size, step=step)
        solver = _SMOOTH_SOLVER if self.penalty.smooth else choose_solver(self.penalty)
        return solver.solve(X, self.dictionary, self.penalty, n_jobs=n_jobs).codes

    def decode(
        self, codes: MatrixLike, image_shape: tuple[int, int], *, step: int | tuple[int, int] = 1
    ) -> np.ndarray:
        """Rebuild a whitened image from its codes; overlapping patches are averaged.

        Parameters
        ----------
        codes : array-like or sparse matrix of shape (n_patches, n_components)
            From `encode`.
        image_shape : (int, int)
            Height and width of the image.
        step : int or (int, int), default=1
            As given to `encode`.

        Returns
        -------
        whitened : ndarray of shape (height, width)

        Raises
        ------
        ValueError
            If the codes are not those of such an image.
        """
        patches = self.dictionary.decode(codes)
        return reconstruct_from_patches(patches, image_shape, self.patch_size, step=step)

    def unwhiten(self, whitened: ArrayLike, *, mean: float = 0.0) -> np.ndarray:
        """Undo the whitening, up to 0.5 cycles a pixel.

        Errors of the codes are amplified as the whitening weakened the image: hardly at edges, more
        in slow changes of brightness, and most above 0.5 cycles a pixel, in the corners of the
        square of frequencies, which are therefore left out.

        Parameters
        ----------
        whitened : array-like of shape (height, width)
        mean : float, default=0.0
            Mean of the image, which `OlshausenFieldWhitening` removes.

        Returns
        -------
        image : ndarray of shape (height, width)
        """
        whitened = check_image(whitened, "whitened", colour=False)
        mean = check_number(mean, "mean")
        if isinstance(self.whitening, ImageScaling):
            return self.whitening.inverse_transform(whitened)
        options = {"means": mean, "max_frequency": _HIGHEST_FREQUENCY}
        return self.whitening.inverse_transform(whitened, **options)

    def save(self, path: PathLike) -> None:
        """Write the filters to a ``.safetensors`` or ``.npz`` file, whole or not at all.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        TypeError
            If the penalty is not of this package, or `record` holds what JSON cannot.
        ValueError
            If the suffix of `path` is another one.
        OSError
            If the file cannot be written.
        """
        whitening = self.whitening
        learned = ("scale_", "mean_")
        note = {
            "patch_size": list(self.patch_size),
            "whitening": {
                "name": type(whitening).__name__,
                "values": whitening.get_params(),
                "fitted": {
                    name: getattr(whitening, name) for name in learned if hasattr(whitening, name)
                },
            },
            "penalty": describe(self.penalty, "penalty"),
            "record": self.record,
        }
        dictionary = self.dictionary
        _serialization.save(
            path, dictionary.atoms, dictionary.offset, dictionary.constraint, filter_bank=note
        )

    @classmethod
    def load(cls, path: PathLike, *, max_bytes: int | None = None) -> Self:
        """Read filters that `save` or ``sparsecode filters`` wrote; nothing is executed.

        Parameters
        ----------
        path : str or path-like
        max_bytes : int or None, default=None
            Most bytes that a compressed file may unpack to. None is 64 MiB, or 20 times its size
            where that is more.

        Raises
        ------
        ValueError
            If the file is none that `save` wrote, or would unpack to more than `max_bytes`.
        FileNotFoundError, OSError
            If there is no such file, or it cannot be read.
        """

        def build(parts, header):
            note = parsed(part(header, "filter_bank"))
            patch_size = part(note, "patch_size")
            return cls(
                Dictionary(*parts),
                tuple(patch_size) if isinstance(patch_size, list) else patch_size,
                _rebuilt_whitening(part(note, "whitening")),
                rebuild_setting(part(note, "penalty"), "penalty"),
                part(note, "record"),
            )

        return _serialization.load_with(path, build, _not_a_bank, max_bytes)


def _rebuilt_whitening(description):
    if not isinstance(description, dict) or set(description) != {"name", "values", "fitted"}:
        raise Refused(f"its whitening is {shown(description)}")
    name, values, fitted = (description[key] for key in ("name", "values", "fitted"))
    if not isinstance(name, str) or name not in _WHITENINGS:
        raise Refused(f"its whitening is {str(name)[:80]!r}; expected {listed(_WHITENINGS)}")
    cls = _WHITENINGS[name]
    expected = {"scale_", "mean_"} if cls is ImageScaling else {"scale_"}
    if not isinstance(values, dict) or not isinstance(fitted, dict) or set(fitted) != expected:
        raise Refused("its whitening lacks its settings")
    if unknown := set(values) - set(cls().get_params()):
        raise Refused(f"its whitening has the unknown settings {listed(unknown)}")
    whitening = cls(**values)
    if cls is OlshausenFieldWhitening:
        whitening._check_parameters()
    for key, value in fitted.items():
        low = 0 if key == "scale_" else None
        setattr(whitening, key, check_number(value, key, low=low, low_open=low == 0))
    return whitening


def _not_a_bank(path, reason):
    return ValueError(
        f"{path} is not a saved filter bank: {ended(reason)} Give a file that `sparsecode filters` "
        "or FilterBank.save wrote."
    )
