import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from sparsecode import DictionaryLearning
from sparsecode.compare import AmortizationReport, EncoderScores
from sparsecode.model_selection import SelectionCurve
from sparsecode.plotting import (
    plot_atoms,
    plot_convergence,
    plot_density,
    plot_gabor_statistics,
    plot_ladder,
    plot_pareto,
    plot_selection,
    plot_usage,
)
from sparsecode.receptive_fields import fit_gabors, gabor_patches, spatial_frequency


@pytest.fixture(autouse=True)
def settings_stay_and_figures_go():
    before = dict(plt.rcParams)
    yield
    assert dict(plt.rcParams) == before
    plt.close("all")


@pytest.fixture
def atoms():
    return np.random.default_rng(0).standard_normal((7, 4, 5))


def tiles(ax, shape, n_columns, n_atoms, gap=0.04):
    """The centre pixels of every patch, back from the picture on the axes."""
    mosaic = ax.images[0].get_array()
    n_columns = min(n_columns, n_atoms)
    zoom, line = next(
        (zoom, round(gap * zoom * max(shape)))
        for zoom in range(1, 1000)
        if n_columns * (zoom * shape[1] + round(gap * zoom * max(shape)))
        - round(gap * zoom * max(shape))
        == mosaic.shape[1]
    )
    found = []
    for index in range(n_atoms):
        row, column = divmod(index, n_columns)
        y, x = row * (zoom * shape[0] + line), column * (zoom * shape[1] + line)
        tile = mosaic[y : y + zoom * shape[0], x : x + zoom * shape[1]]
        found.append(tile[zoom // 2 :: zoom, zoom // 2 :: zoom])
    return np.array(found).astype(float)


def test_mosaic_shows_every_atom_with_zero_in_the_middle(atoms):
    ax = plot_atoms(atoms, n_columns=3)
    expected = 127.5 + 127.5 * atoms / abs(atoms).max(axis=(1, 2), keepdims=True)
    shown = tiles(ax, (4, 5), 3, 7)
    assert_allclose(shown[..., 0], expected, atol=2.01)
    assert_array_equal(shown[..., 0], shown[..., 2])
    mosaic = ax.images[0].get_array()
    assert (mosaic[-1, -1] == 255).all()
    ax.figure.canvas.draw()


@pytest.mark.parametrize(
    ("n_atoms", "shape", "columns", "rows"),
    [
        (144, (12, 12), 12, 12),
        (192, (8, 8), 16, 12),
        (20, (4, 4), 5, 4),
        (50, (4, 8), 5, 10),
        (3, (4, 4), 3, 1),
        (13, (4, 4), 4, 4),
        (1, (4, 4), 1, 1),
    ],
)
def test_mosaics_have_full_rows_where_they_can(n_atoms, shape, columns, rows):
    atoms = np.random.default_rng(0).standard_normal((n_atoms, *shape))
    height, width = plot_atoms(atoms, gap=0).images[0].get_array().shape[:2]
    zoom = width / columns / shape[1]
    assert zoom == int(zoom) and height == zoom * shape[0] * rows


@pytest.mark.parametrize("dpi", [100, 200])
def test_a_pixel_of_a_mosaic_is_a_whole_number_of_pixels_of_the_screen(atoms, dpi):
    ax = plot_atoms(atoms, patch_shape=(4, 5))
    shown = ax.images[0].get_array()
    figure = ax.figure
    figure.set_dpi(dpi)
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3]
    box = ax.get_window_extent()
    x, y = round(box.x0), picture.shape[0] - round(box.y1)
    times = dpi // 100
    expected = shown.repeat(times, axis=0).repeat(times, axis=1)
    assert_array_equal(picture[y : y + len(expected), x : x + expected.shape[1]], expected)


def test_flat_atoms_are_the_same_picture(atoms):
    pictures = plot_atoms(atoms).images[0].get_array()
    flat = plot_atoms(atoms.reshape(7, -1), patch_shape=(4, 5)).images[0].get_array()
    assert_array_equal(pictures, flat)


def test_shared_scale_and_empty_atoms(atoms):
    atoms[1] *= 0.1
    atoms[2] = 0
    expected = 127.5 + 127.5 * atoms / abs(atoms).max()
    shown = tiles(plot_atoms(atoms, n_columns=7, scale="shared"), (4, 5), 7, 7)
    assert_allclose(shown[..., 0], expected, atol=2.01)
    plot_atoms(0 * atoms, scale="shared")


def test_order(atoms):
    given = tiles(plot_atoms(atoms, n_columns=7), (4, 5), 7, 7)
    by_frequency = tiles(plot_atoms(atoms, n_columns=7, order="frequency"), (4, 5), 7, 7)
    assert_array_equal(by_frequency, given[np.argsort(spatial_frequency(atoms))])
    chosen = tiles(plot_atoms(atoms, n_columns=2, order=[5, 0]), (4, 5), 2, 2)
    assert_array_equal(chosen, given[[5, 0]])


def test_three_channels_are_colours():
    atoms = np.zeros((1, 4, 4, 3))
    atoms[0, 0, 0] = [1.0, -1.0, 0.5]
    shown = tiles(plot_atoms(atoms, gap=0), (4, 4), 1, 1, gap=0)
    assert_allclose(shown[0, 0, 0], [255, 0, 191], atol=1)
    assert_allclose(shown[0, 1, 1], 127.5, atol=0.6)


def test_axes_are_taken_and_returned(atoms):
    _, ax = plt.subplots()
    assert plot_atoms(atoms, ax=ax) is ax
    assert plot_convergence({"objective": [2.0, 1.0]}, ax=ax) is ax
    figure = plt.figure()
    polar = figure.add_subplot(231, projection="polar")
    five = (polar, *(figure.add_subplot(2, 3, place) for place in range(2, 6)))
    assert plot_gabor_statistics(fit_gabors(atoms), axes=five) == five


def test_titles_are_kept_and_given_where_there_are_none(atoms):
    ax = plt.subplots()[1]
    ax.set_title("mine")
    history = {"objective": [2.0, 1.0], "seconds": [1.0, 2.0]}
    assert plot_convergence(history, ax=ax).get_title() == "mine"
    assert plot_convergence(history, against="seconds").get_title() == "objective against time"
    assert not plot_atoms(atoms, ax=plt.subplots()[1]).get_title()
    assert plot_atoms(atoms, order="frequency").get_title() == (
        "7 atoms of 4 x 5 pixels, by spatial frequency"
    )


def whole(axis):
    axis.axes.figure.canvas.draw()
    ticks = axis.get_ticklocs()
    return len(ticks) > 0 and bool(np.all(ticks == np.rint(ticks)))


def test_counts_have_whole_ticks():
    codes = np.zeros((10, 3))
    codes[:3, 0], codes[:5, 1] = 1.0, -0.2
    assert whole(plot_usage(codes).xaxis)
    assert whole(plot_density(codes).yaxis)
    assert whole(plot_convergence({"objective": [3.0, 2.0, 1.5]}).xaxis)
    ax = plot_convergence({"dead_atoms": [2.0, 1.0, 1.0]}, quantity="dead_atoms")
    assert whole(ax.yaxis)
    assert not whole(plot_convergence({"objective": [3.0, 2.0, 1.5]}).yaxis)
    assert whole(plot_selection(curve([2, 3], [1.0, 1.0])).xaxis)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"order": "size"}, "order is 'size'"),
        ({"order": [0, 7]}, r"order is \[0, 7\]"),
        ({"order": [-1]}, r"order is \[-1\]"),
        ({"order": [0.5]}, r"order is \[0.5\]"),
        ({"order": []}, r"order is \[\]"),
        ({"scale": "each"}, "scale is 'each'"),
        ({"n_columns": 0}, "n_columns is 0"),
        ({"gap": -1}, "gap is -1"),
        ({"patch_shape": (3, 3)}, "does not fit patches"),
    ],
)
def test_wrong_arguments_of_the_mosaic(atoms, arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_atoms(atoms, **arguments)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.empty((0, 64)), r"array of shape \(0, 64\), without entries; expected at least one"),
        (np.empty((3, 0)), r"array of shape \(3, 0\), without entries; expected at least one"),
        (np.empty((0, 8, 8)), r"array of shape \(0, 8, 8\), without entries"),
        ([], r"array of shape \(0,\), without entries"),
        (np.ones(64), r"array of shape \(64,\); expected .* Pass atoms as rows"),
        (np.ones((3, 63)), "63 features, which is not a square .* Pass patch_shape"),
        (DictionaryLearning(), r"atoms is DictionaryLearning\(\); expected numbers.* fit"),
        (["a"], "expected numbers"),
    ],
)
def test_what_is_no_mosaic_is_told(wrong, message):
    with pytest.raises(ValueError, match=message):
        plot_atoms(wrong)


