"""Long description of the package: the README, with links that lead somewhere from other pages.

Everything else is in ``setup.cfg``, the address of the sources, too.
"""

import configparser
import pathlib
import re

import setuptools

HERE = pathlib.Path(__file__).parent


def described():
    """Return the README with links into the repository as addresses."""
    metadata = configparser.ConfigParser()
    metadata.read(HERE / "setup.cfg", encoding="utf-8")
    links = metadata["metadata"]["project_urls"].strip().splitlines()
    address = dict(re.split(r"\s*=\s*", line) for line in links)["Source"]
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    picture, page = rf"\1{address}/raw/main/", rf"\1{address}/blob/main/"
    readme = re.sub(r"(!\[[^]]*\]\()(?!\w+:)", picture, readme)
    return re.sub(r"(?<!!)(\[[^]]*\]\()(?![\w#]+:)(?!#)", page, readme)


setuptools.setup(long_description=described(), long_description_content_type="text/markdown")
