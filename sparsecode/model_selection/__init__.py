"""Model selection: scores over a grid of numbers of atoms and weights, and scorers for searches."""

from sparsecode.model_selection.curve import SelectionCurve, selection_curve
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
    "selection_curve",
]
