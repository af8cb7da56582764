"""Least squares for all Gabors at once: variable projection and Levenberg-Marquardt.

Amplitude and phase are the weights of a cosine and a sine under one envelope, hence linear; only
six parameters are iterated: centre x, centre y, orientation, log frequency, log width along the
wave vector, log width across it. The atoms are flat rows of unit norm here.

The Jacobian is that of L. Kaufman, "A variable projection method for solving separable nonlinear
least squares problems", BIT, 1975.
"""

from __future__ import annotations

import numpy as np

from sparsecode._interrupts import halt_if_told

WIDTH_MIN = 0.5  # pixels: a narrower envelope falls between the pixels
MARGIN = 2.0  # pixels that a centre may lie outside the patch
RIDGE = 1e-5  # weight of the squared amplitude, see `linearize`
MAX_STEP = np.array([3.0, 3.0, 0.5, 0.7, 0.7, 0.7])  # beyond it the linear model says nothing
DAMPING_MAX = 1e6


def bounds(height, width):
    """Return the lower and upper bounds of the parameters, each of shape (6,).

    An envelope wider than the patch cannot be distinguished from a wider one. A wave of less than a
    quarter of a cycle across the patch cannot be distinguished from a slower one.
    """
    side = max(height, width)
    low = [-MARGIN, -MARGIN, -np.inf, np.log(0.25 / side), np.log(WIDTH_MIN), np.log(WIDTH_MIN)]
    high = [width - 1 + MARGIN, height - 1 + MARGIN, np.inf, 0.0, np.log(side), np.log(side)]
    return np.array(low), np.array(high)


def refine(rows, params, grid, low, high, max_steps, tol):
    """Return parameters (n, 6) and costs (n,) after Levenberg-Marquardt within the bounds.

    `tol` is the decrease of the cost (half the squared residual of a unit row) that ends a
    row's iterations. A parameter at a bound that the gradient pushes outwards is held there; rows
    that have converged leave the batch.
    """
    params = _clip(params, low, high)
    _, cost, gradient, hessian = linearize(rows, params, grid)
    damping = np.full(len(rows), 1e-2)
    live = np.arange(len(rows))
    for _ in range(max_steps):
        halt_if_told()
        if not len(live):
            break
        step = _damped_step(params[live], gradient[live], hessian[live], damping[live], low, high)
        trial = _clip(params[live] + step, low, high)
        _, trial_cost, trial_gradient, trial_hessian = linearize(rows[live], trial, grid)
        better = trial_cost < cost[live]
        gain = cost[live] - trial_cost
        accepted = live[better]
        params[accepted], cost[accepted] = trial[better], trial_cost[better]
        gradient[accepted], hessian[accepted] = trial_gradient[better], trial_hessian[better]
        damping[live] = np.where(better, np.maximum(damping[live] / 5, 1e-9), damping[live] * 4)
        done = np.where(better, gain < tol, damping[live] > DAMPING_MAX)
        live = live[~done]
    return params, cost


def _clip(params, low, high):
    params = np.clip(params, low, high)
    return np.minimum(params, _frequency_cap(params))


def _frequency_cap(params):
    """Nyquist: neither component of the wave vector may pass half a cycle a pixel."""
    cap = np.full_like(params, np.inf)
    orientation = params[:, 2]
    cap[:, 3] = np.log(0.5 / np.maximum(abs(np.cos(orientation)), abs(np.sin(orientation))))
    return cap


def _damped_step(params, gradient, hessian, damping, low, high):
    high = np.minimum(high, _frequency_cap(params))
    held = ((params <= low) & (gradient > 0)) | ((params >= high) & (gradient < 0))
    # a held parameter steps alone, outwards, and is clipped back
    matrix = np.where(held[:, :, None] | held[:, None, :], 0.0, hessian)
    diagonal = np.einsum("nii->ni", matrix)
    scale = diagonal.max(axis=1, keepdims=True)
    diagonal += damping[:, None] * (diagonal + 1e-6 * scale) + held + 1e-12
    step = -np.linalg.solve(matrix, gradient[:, :, None])[:, :, 0]
    return np.clip(step, -MAX_STEP, MAX_STEP)


