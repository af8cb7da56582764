"""Results print figures, not arrays, and notebooks show a table that is safe to show."""

import dataclasses
import re
from email.message import Message

import numpy as np
import pytest

import sparsecode
from sparsecode import Dictionary, SparseCoder, _doc_pages, certify, coding_path, dropin, solvers
from sparsecode._summaries import gap_or_residual, share, table
from sparsecode.penalties import L0, L1
from sparsecode.solvers import FISTA

X = np.random.default_rng(0).standard_normal((7, 4))
DICTIONARY = Dictionary.random(5, 4, random_state=0)


@pytest.fixture
def result():
    return FISTA(tol=1e-9).solve(X, DICTIONARY, L1(0.3))


def results(result):
    yield result
    yield result.certificate
    yield certify(X, result.codes, DICTIONARY, L0(0.1))
    yield coding_path(X, DICTIONARY, alphas=3)
    yield coding_path(X, DICTIONARY, penalty=L0, alphas=[1.0, 0.5])


def test_a_line_has_no_arrays_and_the_table_the_same_figures(result):
    for one in results(result):
        line = repr(one)
        assert line.startswith(type(one).__name__) and len(line) < 200
        assert "\n" not in line and "array" not in line and "nan" not in line
        cells = re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", one._repr_html_())
        figures = [": ".join(pair) for pair in zip(cells[::2], cells[1::2], strict=True)]
        assert line == f"{type(one).__name__}({'; '.join(figures)})"


def test_a_result_shows_a_certificate_only_if_there_is_one(result):
    assert "gap" not in repr(result)
    worst = f"worst {result.certificate.relative_gap.max():.2g}"
    assert worst in repr(result) and worst in repr(result.certificate)


def test_samples_that_did_not_converge_are_counted(result):
    some = dataclasses.replace(result, converged=np.arange(7) > 0)
    assert "converged: 85.7 %" in repr(some) and "converged: 100 %" in repr(result)


def test_words_of_figures():
    assert gap_or_residual(np.array([3.0, 2.0, 1.0]), None) == ("gap", "worst 3, median 2")
    unknown = gap_or_residual(None, np.array([3.0, np.nan, 1.0]), "relative ")
    assert unknown == ("relative residual", "worst nan, median nan")
    infinite = gap_or_residual(np.array([np.inf, 1.0, 2.0]), None)
    assert infinite == ("gap", "worst inf, median 2")
    flags = np.ones(3000, dtype=bool)
    flags[0] = False
    assert share(flags) == "99.9 %"


def test_a_nonconvex_penalty_has_no_gap(result):
    shown = repr(certify(X, result.codes, DICTIONARY, L0(0.1)))
    assert "gap" not in shown and "relative residual: worst" in shown


def test_table_of_a_dictionary():
    shown = Dictionary(X, offset=[3.0, 4.0, 0.0, 0.0])._repr_html_()
    for text in ("7 of 4 features", "float64", "Free()", "of norm 5"):
        assert text in shown
    assert "none" in DICTIONARY._repr_html_()


def test_text_in_a_table_is_escaped():
    shown = table("<b>", [("a & b", '<script>"')])
    assert "<b>" not in shown and "<script>" not in shown
    assert "&lt;script&gt;" in shown and "a &amp; b" in shown


@pytest.fixture
def address(monkeypatch):
    """Make the installed package name an address of its documentation."""
    message = Message()
    message["Project-URL"] = "Source, https://example.org/source"
    message["Project-URL"] = "Documentation, https://example.org/docs/"
    monkeypatch.setattr(_doc_pages, "metadata", lambda name: message)
    _doc_pages.documentation_address.cache_clear()
    yield "https://example.org/docs/api/generated"
    _doc_pages.documentation_address.cache_clear()


def test_html_of_an_estimator_links_its_page(address):
    shown = SparseCoder(DICTIONARY)._repr_html_()
    assert f'href="{address}/sparsecode.SparseCoder.html' in shown
    assert "Documentation for SparseCoder" in shown
    assert _doc_pages.page_of(FISTA) == f"{address}/sparsecode.solvers.FISTA.html"


@pytest.mark.parametrize("module", [sparsecode, solvers, dropin], ids=lambda m: m.__name__)
def test_pages_are_those_of_the_module_that_offers_the_class(address, module):
    for name in module.__all__:
        cls = getattr(module, name)
        if isinstance(cls, type) and hasattr(cls, "get_params"):
            assert _doc_pages.page_of(cls) == f"{address}/{module.__name__}.{name}.html"


def test_no_address_is_no_link(monkeypatch):
    def missing(name):
        raise _doc_pages.PackageNotFoundError(name)

    monkeypatch.setattr(_doc_pages, "metadata", missing)
    _doc_pages.documentation_address.cache_clear()
    assert _doc_pages.page_of(FISTA) == ""
    assert "Documentation for SparseCoder" not in SparseCoder(DICTIONARY)._repr_html_()
    _doc_pages.documentation_address.cache_clear()


def test_a_class_of_a_user_has_no_page_of_ours(address):
    class Mine(SparseCoder):
        pass

    assert Mine(DICTIONARY)._get_doc_link() == ""
