"""Built pages are whole: no dead link, no visible TeX, nothing from the internet, all pictures.

``python docs/check_pages.py docs/_build/html`` prints what is wrong, and exits with 1 if there is
something.
"""

from __future__ import annotations

import pathlib
import re
import sys
import urllib.parse
from html.parser import HTMLParser

# Text in these is code, not prose.
CODE = {"code", "pre", "script", "style", "math", "textarea", "title"}
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
TEX = re.compile(r"\\[a-zA-Z]{2,}|\\[()\[\]]|\$\$")
# What a page loads by itself, as opposed to links that a reader may follow.
LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src")}


class Page(HTMLParser):
    """Links, anchors and prose of a page."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.links, self.loaded, self.anchors, self.prose = [], [], set(), []
        self._open = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self._open.append(tag)
        given = dict(attrs)
        self.anchors |= {given[key] for key in ("id", "name") if given.get(key)}
        for key in ("href", "src"):
            if given.get(key):
                self.links.append(given[key])
                if (tag, key) in LOADED and given.get("rel") != "canonical":
                    self.loaded.append(given[key])

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        if not CODE.intersection(self._open):
            self.prose.append(data)


def check(folder):
    """Everything that is wrong with the pages of a folder, one line each."""
    folder = pathlib.Path(folder).resolve()
    pages = {path: Page(path) for path in pages_of(folder)}
    return [
        f"{page.path.relative_to(folder)}: {fault}"
        for page in pages.values()
        for fault in [
            *_dead_links(page, pages),
            *_visible_tex(page),
            *_from_internet(page),
            *_without_pictures(page),
        ]
    ]


def pages_of(folder):
    """Every page; what themes keep in ``_static`` is not for readers."""
    return [path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts]


def _dead_links(page, pages):
    for link in dict.fromkeys(page.links):
        parts = urllib.parse.urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = page.path
        if parts.path:
            target = (page.path.parent / urllib.parse.unquote(parts.path)).resolve()
        if not target.is_file():
            yield f"dead link {link!r}"
        elif parts.fragment and target in pages:
            anchor = urllib.parse.unquote(parts.fragment)
            if anchor not in pages[target].anchors:
                yield f"link {link!r} to a place that is not on that page"


def _visible_tex(page):
    for text in page.prose:
        found = TEX.search(text)
        if found:
            yield f"visible TeX {found[0]!r} in {' '.join(text.split())[:60]!r}"


def _from_internet(page):
    for link in page.loaded:
        if urllib.parse.urlsplit(link).netloc:
            yield f"loads {link!r} from the internet"


def _without_pictures(page):
    drawn = any("_images/" in link for link in page.loaded)
    if page.path.parent.name == "notebooks" and not drawn:
        yield "a notebook without a picture"


def main(folder):
    faults = check(folder)
    print("\n".join(faults))
    if faults:
        sys.exit(f"{len(faults)} faults in the pages of {folder}")
    print(f"{len(pages_of(pathlib.Path(folder)))} pages are whole")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not pathlib.Path(sys.argv[1], "index.html").is_file():
        sys.exit("usage: python docs/check_pages.py FOLDER, which has the built index.html")
    main(sys.argv[1])