def fits_of_three_and_noise():
    """Three Gabor functions, and one atom that is none."""
    parameters = {"center_x": 6.0, "center_y": 6.0, "width_x": 2.0, "width_y": 3.0}
    orientation = np.array([0.3, 1.2, 2.5])
    atoms = gabor_patches((13, 13), orientation=orientation, frequency=0.2, phase=0.5, **parameters)
    noise = np.random.default_rng(0).standard_normal((1, 13, 13))
    return orientation, fit_gabors(np.concatenate([noise, atoms]))


def test_gabor_statistics_show_every_atom_and_keep_bad_fits_apart():
    orientation, fits = fits_of_three_and_noise()
    waves, shapes, octaves, directions, degrees = plot_gabor_statistics(fits)
    waves.figure.canvas.draw()
    bad, good = waves.collections
    angle, radius = np.asarray(good.get_offsets()).T
    # Rows run downwards: seen counter-clockwise, a direction is the other way round.
    assert_allclose(np.sort(angle), np.sort(np.pi - orientation), atol=1e-3)
    assert_allclose(radius, fits.peak_frequency[1], atol=1e-3)
    assert len(bad.get_offsets()) == 1 and len(bad.get_facecolors()) == 0
    assert waves.get_theta_direction() == 1 and waves.get_theta_offset() == 0
    assert waves.get_thetamax() == 180
    points = np.asarray(shapes.collections[1].get_offsets())
    assert_allclose(points, [[0.4, 0.6]] * 3, atol=1e-2)
    assert "n_x" in shapes.get_xlabel() and "n_y" in shapes.get_ylabel()
    for ax in (octaves, directions, degrees):
        assert sum(bar.get_height() for bar in ax.patches) == 3
        assert "n = 3" in ax.get_ylabel()
    assert [ax.get_title(loc="left") for ax in waves.figure.axes] == list("ABCDE")
    assert all(ax.get_title() for ax in waves.figure.axes)
    for ax in plot_gabor_statistics(fits[:0]):
        ax.figure.canvas.draw()


