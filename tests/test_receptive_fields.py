import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import gaussian_filter
from scipy.optimize import least_squares

from sparsecode.receptive_fields import (
    GaborFits,
    fit_gabors,
    gabor_patches,
    receptive_field_statistics,
    spatial_frequency,
)
from sparsecode.receptive_fields import _refine as refine_module
from sparsecode.receptive_fields import _search as search_module

NAMES = ("center_x", "center_y", "orientation", "frequency", "phase", "width_x", "width_y")
SHAPE = (16, 16)


def random_gabors(n, side, rng):
    """Parameters of Gabors that the pixels determine well."""
    frequency = rng.uniform(0.1, 0.3, n)
    width_x = np.clip(rng.uniform(0.4, 0.8, n) / frequency, 1.2, side / 5)
    return {
        "center_x": rng.uniform(0.3, 0.7, n) * (side - 1),
        "center_y": rng.uniform(0.3, 0.7, n) * (side - 1),
        "orientation": rng.uniform(0, np.pi, n),
        "frequency": frequency,
        "phase": rng.uniform(-np.pi, np.pi, n),
        "width_x": width_x,
        "width_y": np.clip(width_x * rng.uniform(0.8, 2.5, n), 1.2, side / 4),
        "amplitude": rng.uniform(0.5, 2.0, n),
    }


def make_fits(**given):
    """Fits with chosen parameters, one entry an atom."""
    values = dict.fromkeys((*NAMES, "amplitude", "r2"), 1.0) | given
    n = max(np.size(value) for value in values.values())
    values = {name: np.broadcast_to(value, n).astype(float) for name, value in values.items()}
    return GaborFits(**values, patch_shape=SHAPE)


def angle_between(a, b, period):
    return abs((a - b + period / 2) % period - period / 2)


def assert_same_gabors(fits, truth, tol):
    for name in ("center_x", "center_y", "frequency", "width_x", "width_y", "amplitude"):
        assert_allclose(getattr(fits, name), truth[name], rtol=tol, atol=tol, err_msg=name)
    assert angle_between(fits.orientation, truth["orientation"], np.pi).max() < tol
    # half a turn of the wave vector mirrors the phase
    turned = angle_between(fits.orientation, truth["orientation"], 2 * np.pi) > 1
    phase = np.where(turned, -truth["phase"], truth["phase"])
    assert angle_between(fits.phase, phase, 2 * np.pi).max() < 3 * tol


def test_model_is_its_formula():
    picture = gabor_patches(
        (5, 7),
        center_x=2.5,
        center_y=1.0,
        orientation=0.4,
        frequency=0.15,
        width_x=1.5,
        width_y=2.5,
        phase=0.3,
        amplitude=2.0,
    )
    for y, x in itertools.product(range(5), range(7)):
        along = (x - 2.5) * np.cos(0.4) + (y - 1.0) * np.sin(0.4)
        across = (y - 1.0) * np.cos(0.4) - (x - 2.5) * np.sin(0.4)
        value = 2 * np.exp(-((along / 1.5) ** 2) / 2 - (across / 2.5) ** 2 / 2)
        value *= np.cos(2 * np.pi * 0.15 * along + 0.3)
        assert picture[y, x] == pytest.approx(value, abs=1e-14)


def test_orientation_zero_means_vertical_bars():
    picture = gabor_patches(
        SHAPE, center_x=7, center_y=7, orientation=0, frequency=0.2, width_x=3, width_y=1e6
    )
    assert_allclose(picture, np.tile(picture[0], (16, 1)), atol=1e-9)
    assert np.ptp(picture[0]) > 1


