"""Plots of convolutional atoms and codes show what is in them."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sparsecode.convolutional import ConvolutionalDictionary
from sparsecode.plotting import plot_activations, plot_atoms, plot_waveforms


@pytest.fixture(autouse=True)
def figures_go():
    yield
    plt.close("all")


def curves(ax, n_times):
    """Lines of atoms: those with as many points as an atom has times."""
    return [line for line in ax.lines if len(line.get_xdata()) == n_times]


def test_waveforms_are_lines_of_every_channel():
    atoms = np.random.default_rng(0).standard_normal((5, 3, 17))
    lines = curves(plot_waveforms(atoms, n_columns=2), 17)
    assert len(lines) == 15
    drawn = np.array([line.get_ydata() for line in lines]).reshape(5, 3, 17)
    for k in range(5):
        middle = -(k // 2)
        assert_allclose(drawn[k] - middle, 0.4 * atoms[k] / np.abs(atoms[k]).max())
    assert lines[0].get_color() != lines[1].get_color() != lines[2].get_color()


def test_a_shared_scale_keeps_sizes():
    atoms = np.ones((2, 1, 9)) * [[[4.0]], [[1.0]]]
    big, small = curves(plot_waveforms(atoms, n_columns=2, scale="shared"), 9)
    assert_allclose(big.get_ydata(), 4 * small.get_ydata())


def test_atoms_of_rank_one_are_drawn_as_their_patterns():
    rng = np.random.default_rng(1)
    channels, times = rng.standard_normal((3, 4)), rng.standard_normal((3, 11))
    atoms = channels[:, :, None] * times[:, None]
    ax = plot_waveforms(atoms)
    lines = curves(ax, 11)
    assert len(lines) == 3
    bars = np.array([bar.get_width() for bar in ax.patches]).reshape(3, 4)
    for k, line in enumerate(lines):
        middle = -(k // 2)
        product = np.multiply.outer(bars[k], line.get_ydata() - middle)
        assert_allclose(product / product.max(), atoms[k] / atoms[k].max(), atol=1e-9)
        assert bars[k].max() == np.abs(bars[k]).max()
    tops = [bar.get_y() for bar in ax.patches[:4]]
    assert tops == sorted(tops, reverse=True)
    assert "rank 1" in ax.get_title()
    assert len(curves(plot_waveforms(atoms, form="channels"), 11)) == 12


def test_the_bar_of_time_has_units():
    atoms = np.ones((1, 1, 50))
    assert plot_waveforms(atoms, sampling_rate=250).texts[0].get_text() == "0.2 s"
    assert plot_waveforms(atoms).texts[0].get_text() == "50 samples"


def test_estimators_and_axes_are_taken():
    class Learned:
        components_ = np.ones((2, 1, 9))

    _, ax = plt.subplots()
    ax.set_title("mine")
    assert plot_waveforms(Learned(), ax=ax) is ax
    assert ax.get_title() == "mine"
    assert len(curves(ax, 9)) == 2


@pytest.mark.parametrize(
    ("dictionary", "arguments", "message"),
    [
        (np.ones((2, 1, 4, 4)), {}, "plot_atoms"),
        (np.ones((2, 1, 4)), {"form": "both"}, "form"),
        (np.ones((2, 1, 4)), {"scale": "none"}, "scale"),
        (np.ones((2, 1, 4)), {"sampling_rate": 0}, "sampling_rate"),
        (np.ones((2, 1, 4)), {"n_columns": 0}, "n_columns"),
    ],
)
def test_wrong_waveforms(dictionary, arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_waveforms(dictionary, **arguments)


@pytest.fixture
def codes():
    codes = np.zeros((4, 30))
    codes[0, 3], codes[2, 10], codes[2, 20], codes[3, 29] = 2.0, -1.0, 4.0, 0.5
    return codes


def dots(ax):
    """Time, row and area of the filled dots, and of the rings."""
    return [np.c_[part.get_offsets(), part.get_sizes()] for part in ax.collections]


def test_dots_are_where_the_coefficients_are(codes):
    filled, rings = dots(plot_activations(codes))
    assert_array_equal(filled[:, :2], [[3, 0], [20, 2], [29, 3]])
    assert_array_equal(rings[:, :2], [[10, 2]])
    areas = np.array([filled[2, 2], rings[0, 2], filled[0, 2], filled[1, 2]])
    assert_allclose(np.diff(areas) / np.diff([0.5, 1.0, 2.0, 4.0]), (areas[-1] - areas[0]) / 3.5)


@pytest.mark.parametrize("form", [lambda z: z[None], lambda z: sparse.csr_array(z.T)])
def test_forms_of_codes_are_the_same_raster(codes, form):
    for one, other in zip(
        dots(plot_activations(codes)), dots(plot_activations(form(codes))), strict=True
    ):
        assert_array_equal(one[np.argsort(one[:, 0])], other[np.argsort(other[:, 0])])


def test_the_series_is_above_on_the_same_axis(codes):
    X = np.random.default_rng(0).standard_normal((2, 35))
    X[0, 5] = np.nan
    ax = plot_activations(codes, X, sampling_rate=10)
    assert len(ax.lines) == 2
    bottom, top = ax.get_ylim()
    for line, channel in zip(ax.lines, X, strict=True):
        seen = ~np.isnan(channel)
        assert_array_equal(np.isnan(line.get_ydata()), ~seen)
        assert np.corrcoef(-line.get_ydata()[seen], channel[seen])[0, 1] > 0.999
        assert line.get_ydata()[seen].max() < 0
        assert top < line.get_ydata()[seen].min() < bottom
        assert_allclose(line.get_xdata(), np.arange(35) / 10)
    assert ax.get_xlabel() == "time (s)"
    assert_allclose(dots(ax)[1][:, 0], [1.0])


def test_only_the_atoms_that_are_used_most(codes):
    ax = plot_activations(codes, n_components=2)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "2"]
    filled, rings = dots(ax)
    assert_array_equal(filled[:, :2], [[3, 0], [20, 1]])
    assert_array_equal(rings[:, :2], [[10, 1]])


def test_codes_of_zero_are_an_empty_raster():
    assert [len(part) for part in dots(plot_activations(np.zeros((2, 9))))] == [0, 0]


@pytest.mark.parametrize(
    ("wrong", "X", "message"),
    [
        (np.zeros((2, 3, 9)), None, "codes\\[0\\]"),
        (np.zeros((1, 3, 9, 9)), None, "imshow"),
        (np.zeros((3, 9)), np.zeros((1, 8)), "at least 9 times"),
        (np.full((3, 9), np.nan), None, "codes"),
    ],
)
def test_wrong_activations(wrong, X, message):
    with pytest.raises(ValueError, match=message):
        plot_activations(wrong, X)


@pytest.mark.parametrize("n_channels", [1, 3])
def test_atoms_of_images_are_a_mosaic(n_channels):
    dictionary = ConvolutionalDictionary.random(6, (5, 4), n_channels=n_channels, random_state=0)
    ax = plot_atoms(dictionary)
    pictures = np.moveaxis(dictionary.atoms, 1, -1)
    assert_array_equal(ax.images[0].get_array(), plot_atoms(pictures).images[0].get_array())


@pytest.mark.parametrize(
    ("dictionary", "message"),
    [
        (ConvolutionalDictionary(np.ones((2, 1, 9))), "plot_waveforms"),
        (ConvolutionalDictionary(np.ones((2, 2, 3, 3))), "2 channels"),
    ],
)
def test_other_atoms_are_no_mosaic(dictionary, message):
    with pytest.raises(ValueError, match=message):
        plot_atoms(dictionary)