def test_gabor_statistics_show_published_medians_if_they_are_wanted():
    fits = fits_of_three_and_noise()[1]
    for published in (True, False):
        axes = plot_gabor_statistics(fits, published=published)
        for ax, median in ((axes[2], 1.4), (axes[4], 40)):
            lines = [line.get_xdata()[0] for line in ax.lines]
            assert (median in lines) == published and len(lines) == 1 + published
    none_fits = plot_gabor_statistics(fits, r2_min=1.0, published=False)
    assert not none_fits[2].lines and "n = 0" in none_fits[2].get_ylabel()


def test_gabor_statistics_want_a_polar_axes_first():
    fits = fit_gabors(np.random.default_rng(1).standard_normal((2, 25)))
    figure, pair = plt.subplots(1, 2)
    with pytest.raises(ValueError, match="expected one polar and four ordinary axes"):
        plot_gabor_statistics(fits, axes=pair)
    with pytest.raises(ValueError, match="1 axes with the projections"):
        plot_gabor_statistics(fits, axes=figure.axes[0])


def test_convergence_raw_and_running_median():
    rng = np.random.default_rng(2)
    objective = 1 + rng.random(200)
    seconds = np.cumsum(rng.random(200))
    ax = plot_convergence(
        {"objective": objective, "seconds": seconds}, against="seconds", window=21
    )
    raw, smooth = ax.lines
    assert_array_equal(raw.get_ydata(), objective)
    assert_array_equal(smooth.get_xdata(), seconds)
    inside = [np.median(objective[i - 10 : i + 11]) for i in range(10, 190)]
    assert_array_equal(smooth.get_ydata()[10:190], inside)
    assert ax.get_yscale() == "linear"
    assert ax.get_xlabel() == "time (s)" and ax.get_ylabel() == "objective"


def test_convergence_scales_and_short_runs():
    ax = plot_convergence({"objective": 10.0 ** -np.arange(5), "dead_atoms": [4, 3, 0, 0, 0]})
    assert len(ax.lines) == 1 and ax.get_yscale() == "log" and ax.get_xlabel() == "iteration"
    assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 3, 4, 5])
    ax.figure.canvas.draw()
    other = plot_convergence(
        {"dead_atoms": [4, 3, 0], "iteration": [10, 20, 30]}, quantity="dead_atoms"
    )
    assert other.get_yscale() == "linear" and other.get_ylabel() == "dead atoms"
    assert_array_equal(other.lines[0].get_xdata(), [10, 20, 30])