@pytest.mark.parametrize("n_cycles, aspect", [(0.4, 1.0), (0.5, 2.0), (0.8, 1.5), (0.7, 0.6)])
def test_recovers_a_grid_of_gabors(n_cycles, aspect):
    grid = itertools.product(
        np.arange(6) * np.pi / 6, [0.12, 0.2, 0.3], [0, np.pi / 4, np.pi / 2, np.pi]
    )
    orientation, frequency, phase = np.array(list(grid)).T
    truth = {
        "center_x": np.full_like(phase, 7.3),
        "center_y": np.full_like(phase, 8.1),
        "orientation": orientation,
        "frequency": frequency,
        "phase": phase,
        "width_x": n_cycles / frequency,
        "width_y": aspect * n_cycles / frequency,
        "amplitude": np.ones_like(phase),
    }
    fits = fit_gabors(gabor_patches(SHAPE, **truth))
    assert fits.r2.min() > 1 - 1e-6
    assert_same_gabors(fits, truth, tol=2e-3)


@pytest.mark.parametrize("side", [8, 13])
@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5])
def test_never_worse_than_the_truth_under_noise(side, noise):
    rng = np.random.default_rng(side)
    truth = random_gabors(80, side, rng)
    clean = gabor_patches((side, side), **truth)
    atoms = clean + noise * clean.std(axis=(1, 2), keepdims=True) * rng.standard_normal(clean.shape)
    fits = fit_gabors(atoms)

    total = ((atoms - atoms.mean(axis=(1, 2), keepdims=True)) ** 2).sum(axis=(1, 2))
    r2_truth = 1 - ((atoms - clean) ** 2).sum(axis=(1, 2)) / total
    assert (fits.r2 - r2_truth).min() > -1e-5
    errors = abs(fits.frequency - truth["frequency"])
    assert np.median(errors) <= 0.02 * noise * 12 / side + 1e-5
    assert np.quantile(errors, 0.9) <= 0.1 * noise + 1e-4


def test_r2_is_that_of_the_reported_parameters():
    rng = np.random.default_rng(0)
    atoms = gabor_patches(SHAPE, **random_gabors(20, 16, rng))
    atoms += 0.3 + 0.2 * rng.standard_normal(atoms.shape)
    fits = fit_gabors(atoms)
    model = gabor_patches(SHAPE, **{n: getattr(fits, n) for n in (*NAMES, "amplitude")})
    for atom, fitted, r2 in zip(atoms, model, fits.r2, strict=True):
        ratio = ((atom - fitted) ** 2).sum() / ((atom - atom.mean()) ** 2).sum()
        assert r2 == pytest.approx(max(0, 1 - ratio), abs=1e-12)


def test_scipy_finds_nothing_better():
    """Restarted from random Gabors, scipy's least squares on all eight parameters."""
    rng = np.random.default_rng(1)
    side = 9
    atoms = gabor_patches((side, side), **random_gabors(3, side, rng))
    atoms += 0.6 * atoms.std() * rng.standard_normal(atoms.shape)
    fits = fit_gabors(atoms)
    low, high = refine_module.bounds(side, side)
    low = [low[0], low[1], -10, np.exp(low[3]), -10, *np.exp(low[4:]), -5]
    high = [high[0], high[1], 10, 0.5, 10, *np.exp(high[4:]), 5]
    names = (*NAMES, "amplitude")
    for atom, r2 in zip(atoms, fits.r2, strict=True):
        total = ((atom - atom.mean()) ** 2).sum()

        def residual(params, atom=atom):
            picture = gabor_patches((side, side), **dict(zip(names, params, strict=True)))
            return (picture - atom).ravel()

        for _ in range(5):
            start = [value[0] for value in random_gabors(1, side, rng).values()]
            start = [*start[:7], start[7] * 0.5]
            other = least_squares(residual, start, bounds=(low, high), max_nfev=100)
            assert 1 - 2 * other.cost / total < r2 + 1e-3


def test_deeper_search_finds_nothing_better(monkeypatch):
    """On smooth noise, which has many local minima and no Gabor in it."""
    rng = np.random.default_rng(8)
    atoms = gaussian_filter(rng.standard_normal((50, 10, 10)), (0, 1, 1))
    r2 = fit_gabors(atoms).r2
    monkeypatch.setattr(search_module, "N_STARTS", 14)
    missed = fit_gabors(atoms).r2 - r2
    assert (missed > 1e-3).mean() <= 0.05
    assert missed[r2 > 0.5].max() < 1e-3


