"""Learning of the drop-in estimators: initial atoms, then alternating codes and atoms."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from sparsecode._messages import wrong
from sparsecode._validation import check_named_array
from sparsecode._zero_codes import warn_of_zeros
from sparsecode.constraints import Free, NonNegative, UnitBall
from sparsecode.dictionary import Dictionary
from sparsecode.dropin._base import CODING_CONSTRAINTS, DropInCoder
from sparsecode.dropin.encoding import check_positive, lasso_encoder
from sparsecode.initialization import initial_dictionary
from sparsecode.penalties import L1

# Values that scikit-learn accepts for the parameters of both learners.
LEARNING_CONSTRAINTS = {
    **CODING_CONSTRAINTS,
    "n_components": [Interval(Integral, 1, None, closed="left"), None],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "max_iter": [Interval(Integral, 0, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left")],
    "fit_algorithm": [StrOptions({"lars", "cd"})],
    "dict_init": [np.ndarray, None],
    "callback": [callable, None],
    "verbose": ["verbose"],
    "random_state": ["random_state"],
    "positive_dict": ["boolean"],
}


class DropInLearner(DropInCoder):
    """Base of the drop-in learners."""

    @property
    def _atoms(self):
        return self.components_

    @property
    def _transform_alpha(self):
        # For 'omp' it is a target error, which the weight of the l1 norm does not determine.
        if self.transform_alpha is None and self.transform_algorithm != "omp":
            return self.alpha
        return self.transform_alpha

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "components_")

    def _check_fit_algorithm(self):
        check_positive(self.fit_algorithm, self.positive_code, "positive_code")

    def _first_dictionary(self, X, rng, *, learns):
        """Initial dictionary, in the type of `X`.

        Without `learns`, given atoms are also the result, and need not obey the constraint.
        """
        constraint = NonNegative(UnitBall()) if self.positive_dict else UnitBall()
        n_components = X.shape[1] if self.n_components is None else self.n_components
        if self.dict_init is None:
            return initial_dictionary(
                "k-means++", X, n_components, constraint=constraint, random_state=rng
            )
        given = check_named_array(self.dict_init, "dict_init", dtype=X.dtype)
        if given.shape[1] != X.shape[1]:
            raise ValueError(
                f"dict_init has {given.shape[1]} columns; expected {X.shape[1]}, the number of "
                "features of X. Give atoms of these features."
            )
        # Atoms that are not given are zero, and are replaced after the first step.
        atoms = np.zeros((n_components, X.shape[1]), dtype=X.dtype)
        atoms[: len(given)] = given[:n_components]
        return Dictionary(atoms, constraint=constraint if learns else Free())

    def _encoder(self, dictionary):
        """Encoder for learning: the lasso with the weight `alpha`."""
        if self.transform_max_iter == 0:
            raise ValueError(
                wrong(
                    "transform_max_iter",
                    got="0",
                    expected="at least 1, as it also limits the coding during learning",
                    remedy="Raise transform_max_iter, or set max_iter=0 to keep the initial atoms.",
                )
            )
        return lasso_encoder(
            dictionary.dtype, self.alpha, self.positive_code, int(self.transform_max_iter)
        )

    def _warn_if_nothing_learned(self, X, used):
        """Warn if all codes were zero, so that no atom was `used`."""
        if not used:
            unit = L1(positive=bool(self.positive_code))
            warn_of_zeros(X, Dictionary(self.components_), unit, self.alpha, stacklevel=5)

    def _report(self, text):
        if self.verbose:
            print(f"[dict_learning] {text}", flush=True)
