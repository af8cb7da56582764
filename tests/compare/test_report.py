"""The report as text and as a frame."""

import sys

import numpy as np
import pytest

from sparsecode.compare import AmortizationReport, EncoderScores

NUMBERS = dict.fromkeys(EncoderScores._fields[2:], 1.0)


def make_report(names, **options):
    families = ["exact", *["amortized"] * (len(names) - 1)]
    rows = tuple(
        EncoderScores(name, family, **(NUMBERS | {"gap": float(i)}))
        for i, (name, family) in enumerate(zip(names, families, strict=True))
    )
    fields = {
        "optimum": 2.0,
        "gap_error": 1e-9,
        "half_squared_norm": 3.0,
        "tol": 1e-6,
        "n_iter": 60.0,
    }
    return AmortizationReport(rows, **fields, against="truth", problem="a problem", **options)


def test_rows_and_columns():
    report = make_report(["exact", "a longer name"])
    assert report["a longer name"] is report.scores[1]
    np.testing.assert_array_equal(report.column("gap"), [0, 1])
    with pytest.raises(KeyError, match="no encoder is named 'b'; expected one of 'exact', 'a long"):
        report["b"]
    with pytest.raises(AttributeError):
        report.tol = 1.0


def test_the_table_is_aligned_and_complete():
    report = make_report(["exact", "a longer name"], other=make_report(["second"]))
    first, _, second = str(report).partition("second data set: ")
    lines = first.strip().splitlines()
    assert lines[0] == "a problem"
    sentences = " ".join(lines[1:3])
    assert "optimum 2, certified to 1.0e-09" in sentences and "against the truth" in sentences
    upper, heading, *rows = lines[4:]
    assert heading.split()[0] == "encoder" and len(rows) == 2
    assert len({len(line) for line in [upper, heading, *rows]}) == 1
    assert rows[1].startswith("a longer name ") and "1.0e+00" in rows[1]
    assert max(map(len, str(report).splitlines())) <= 100
    assert "second " in second and second.isascii() and first.isascii()


def test_infinite_numbers_are_printed():
    report = make_report(["exact"])
    row = report.scores[0]._replace(relative_gap=np.inf, mcc=np.nan, fista_iterations=np.inf)
    text = str(AmortizationReport((row,), 2.0, 0.0, 3.0, 1e-6, 60.0, "optimum", "a problem"))
    assert text.splitlines()[-1].split().count("inf") == 2 and "nan" in text


def test_frame():
    report = make_report(["exact", "mine"], other=make_report(["exact", "mine"]))
    frame = report.to_frame()
    assert list(frame.columns) == ["data", *EncoderScores._fields, "gap_error"]
    assert frame["data"].tolist() == ["X", "X", "X_other", "X_other"]
    assert frame["gap"].tolist() == [0, 1, 0, 1]
    assert len(report.other.to_frame()) == 2


def test_a_frame_needs_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"to_frame needs pandas.* `pip install pandas`"):
        make_report(["exact"]).to_frame()