def test_gradient_of_the_variable_projection():
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((4, 49))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    grid = np.mgrid[:7, :7].reshape(2, -1).astype(float)
    params = rng.uniform([2, 2, 0, -2.0, 0.2, 0.2], [4, 4, 3, -1.2, 0.8, 0.8], (4, 6))
    gradient = refine_module.linearize(rows, params, grid)[2]
    for k in range(6):
        step = 1e-5 * np.eye(6)[k]
        up, down = (refine_module.linearize(rows, params + s, grid)[1] for s in (step, -step))
        assert_allclose((up - down) / 2e-5, gradient[:, k], rtol=1e-6, atol=1e-8)


@pytest.fixture(scope="module")
def noisy():
    rng = np.random.default_rng(3)
    atoms = gabor_patches((15, 15), **random_gabors(24, 15, rng))
    return atoms + 0.1 * rng.standard_normal(atoms.shape)


@pytest.fixture(scope="module")
def noisy_fits(noisy):
    return fit_gabors(noisy)


TURNS = {  # of the atoms, the orientation t and the centre x, y
    "rot90": (
        lambda atoms: np.rot90(atoms, axes=(1, 2)),
        lambda t: t - np.pi / 2,
        lambda x, y: (y, 14 - x),
    ),
    "transpose": (
        lambda atoms: atoms.transpose(0, 2, 1),
        lambda t: np.pi / 2 - t,
        lambda x, y: (y, x),
    ),
    "mirror": (lambda atoms: atoms[:, :, ::-1], lambda t: np.pi - t, lambda x, y: (14 - x, y)),
}


@pytest.mark.parametrize("turn, orientation, center", TURNS.values(), ids=TURNS)
def test_turned_atoms_turn_the_fit(noisy, noisy_fits, turn, orientation, center):
    turned, fits = fit_gabors(turn(noisy)), noisy_fits
    assert angle_between(turned.orientation, orientation(fits.orientation), np.pi).max() < 1e-3
    found = [turned.center_x, turned.center_y]
    assert_allclose(found, center(fits.center_x, fits.center_y), atol=1e-3)
    assert_allclose(turned.r2, fits.r2, atol=1e-7)
    assert_allclose(turned.bandwidth, fits.bandwidth, rtol=1e-2)


@pytest.mark.parametrize("factor", [2.0**-600, 2.0**600, -3.0])
def test_scaled_atoms_scale_the_amplitude(noisy, noisy_fits, factor):
    fits = fit_gabors(noisy[:10] * factor)
    assert_allclose(fits.r2, noisy_fits.r2[:10], atol=1e-7)
    assert_allclose(fits.amplitude / abs(factor), noisy_fits.amplitude[:10], rtol=1e-3)
    half_turn = 0 if factor > 0 else np.pi
    assert angle_between(fits.phase, noisy_fits.phase[:10] + half_turn, 2 * np.pi).max() < 1e-3


def test_translated_atoms_move_the_centre():
    truth = random_gabors(6, 15, np.random.default_rng(4))
    x, y = truth.pop("center_x"), truth.pop("center_y")
    at_home, moved = (
        fit_gabors(gabor_patches((21, 21), center_x=x + dx, center_y=y + dy, **truth))
        for dx, dy in ((3.0, 4.0), (5.0, 3.0))
    )
    assert_allclose(moved.center_x - at_home.center_x, 2, atol=1e-3)
    assert_allclose(moved.center_y - at_home.center_y, -1, atol=1e-3)
    assert_allclose(moved.phase, at_home.phase, atol=1e-3)


