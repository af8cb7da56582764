"""Tasks for scikit-learn's callbacks, a fit and its epochs, where scikit-learn has callbacks."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import numpy as np
import sklearn

from sparsecode._batches import Batch
from sparsecode._collections import is_collection

# scikit-learn 1.9 brought them.
HAS_CALLBACKS = importlib.util.find_spec("sklearn.callback") is not None

if TYPE_CHECKING or HAS_CALLBACKS:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
else:

    class CallbackSupportMixin:
        """Mix-in of an estimator that has no callbacks, and says so to whoever sets one."""

        def set_callbacks(self, *callbacks: Any):
            """Refuse callbacks, which this scikit-learn has not."""
            raise ImportError(
                f"set_callbacks needs scikit-learn 1.9 or newer, but {sklearn.__version__} is "
                "installed. Update it (pip install -U scikit-learn), or fit without callbacks."
            )

        def _init_callback_context(self, max_subtasks):
            return _SilentTask()

    class _SilentTask:
        """Task that nobody follows."""

        def subcontext(self, task_name):
            return self

        def call_on_fit_task_begin(self, **given):
            """Tell nobody."""

        def call_on_fit_task_end(self, **given):
            return False

    def with_callbacks(method):
        """Return the method as it is: no callback waits for its end."""
        return method


__all__ = ["HAS_CALLBACKS", "CallbackSupportMixin", "FitTasks", "with_callbacks"]


class FitTasks:
    """Task of a fit, with a subtask for each epoch.

    Parameters
    ----------
    estimator : estimator with `CallbackSupportMixin`
    X, y : array-like
        Arguments of `fit`. Of Dask arrays, callbacks get some rows in memory, always the same ones.
    n_epochs : int
        Largest number of epochs.
    fitted : tuple of str, default=("dictionary_",)
        Attributes that `transform` and `score` need.
    """

    def __init__(self, estimator, X, y, n_epochs, fitted=("dictionary_",)):
        self._estimator, self._fitted, self._epoch = estimator, fitted, None
        if is_collection(X) and getattr(estimator, "_skl_callbacks", None):
            target = y if is_collection(y) else None
            X, _, y = Batch(X, None, target).limited(np.random.default_rng(0))
        # `ScoringMonitor` records nothing without `y`.
        self._data = {"X": X, "y": np.broadcast_to(0.0, X.shape[0]) if y is None else y}
        self._context = estimator._init_callback_context(max_subtasks=n_epochs)
        self._begin(self._context)

    def begin_epoch(self, _=None):
        """Report the beginning of an epoch, once; can be the callback of steps."""
        if self._epoch is None:
            self._epoch = self._context.subcontext(task_name="epoch")
            self._begin(self._epoch)

    def end_epoch(self):
        """Report the end of an epoch; return whether a callback requests a stop."""
        self.begin_epoch()
        stop = self._end(self._epoch)
        self._epoch = None
        return stop

    def end(self):
        """Report the end of the fit."""
        self._end(self._context)

    def _begin(self, task):
        task.call_on_fit_task_begin(estimator=self._estimator, **self._data)

    def _end(self, task):
        fitted = {name: getattr(self._estimator, name) for name in self._fitted}
        return task.call_on_fit_task_end(
            estimator=self._estimator, **self._data, reconstruction_attributes=fitted
        )