@pytest.mark.parametrize("window", [1, 5])
def test_convergence_curves_have_names(window):
    ax = None
    for name in "ab":
        ax = plot_convergence({"objective": np.ones(20)}, window=window, label=name, ax=ax)
    # One entry for each curve, though a running median is drawn on top of the raw one.
    assert [text.get_text() for text in ax.legend().get_texts()] == ["a", "b"]


@pytest.mark.parametrize(
    "history, arguments, message",
    [
        (
            {"l0": [1.0]},
            {},
            "quantity is 'objective', which history does not have",
        ),
        (
            {"objective": [1.0]},
            {"against": "seconds"},
            "against is 'seconds', which history does not have",
        ),
        ({"objective": [1.0, 2.0], "seconds": [1.0]}, {"against": "seconds"}, "1 entries"),
        ({"objective": []}, {}, r"array of shape \(0,\)"),
        ({"objective": [[1.0]]}, {}, r"array of shape \(1, 1\)"),
        ({"objective": [1.0]}, {"window": 0}, "window is 0"),
    ],
)
def test_wrong_history(history, arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_convergence(history, **arguments)


def test_usage_is_shown_in_order():
    codes = np.zeros((10, 4))
    codes[:3, 0], codes[:5, 1], codes[:1, 2] = 1.0, -0.2, 0.1
    for given in (codes, sparse.csr_array(codes)):
        ax = plot_usage(given)
        assert_allclose(ax.patches[0].get_data().values, [0.5, 0.3, 0.1, 0.0])
        assert [text.get_text() for text in ax.texts] == ["mean", "1 never used"]
    ax = plot_usage(codes[:, :3], ax=plt.subplots()[1])
    assert [text.get_text() for text in ax.texts] == ["mean"]
    assert plot_usage(codes, threshold=0.5, ax=ax) is ax
    assert ax.texts[-1].get_text() == "3 never used"
    ax.figure.canvas.draw()


def test_density_is_shown_by_decades():
    codes = np.zeros((100, 5))
    codes[:1, 0], codes[:1, 1], codes[:20, 2], codes[:, 3] = 1.0, -0.2, 0.1, 2.0
    for given in (codes, sparse.csr_array(codes)):
        ax = plot_density(given, bins_per_decade=2)
        shown = ax.patches[0].get_data()
        assert_array_equal(shown.values, [2, 0, 1, 1])
        assert_array_equal(shown.edges, [-2, -1.5, -1, -0.5, 0])
        assert [text.get_text() for text in ax.texts] == ["1 never used"]
    ax = plot_density(codes[:, :4], ax=plt.subplots()[1])
    assert not ax.texts and ax.get_xlim() == (-2, 0) and len(ax.patches[0].get_data().values) == 20
    assert plot_density(codes, threshold=3, ax=ax) is ax
    assert [text.get_text() for text in ax.texts] == ["5 never used"]
    ax.figure.canvas.draw()


def curve(n_components, alpha):
    n = len(alpha)
    scores = np.random.default_rng(0).random((5, n))
    return SelectionCurve(np.array(n_components), np.array(alpha), *scores)


def test_selection_has_a_line_for_each_weight_and_a_ring_on_the_best():
    grid = curve([8, 8, 4, 4], [0.1, 1.0, 0.1, 1.0])
    for criterion, best in (("bits", np.argmin), ("explained_variance", np.argmax)):
        ax = plot_selection(grid, criterion=criterion)
        values = getattr(grid, criterion)
        first, second, ring = ax.lines
        assert_array_equal(first.get_xydata(), [[4, values[2]], [8, values[0]]])
        assert_array_equal(second.get_ydata(), values[[3, 1]])
        i = best(values)
        assert_array_equal(ring.get_xydata(), [[grid.n_components[i], values[i]]])
        assert len(ax.get_legend().get_texts()) == 2
    ax.figure.canvas.draw()


def test_selection_against_the_weight_or_the_only_size():
    ax = plot_selection(curve([8, 8, 8], [1.0, 0.1, 0.5]))
    assert ax.get_xlabel() == "alpha" and ax.get_xscale() == "log" and not ax.get_legend()
    assert_array_equal(ax.lines[0].get_xdata(), [0.1, 0.5, 1.0])
    ax.figure.canvas.draw()
    ax = plot_selection(curve([4, 8], [np.nan, np.nan]))
    assert ax.get_xlabel() == "number of atoms" and len(ax.lines) == 2
    with pytest.raises(ValueError, match="criterion is 'aic'; expected one of 'bits'"):
        plot_selection(curve([4], [1.0]), criterion="aic")


def amortization():
    rows = [
        ("exact", "exact", 2.0, 1e-15, 20.0, 0.9, 5.0),
        ("FISTA 1", "FISTA", 9.0, 2e-1, 90.0, 0.5, 10.0),
        ("FISTA 16", "FISTA", 3.0, 1e-3, 40.0, 0.8, 60.0),
        ("FISTA 64", "FISTA", 2.0, 1e-9, 21.0, 0.9, 200.0),
        ("ISTA 1", "ISTA", 9.5, 3e-1, 95.0, 0.4, 8.0),
        ("thresholding", "baseline", 50.0, 10.0, 90.0, -7.0, 1.0),
        ("LISTA 3", "amortized", 4.0, 1e-2, 30.0, 0.7, 3.0),
        ("infeasible", "amortized", np.inf, np.inf, 30.0, 0.7, 3.0),
    ]
    blank = dict.fromkeys(EncoderScores._fields, 0.0)
    names = "encoder", "family", "objective", "relative_gap", "l0", "explained_variance"
    scores = tuple(
        EncoderScores(**(blank | dict(zip((*names, "microseconds"), row, strict=True))))
        for row in rows
    )
    return AmortizationReport(scores, 2.0, 0.0, 5.0, 1e-6, 60.0, "optimum", "a problem")


def drawn(ax):
    return {line.get_label(): line.get_xydata() for line in ax.lines if line.get_label()[0] != "_"}


def test_ladder_has_lines_of_solvers_and_points_of_encoders():
    ax = plot_ladder(amortization())
    assert ax.get_xscale() == ax.get_yscale() == "log"
    found = drawn(ax)
    assert set(found) == {"exact", "FISTA", "ISTA", "thresholding", "LISTA 3"}
    assert_array_equal(found["FISTA"], [[10, 2e-1], [60, 1e-3], [200, 1e-6]])
    assert_array_equal(found["LISTA 3"], [[3, 1e-2]])
    assert_array_equal(found["exact"], [[5, 1e-6]])
    texts = [text.get_text() for text in ax.texts]
    assert {"16", "64"} <= set(texts) and texts.count("↓") == 1
    assert ax.lines[0].get_ydata()[0] == 1e-6
    ax.figure.canvas.draw()
    assert plot_ladder(amortization(), ax=ax) is ax


def test_what_is_worse_than_no_codes_does_not_squeeze_the_rest():
    report = amortization()
    ax = plot_ladder(report)
    # Codes of 0 are (5 - 2) / 5 above the optimum.
    assert_array_equal(drawn(ax)["thresholding"], [[1, 0.6]])
    assert [text.get_text() for text in ax.texts].count("↑") == 1
    assert ax.get_ylim()[1] < 2
    ax = plot_pareto(report)
    # Where even the lines begin above these, the worst of them is the limit.
    assert_array_equal(drawn(ax)["thresholding"], [[90, 9.5]])
    assert [text.get_text() for text in ax.texts].count("↑") == 1
    assert ax.get_ylim()[1] < 12


def test_pareto_shows_either_quantity():
    ax = plot_pareto(amortization())
    assert ax.get_yscale() == "log" and "infeasible" not in drawn(ax)
    assert_array_equal(drawn(ax)["FISTA"], [[90, 9], [40, 3], [21, 2]])
    other = plot_pareto(amortization(), quantity="explained_variance")
    assert other.get_yscale() == "linear" and other.get_ylabel() == "explained variance"
    assert_array_equal(drawn(other)["thresholding"], [[90, 0]])
    assert_array_equal(drawn(other)["infeasible"], [[30, 0.7]])
    assert [text.get_text() for text in other.texts].count("↓") == 1
    other.figure.canvas.draw()
    with pytest.raises(ValueError, match="quantity is 'l0'; expected one of 'objective'"):
        plot_pareto(amortization(), quantity="l0")