def test_threads_order_and_input(noisy, noisy_fits):
    before = noisy.copy()
    assert_array_equal(fit_gabors(noisy, n_jobs=1).center_x, noisy_fits.center_x)
    assert_array_equal(noisy, before)
    assert_allclose(fit_gabors(noisy[::-1]).r2[::-1], noisy_fits.r2, atol=1e-7)
    flat = noisy.reshape(24, -1).astype(np.float32)
    assert_allclose(fit_gabors(SimpleNamespace(atoms=flat)).r2, noisy_fits.r2, atol=1e-5)


def test_atoms_that_are_constant_or_nearly_empty():
    atoms = np.zeros((5, 6, 8))
    atoms[1] = 0.1
    atoms[2, 3, 4] = 1.0
    atoms[3, :, 4:] = -2.0
    atoms[4] = 1.0
    atoms[4, 0, 0] = 1.0001
    fits = fit_gabors(atoms)
    for name, values in fits.to_dict().items():
        assert not np.isnan(values).any(), name
        assert name == "bandwidth" or np.isfinite(values).all(), name
    assert_array_equal(fits.r2[[0, 1]], 0)
    assert_array_equal(fits.amplitude[[0, 1]], 0)
    assert_array_equal(fits.frequency[[0, 1]], 0)
    assert_array_equal(fits.center_x[[0, 1]], 3.5)
    assert fits.r2[2] > 0.99 and abs(fits.center_x[2] - 4) < 0.5 and abs(fits.center_y[2] - 3) < 0.5
    assert fits.r2.min() >= 0 and fits.r2.max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 20)])
def test_odd_patch_shapes(shape):
    fits = fit_gabors(np.random.default_rng(5).standard_normal((6, *shape)))
    assert fits.patch_shape == shape
    assert np.isfinite(fits.r2).all()


def test_bounds_hold_on_noise():
    fits = fit_gabors(np.random.default_rng(6).standard_normal((40, 10, 13)))
    assert fits.center_x.min() >= -2 and fits.center_x.max() <= 14
    assert fits.center_y.min() >= -2 and fits.center_y.max() <= 11
    assert fits.orientation.min() >= 0 and fits.orientation.max() < np.pi
    along = np.maximum(abs(np.cos(fits.orientation)), abs(np.sin(fits.orientation)))
    assert (fits.frequency * along).max() <= 0.5 + 1e-9 and fits.frequency.min() > 0
    for width in (fits.width_x, fits.width_y):
        assert width.min() >= 0.5 - 1e-9 and width.max() <= 13 + 1e-9
    assert abs(fits.phase).max() <= np.pi and fits.amplitude.min() >= 0


def test_colour_atom_is_its_first_colour_component(noisy, noisy_fits):
    tint = np.array([0.9, 0.3, -0.2])
    fits = fit_gabors(noisy[:8, :, :, None] * tint)
    assert_allclose(fits.r2, noisy_fits.r2[:8], atol=1e-7)
    assert angle_between(fits.phase, noisy_fits.phase[:8], 2 * np.pi).max() < 1e-3
    scale = np.linalg.norm(tint)
    assert_allclose(fits.amplitude, scale * noisy_fits.amplitude[:8], rtol=1e-3)
    flat = fit_gabors((noisy[:8, :, :, None] * tint).reshape(8, -1))
    assert_array_equal(flat.r2, fits.r2)


@pytest.mark.parametrize("phase", [0.0, 0.7, np.pi / 2, 2.5, np.pi])
@pytest.mark.parametrize("n_x", [0.05, 0.2, 0.3, 0.5, 1.0])
def test_bandwidth_and_peak_against_the_spectrum(n_x, phase):
    width, fits = 2.0, make_fits(frequency=n_x / 2.0, width_x=2.0, phase=phase)
    t = np.linspace(-16, 16, 801)
    profile = np.exp(-0.5 * (t / width) ** 2) * np.cos(2 * np.pi * n_x / width * t + phase)
    k = np.linspace(0, 0.9, 1801)
    amplitude = abs(np.exp(-2j * np.pi * np.outer(k, t)) @ profile)
    peak = amplitude.argmax()
    assert fits.peak_frequency[0] == pytest.approx(k[peak], abs=1e-3)
    above = np.flatnonzero(amplitude >= amplitude[peak] / 2)
    if above[0] == 0:
        assert fits.bandwidth[0] == np.inf
    else:
        octaves = np.log2(k[above[-1]] / k[above[0]])
        assert fits.bandwidth[0] == pytest.approx(octaves, abs=0.02)


