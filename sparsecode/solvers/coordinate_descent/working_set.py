"""Kernels that choose the atoms to work on, for one sample.

Candidates are the atoms that may be nonzero at the optimum; the working set, in the order in which
atoms join it, those that sweeps run over. `score` says how far each candidate would move.
"""

from __future__ import annotations

from sparsecode import _jit

# Share of the largest violation outside the working set that an atom must reach to join it;
# measured, with a flat optimum.
_EAGER = 0.4


@_jit.inner
def movable_atoms(inverse, code, candidates, is_working):
    """Make every atom that is not zero a candidate, and set the others to 0; count them."""
    n_candidates = 0
    for j in range(code.shape[0]):
        is_working[j] = 0
        if inverse[j] > 0:
            candidates[n_candidates] = j
            n_candidates += 1
        else:
            code[j] = 0
    return n_candidates


@_jit.outlined
def violations(penalty, inverse, norms, code, residual, is_working, candidates, score):
    """Length of the step that each candidate would take; the longest, and the bar to newcomers."""
    worst = 0.0
    worst_outside = 0.0
    for j in candidates:
        target = _jit.scalar_prox(penalty, code[j] + residual[j] * inverse[j], inverse[j], j)
        score[j] = abs(target - code[j]) * norms[j]
        worst = max(worst, score[j])
        if not is_working[j]:
            worst_outside = max(worst_outside, score[j])
    return worst, _EAGER * worst_outside


@_jit.outlined
def enter_working_set(bar, score, code, gram, candidates, is_working, working, count, part_gram):
    """Let candidates that reach `bar` join, and all that are not 0; returns the new size."""
    for j in candidates:
        if is_working[j] or not (code[j] != 0 or (score[j] > 0 and score[j] >= bar)):
            continue
        for a in range(count):
            part_gram[a, count] = part_gram[count, a] = gram[j, working[a]]
        part_gram[count, count] = gram[j, j]
        working[count], is_working[j] = j, 1
        count += 1
    return count


@_jit.outlined
def screen(penalty, scale, radius, residual, norms, code, is_working, candidates, n_candidates):
    """Drop candidates that are not in use and zero at the optimum; returns how many are left.

    The optimal residual lies in a ball around the scaled one. A coefficient is 0 if every
    correlation that the ball allows lies inside the subdifferential at 0, an interval, that is if
    the prox maps both ends to 0.
    """
    kept = 0
    one = residual.dtype.type(1)
    for i in range(n_candidates):
        j = candidates[i]
        middle = residual.dtype.type(scale * residual[j])
        reach = residual.dtype.type(radius * norms[j])
        inside = (
            not (is_working[j] or code[j] != 0)
            and _jit.scalar_prox(penalty, middle + reach, one, j) == 0
            and _jit.scalar_prox(penalty, middle - reach, one, j) == 0
        )
        if not inside:
            candidates[kept] = j
            kept += 1
    return kept
