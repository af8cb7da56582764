"""Built pages: faults are found where there are some, and a browser finds nothing too wide."""

from __future__ import annotations

import html
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

DOCS = pathlib.Path(__file__).parents[1] / "docs"
BUILT = pathlib.Path(os.environ.get("BUILT_PAGES", DOCS / "_build" / "html"))
BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
WIDTHS = (1280, 390)
SHOWN = [
    "index",
    "guide/coding",
    "auto_gallery/index",
    "api/generated/sparsecode.SparseCoder",
    "math",
]

spec = importlib.util.spec_from_file_location("check_pages", DOCS / "check_pages.py")
check_pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_pages)

FAULTS = {
    "dead link": '<a href="missing.html">here</a>',
    "a place that is not": '<a href="#nowhere">here</a>',
    "visible TeX": r"<p>the weight \(\alpha\)</p>",
    "from the internet": '<script src="https://example.org/a.js"></script>',
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_pages_are_found(fault, tmp_path):
    (tmp_path / "index.html").write_text(f"<html><body>{FAULTS[fault]}</body></html>")
    (found,) = check_pages.check(tmp_path)
    assert fault in found
    assert found.startswith("index.html: ")


def test_notebooks_without_pictures_are_found(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "01.html").write_text("<html><body>text</body></html>")
    assert check_pages.check(tmp_path) == ["notebooks/01.html: a notebook without a picture"]


def test_whole_pages_have_no_faults(tmp_path):
    (tmp_path / "index.html").write_text(
        '<html><body id="top"><a href="other.html#a%20b">other</a> <a href="https://example.org">out</a>'
        r"<code>\alpha</code> <math><mi>\alpha</mi></math><br>$5 to $6</body></html>"
    )
    (tmp_path / "other.html").write_text('<html><p id="a b"><a href="#">up</a></p></html>')
    assert check_pages.check(tmp_path) == []


MEASURE = """<!doctype html><body style="margin:0">
<iframe id="page" style="border:0;height:900px"></iframe>
<pre id="report"></pre><script>
const SCROLLING = "pre, table, .math, .output";
const pages = PAGES, widths = WIDTHS, frame = document.getElementById("page"), report = [];
function measure(name) {
  for (const width of widths) {
    frame.style.width = width + "px";
    const root = frame.contentDocument.documentElement;
    // The theme gives the article a box of its own, which would scroll instead of the page.
    for (const box of [root, ...root.querySelectorAll(".bd-article-container")]) {
      if (box.scrollWidth <= box.clientWidth) continue;
      const right = box.getBoundingClientRect().left + box.clientWidth;
      const wide = [...box.querySelectorAll("*")].filter(
        (e) => e.getBoundingClientRect().right > right + 1 && !e.closest(SCROLLING));
      const last = wide.length ? wide[wide.length - 1].outerHTML.slice(0, 120) : "";
      report.push(`${name}: ${box.scrollWidth} of ${box.clientWidth} pixels at ${width}: ${last}`);
    }
  }
}
async function run() {
  for (const name of pages) {
    await new Promise((done) => { frame.onload = done; frame.src = "BUILT/" + name; });
    measure(name);
  }
  document.getElementById("report").textContent = JSON.stringify(report);
  document.title = "done";
}
run();
</script></body>"""


def browse(tmp_path, *arguments):
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += ["--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}"]
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def built():
    if BROWSER is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    if not (BUILT / "index.html").is_file():
        pytest.skip("needs the built pages: make docs")
    return BUILT


def test_no_page_scrolls_sideways(built, tmp_path):
    pages = [path.relative_to(built).as_posix() for path in sorted(built.rglob("*.html"))]
    pages = [name for name in pages if not name.startswith(("_modules", "_static"))]
    assert len(pages) > 200
    page = MEASURE.replace("PAGES", json.dumps(pages)).replace("WIDTHS", json.dumps(WIDTHS))
    harness = tmp_path / "measure.html"
    harness.write_text(page.replace("BUILT", built.as_uri()))
    dom = browse(
        tmp_path,
        "--window-size=1400,1000",
        "--virtual-time-budget=900000",
        "--dump-dom",
        harness.as_uri(),
    )
    report = re.search(r'<pre id="report">(.*?)</pre>', dom, re.DOTALL)
    assert report, "the browser did not finish"
    assert report[1], "the browser did not finish"
    faults = json.loads(html.unescape(report[1]))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", SHOWN)
def test_screenshots(built, tmp_path, name):
    """Pictures of some pages, for people to look at; a page without anything on it fails."""
    folder = built.parent / "screenshots"
    folder.mkdir(exist_ok=True)
    for width in WIDTHS:
        harness = tmp_path / "show.html"
        harness.write_text(
            f'<body style="margin:0"><iframe src="{built.as_uri()}/{name}.html" '
            f'style="border:0;width:{width}px;height:900px"></iframe></body>'
        )
        shot = folder / f"{name.replace('/', '-')}-{width}.png"
        browse(
            tmp_path,
            f"--window-size={max(width, 500)},1000",
            f"--screenshot={shot}",
            "--virtual-time-budget=5000",
            harness.as_uri(),
        )
        assert shot.stat().st_size > 10_000