@pytest.mark.parametrize("phase", [0.0, 0.7, np.pi / 2])
@pytest.mark.parametrize(("n_x", "n_y"), [(0.2, 0.3), (0.3, 0.1), (0.5, 0.5), (1.0, 2.0)])
def test_orientation_bandwidth_against_the_spectrum(n_x, n_y, phase):
    frequency, width = n_x / 2.0, n_y / n_x * 2.0
    fits = make_fits(frequency=frequency, width_x=2.0, width_y=width, phase=phase)
    y, x = np.mgrid[-24:25:0.5, -24:25:0.5]
    envelope = np.exp(-0.5 * ((x / 2.0) ** 2 + (y / width) ** 2))
    picture = envelope * np.cos(2 * np.pi * frequency * x + phase)
    degrees = np.arange(0, 90.25, 0.25)
    angle, peak = np.radians(degrees)[:, None, None], fits.peak_frequency[0]
    wave = np.exp(-2j * np.pi * peak * (x * np.cos(angle) + y * np.sin(angle)))
    amplitude = abs((wave * picture).sum(axis=(1, 2)))
    below = np.flatnonzero(amplitude < amplitude[0] / 2)
    expected = 2 * degrees[below[0]] if len(below) else 180.0
    assert fits.orientation_bandwidth[0] == pytest.approx(expected, abs=1.0)


def test_low_pass_fits_have_no_orientation():
    fits = make_fits(frequency=0.01, width_x=2.0, width_y=2.0, phase=0.0)
    assert fits.peak_frequency[0] == 0 and fits.orientation_bandwidth[0] == 180.0


def test_bandwidth_closed_form_with_several_cycles():
    fits = make_fits(frequency=np.array([0.1, 0.2, 0.3]), width_x=6.0, phase=0.4)
    half = np.sqrt(2 * np.log(2)) / (2 * np.pi * 6.0)
    expected = np.log2((fits.frequency + half) / (fits.frequency - half))
    assert_allclose(fits.bandwidth, expected, rtol=1e-5)
    assert_allclose(fits.peak_frequency, fits.frequency, rtol=1e-6)


def test_derived_measures_and_selection():
    fits = make_fits(frequency=np.array([0.1, 0.2]), width_x=np.array([2.0, 3.0]), width_y=4.0)
    assert_allclose(fits.n_x, [0.2, 0.6])
    assert_allclose(fits.n_y, [0.4, 0.8])
    assert_allclose(fits.aspect_ratio, [2, 4 / 3])
    chosen = fits[fits.frequency > 0.15]
    assert len(fits) == 2 and len(chosen) == 1 and len(fits[0]) == 1
    assert chosen.n_x[0] == pytest.approx(0.6) and chosen.patch_shape == SHAPE
    measures = fits.to_dict()
    assert {*NAMES, "amplitude", "r2", "bandwidth", "n_x", "n_y"} < set(measures)
    assert all(values.shape == (2,) for values in measures.values())
    assert "2 atoms" in repr(fits) and "undefined" in repr(fits[:0])