def linearize(rows, params, grid):
    """Solve for the linear weights; return them, the cost, its gradient and Gauss-Newton matrix.

    The cost is half of ``|residual|^2 + RIDGE |weights|^2``. The ridge decides where the squared
    residual alone hardly does: any slow sine of large amplitude fits a single edge equally well,
    and the small remainder of a wave at Nyquist fits a one-pixel bar. The Gauss-Newton matrix is
    Kaufman's: derivatives at fixed weights, projected on the complement of cosine and sine. The
    gradient is exact.
    """
    cosine, sine, along, across = quadrature(params, grid)
    cc, cs, ss = gram(cosine, sine, RIDGE)
    determinant = cc * ss - cs**2

    def weights_of(c, s):
        return (ss * c - cs * s) / determinant, (cc * s - cs * c) / determinant

    a, b = weights_of(np.einsum("np,np->n", cosine, rows), np.einsum("np,np->n", sine, rows))
    model = a[:, None] * cosine + b[:, None] * sine
    quarter = b[:, None] * cosine - a[:, None] * sine  # derivative by the phase of the carrier
    residual = rows - model

    c, s = np.cos(params[:, 2:3]), np.sin(params[:, 2:3])
    wave, inv_x, inv_y = (
        2 * np.pi * np.exp(params[:, 3:4]),
        *np.exp(-2 * params[:, 4:].T)[:, :, None],
    )
    jacobian = np.empty((len(rows), 6, rows.shape[1]))
    # a moved centre shifts the phase of the carrier, and the projection removes this
    jacobian[:, 0] = model * (c * inv_x * along - s * inv_y * across)
    jacobian[:, 1] = model * (s * inv_x * along + c * inv_y * across)
    jacobian[:, 2] = across * (model * along * (inv_y - inv_x) + quarter * wave)
    jacobian[:, 3] = quarter * wave * along
    jacobian[:, 4] = model * inv_x * along**2
    jacobian[:, 5] = model * inv_y * across**2
    on_cosine = (jacobian @ cosine[:, :, None])[:, :, 0].T
    on_sine = (jacobian @ sine[:, :, None])[:, :, 0].T
    p, q = weights_of(on_cosine, on_sine)

    gradient = -(jacobian @ residual[:, :, None])[:, :, 0]
    hessian = jacobian @ jacobian.transpose(0, 2, 1)
    hessian -= np.einsum("in,jn->nij", on_cosine, p) + np.einsum("in,jn->nij", on_sine, q)
    cost = 0.5 * (np.einsum("np,np->n", residual, residual) + RIDGE * (a**2 + b**2))
    return np.stack([a, b], axis=1), cost, gradient, hessian


def quadrature(params, grid):
    """Return cosine and sine under the envelope, and the coordinates along and across the wave."""
    y, x = grid
    dx, dy = x - params[:, 0:1], y - params[:, 1:2]
    c, s = np.cos(params[:, 2:3]), np.sin(params[:, 2:3])
    along, across = c * dx + s * dy, c * dy - s * dx
    frequency, width_x, width_y = np.exp(params[:, 3:]).T[:, :, None]
    envelope = np.exp(-0.5 * ((along / width_x) ** 2 + (across / width_y) ** 2))
    angle = 2 * np.pi * frequency * along
    return envelope * np.cos(angle), envelope * np.sin(angle), along, across


def gram(cosine, sine, ridge):
    cc, cs, ss = (
        np.einsum("np,np->n", u, v) for u, v in ((cosine, cosine), (cosine, sine), (sine, sine))
    )
    return cc + ridge, cs, ss + ridge
