"""Model selection: scores over a grid, scorers for searches, and many models in one pass."""

from sparsecode.model_selection.curve import SelectionCurve, selection_curve
from sparsecode.model_selection.many import fit_many
from sparsecode.model_selection.scorers import (
    CodeLengthScorer,
    EqualSparsityScorer,
    MissingEntriesScorer,
)

__all__ = [
    "CodeLengthScorer",
    "EqualSparsityScorer",
    "MissingEntriesScorer",
    "SelectionCurve",
    "fit_many",
    "selection_curve",
]