def test_orientation_histogram_and_statistics():
    degrees = np.array([0.0, 9.0, 17.9, 18.1, 90.0, 179.9, 45.0])
    r2 = np.array([0.7, 0.9, 0.8, 1.0, 0.75, 0.71, 0.69])
    fits = make_fits(
        orientation=np.radians(degrees), r2=r2, frequency=0.2, width_x=3.0, width_y=6.0, phase=0.3
    )
    counts = [3, 1, 0, 0, 0, 1, 0, 0, 0, 1]
    assert_array_equal(fits.orientation_histogram(), counts)
    assert_array_equal(fits.orientation_histogram(n_bins=2, r2_min=0), [5, 2])

    summary = receptive_field_statistics(fits)
    assert summary.n_atoms == 7 and summary.fraction_fitted == pytest.approx(6 / 7)
    assert_array_equal(summary.orientation_histogram, counts)
    assert summary.n_empty_orientation_bins == 6
    assert summary.median_n_x == pytest.approx(0.6) and summary.median_n_y == pytest.approx(1.2)
    assert summary.median_aspect_ratio == 2 and summary.median_r2 == 0.75
    assert summary.median_bandwidth == pytest.approx(fits.bandwidth[0])
    assert summary.to_dict()["orientation_histogram"] == counts
    nothing = receptive_field_statistics(fits[r2 < 0.7])
    assert nothing.fraction_fitted == 0 and np.isnan(nothing.median_bandwidth)
    assert nothing.n_empty_orientation_bins == 10


def test_bad_arguments_of_the_summary():
    fits = make_fits(r2=0.9)
    with pytest.raises(ValueError, match="n_bins is 0"):
        fits.orientation_histogram(n_bins=0)
    with pytest.raises(ValueError, match="r2_min"):
        receptive_field_statistics(fits, r2_min=2)
    with pytest.raises(ValueError, match="fits holds no atom"):
        receptive_field_statistics(fits[:0])


def test_spatial_frequency():
    rng = np.random.default_rng(7)
    truth = random_gabors(30, 32, rng) | {"width_x": 5.0, "width_y": 5.0}
    atoms = gabor_patches((32, 32), **truth)
    found = spatial_frequency(atoms)
    assert_allclose(found, truth["frequency"], atol=0.012)
    assert_allclose(spatial_frequency(-1e-200 * atoms), found)
    assert_allclose(spatial_frequency(np.pad(atoms, ((0, 0), (3, 5), (1, 0)))), found, atol=2e-3)
    assert_allclose(spatial_frequency(atoms[..., None] * [0.2, -1.0, 0.5]), found)
    # what lies around the patch does not matter, even for atoms that do not vanish at its edge
    edges = np.stack([np.repeat([0.0, 1.0], 32), np.repeat(np.arange(8) - 3.5, 8)])
    padded = np.pad(edges.reshape(2, 8, 8), ((0, 0), (50, 50), (50, 50)))
    assert_allclose(spatial_frequency(edges), spatial_frequency(padded), rtol=0.02)
    # one pixel has a flat spectrum: the mean radius of the Nyquist square
    pixel = np.zeros((2, 40, 40))
    pixel[0, 20, 20] = 1.0
    assert_allclose(spatial_frequency(pixel), [0.3826, 0], atol=5e-4)


@pytest.mark.parametrize("function", [fit_gabors, spatial_frequency])
@pytest.mark.parametrize(
    "atoms, patch_shape, message",
    [
        (np.ones((3, 10)), None, "10 features, which is not a square"),
        (np.ones((3, 12)), (3, 5), r"does not fit patches of shape \(3, 5\)"),
        (np.ones((3, 4, 3)), (3, 4), r"does not fit patches of shape \(3, 4\)"),
        (np.ones((3, 16)), (4, -4), r"patch_shape is \(4, -4\)"),
        (np.ones((3, 16)), 4, "patch_shape is 4"),
        (np.ones((3, 4, 4, 2)), None, "with 1 or 3 channels"),
        (np.ones(16), None, r"array of shape \(16,\)"),
        (np.ones(16), (4, 4), r"array of shape \(16,\)"),
        (np.full((2, 16), np.nan), None, "NaN"),
        (np.empty((0, 16)), None, "without entries"),
    ],
)
def test_wrong_shapes(function, atoms, patch_shape, message):
    with pytest.raises(ValueError, match=message):
        function(atoms, patch_shape)
