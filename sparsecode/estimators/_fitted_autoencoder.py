"""What can be done with an autoencoder once it is fitted."""

from __future__ import annotations

import copy

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sparsecode._validation import check_matrix, check_number, wrong
from sparsecode.debiasing import debias
from sparsecode.encoders._folding import FoldableEncoder
from sparsecode.estimators import _checkpoints, _model_files, _refinement
from sparsecode.estimators._features import FeatureUse
from sparsecode.estimators._sparsity import resumed_penalty
from sparsecode.estimators._units import rescale_penalty, scales
from sparsecode.estimators._with_output import WithOutput
from sparsecode.interop import Checkpoint, read_checkpoint


class FittedAutoencoder(WithOutput, FeatureUse):
    """Part of `SparseAutoencoder` that changes, keeps and uses what was learned."""

    def refine(self, X, method="decoder", *, constraint=None, n_epochs=10, sample_weight=None):
        """Lower the error of reconstruction with the choice of units kept: undo shrinkage.

        A second phase after training with a penalty, which pulls all codes towards zero. What is
        found is kept only where it lowers the error on `X`. If it is interrupted (Ctrl-C), the
        estimator keeps the best so far; the interrupt is then raised.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        method : {"decoder", "scale", "support"}, default="decoder"
            "decoder" trains atoms and offset for the codes as they are, by gradients and without a
            penalty. "scale" multiplies each atom by one positive number, all of them by least
            squares at once; in ``O(n_samples * l0^2 + n_components^3)`` and memory of
            ``n_components^2``. Codes stay as they are with both, so that larger atoms make up for
            what they lack. "support" keeps the model and fits, whenever it codes samples, the
            coefficients of each by least squares on its nonzeros, see `sparsecode.debias`; `X` is
            only checked.
        constraint : Constraint or None, default=None
            That of the atoms with "decoder"; None is `Free()`. Atoms of fixed norm can turn but
            not grow.
        n_epochs : int, default=10
            Passes over the samples with "decoder", with `optimizer` and `batch_size`.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            How much each sample counts in the error; None is 1 each. With "support", where each
            sample has its own least squares, they are only checked.

        Returns
        -------
        self : SparseAutoencoder
            `partial_fit` goes on from it with a fresh optimizer, and with the penalty, which a
            refinement leaves out: refine again after it.

        Raises
        ------
        TypeError
            If the encoder is not of the form ``activation((x - offset) @ W.T + b)``, unless the
            method is "support".

        References
        ----------
        B. Wright and L. Sharkey, "Addressing feature suppression in SAEs", 2024. S. Rajamanoharan
        et al., "Improving dictionary learning with gated sparse autoencoders", 2024.

        Examples
        --------
        >>> from sparsecode import SparseAutoencoder
        >>> from sparsecode.datasets import make_sparse_signals
        >>> from sparsecode.metrics import explained_variance, l0
        >>> X = make_sparse_signals(500, 20, 10, n_nonzero=2, random_state=0).X
        >>> model = SparseAutoencoder(20, alpha=0.1, random_state=0).fit(X)
        >>> codes = model.transform(X)
        >>> before = explained_variance(X, model.inverse_transform(codes))
        >>> refined = model.refine(X, "scale").transform(X)
        >>> bool(explained_variance(X, model.inverse_transform(refined)) > before)
        True
        >>> bool((l0(refined) == l0(codes)).all())
        True
        """
        if method != "decoder" and constraint is not None:
            raise ValueError(
                f"constraint is {constraint} with the method {method!r}; expected None, as only "
                "'decoder' trains atoms. Leave it out."
            )
        self._check_linear("refine")
        X = self._check_X(X)
        sample_weight = self._check_weights(X, sample_weight)
        if method == "support":
            self.debiases_ = True
            return self
        if method not in ("decoder", "scale"):
            raise ValueError(
                wrong(
                    "method",
                    got=repr(method),
                    expected="'decoder', 'scale' or 'support'",
                    remedy="Choose one.",
                )
            )
        self._check_foldable("refine", "'support'")
        if method == "scale":
            found = _refinement.scaled(X, self.encoder_, self.dictionary_, sample_weight)
            self._replace_model(*found)
            return self
        found = _refinement.retrained(
            X,
            *self._to_train(),
            constraint=constraint,
            input_scale=self.input_scale_,
            optimizer=self.optimizer,
            batch_size=self.batch_size,
            n_epochs=n_epochs,
            sample_weight=sample_weight,
            random_state=self.random_state,
        )
        for encoder, dictionary in found:
            self._replace_model(*self._to_use(encoder, dictionary))
        return self

    def fold(self, mean=None, scale=None):
        """Return the autoencoder for samples before a standardisation, fitted after it.

        If this one was fitted to ``(X - mean) / scale``, such as by a `StandardScaler`, the new one
        takes `X` itself: the pre-processing goes into the weights. It is exact up to rounding. The
        new one is for use: `alpha`, or a weight that was found, stays in units of the standardised
        samples, so go on training this one.

        Parameters
        ----------
        mean : array-like of shape (n_features,) or None, default=None
            None is 0.
        scale : float, array-like of shape (n_features,) or None, default=None
            Positive; None is 1. With one number atoms keep their norms, and codes become as many
            times larger (if the encoder is homogeneous, and the penalty L1 or L0, whose weight is
            then changed to fit: `score` is multiplied by the square of `scale`). Otherwise codes
            stay as they are, atoms are multiplied by `scale` under no constraint, a tied encoder
            gets weights of its own, and `score` is the objective in units of `X`.

        Returns
        -------
        model : SparseAutoencoder
            A new one; this one stays as it is.

        Raises
        ------
        TypeError
            If the encoder is not of the form ``activation((x - offset) @ W.T + b)``.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.preprocessing import StandardScaler
        >>> from sparsecode import SparseAutoencoder
        >>> X = np.random.default_rng(0).standard_normal((200, 5)) * [1, 2, 3, 4, 5] + 10
        >>> scaler = StandardScaler().fit(X)
        >>> model = SparseAutoencoder(8, alpha=0.1, random_state=0).fit(scaler.transform(X))
        >>> folded = model.fold(scaler.mean_, scaler.scale_)
        >>> bool(np.allclose(folded.transform(X), model.transform(scaler.transform(X))))
        True
        """
        self._check_linear("fold")
        self._check_foldable("fold", None)
        n_features = self.dictionary_.n_features
        if mean is not None:
            mean = check_matrix(np.reshape(mean, (1, -1)), "mean", n_columns=n_features)[0]
        scale = 1.0 if scale is None else scale
        if np.ndim(scale) == 0:
            scale = float(check_number(scale, "scale", low=0, low_open=True))
        else:
            scale = check_matrix(np.reshape(scale, (1, -1)), "scale", n_columns=n_features)[0]
            if not (scale > 0).all():
                raise ValueError(
                    f"scale has {np.count_nonzero(scale <= 0)} entries that are not positive; "
                    "expected none. Use 1 for features that do not vary, as StandardScaler does."
                )
        if np.ndim(scale) > 0 and self.debiases_:
            raise ValueError(
                "scale has one number for each feature and the coefficients are fitted by least "
                "squares, which are others for features of other scales; expected one number. Keep "
                "the pre-processing in a pipeline, or fold before refine."
            )
        whole = np.ndim(scale) == 0 and scales(self.encoder_, self.penalty_)
        model = copy.copy(self)
        model._replace_model(
            *self.encoder_.fold_inputs(self.dictionary_, mean, scale, scale_codes=whole)
        )
        model.input_scale_ = self.input_scale_ / scale if whole else 1.0
        model.penalty_ = rescale_penalty(self.penalty_, scale) if whole else self.penalty_
        return model

    def save(self, path):
        """Write the fitted autoencoder to a ``.safetensors`` or ``.npz`` file, without pickle.

        The file holds all that `transform`, `score` and the like need, the parameters of the
        estimator that are numbers or names, and the loss, if it and its terms are of this package.
        Other objects, such as the optimizer or a term of your own, and the state of training
        (``model.state_.save``), are not in it: set them before `partial_fit` goes on.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        TypeError
            If the encoder, its settings or the penalty are none of this package.
        OSError
            If the file cannot be written.
        """
        check_is_fitted(self)
        _model_files.save(path, self)

    @classmethod
    def load(cls, path, *, max_bytes=None):
        """Read a fitted autoencoder that `save` wrote; nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
        max_bytes : int or None, default=None
            Most bytes that a compressed file may unpack to. None is 64 MiB, or 20 times its size
            where that is more.

        Returns
        -------
        model : SparseAutoencoder
            `partial_fit` goes on with a fresh optimizer.

        Raises
        ------
        ValueError
            If the file is not a saved autoencoder, or would unpack to more than `max_bytes`.
        FileNotFoundError, OSError
            If there is no such file, or it cannot be read.
        """
        return _model_files.load(path, cls, max_bytes)

    @classmethod
    def from_pretrained(cls, path, format=None, *, input_scale=None, **options):
        """Read an autoencoder that another library trained, as a fitted one.

        Parameters
        ----------
        path : str, path-like or Checkpoint
        format : str or None, default=None
        input_scale : float or None, default=None
            These three as `sparsecode.interop.read_checkpoint` takes them.
        **options : dict
            Its other keywords: `fold_norms`, `dict_class` and `max_bytes`.

        Returns
        -------
        model : SparseAutoencoder
            With a `penalty_` of weight 0, as the files do not tell that of the training.

        Raises
        ------
        ValueError
            If it is a transcoder, scales each sample by its own statistics, or cannot be read.

        Examples
        --------
        >>> import numpy as np, tempfile
        >>> from sparsecode import SparseAutoencoder
        >>> from sparsecode.interop import Checkpoint, write_checkpoint
        >>> folder = tempfile.mkdtemp()
        >>> checkpoint = Checkpoint("TopK", W=np.eye(3), atoms=np.eye(3), k=1)
        >>> write_checkpoint(checkpoint, folder, "sparsify")
        >>> SparseAutoencoder.from_pretrained(folder).transform([[1.0, 3.0, 2.0]])
        array([[0., 3., 0.]])
        """
        if not isinstance(path, Checkpoint):
            path = read_checkpoint(path, format, input_scale=input_scale, **options)
        elif options or input_scale is not None or format is not None:
            raise ValueError(
                "format, input_scale or another keyword is given with a Checkpoint; expected a "
                "path, as they tell how a file is read. Give them to read_checkpoint."
            )
        return _checkpoints.to_model(path.fold(), cls)

    def to_checkpoint(self):
        """Return the model in the form that `sparsecode.interop` writes for other libraries.

        Returns
        -------
        checkpoint : Checkpoint

        Raises
        ------
        ValueError
            If other libraries have no such encoder, coefficients are fitted by least squares, or
            the decoder has an output activation.
        """
        self._check_linear("a checkpoint of other libraries")
        return _checkpoints.to_checkpoint(self)

    def _encode(self, X, **options):
        codes = super()._encode(X, **options)
        return self._fitted(X, codes) if self.debiases_ else codes

    def _fitted(self, X, codes):
        low = getattr(self.encoder_, "bounds", (0.0,))[0]
        return debias(X, codes, self.dictionary_, positive=low >= 0, n_jobs=self.n_jobs)

    def _sparse_codes(self, X):
        codes = self.encoder_.encode(X, self.dictionary_, sparse_output=True, n_jobs=self.n_jobs)
        return self._fitted(X, codes) if self.debiases_ else codes

    def _replace_model(self, encoder, dictionary):
        """Use these from now on; what was remembered of training no longer fits."""
        self.encoder_, self.dictionary_, self.state_ = encoder, dictionary, None
        # But for the weight that was found.
        penalty = rescale_penalty(self.penalty_, self.input_scale_)
        self._found = resumed_penalty(penalty, self.sparsity_weight_)

    def _check_foldable(self, what, other):
        if not isinstance(self.encoder_, FoldableEncoder):
            raise TypeError(
                f"{what} is for encoders of the form activation((x - offset) @ W.T + b); "
                f"{type(self.encoder_).__name__} is not. "
                + (f"Use {other}." if other else "Keep the pre-processing in a pipeline.")
            )
