"""Model selection: scores over a grid, scorers for searches, and many models in one pass."""

from sparsecode.model_selection.curve import SelectionCurve, selection_curve
from sparsecode.model_selection.many import fit_many
from sparsecode.model_selection.probes import probe_scores
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
    "probe_scores",
    "selection_curve",
]
