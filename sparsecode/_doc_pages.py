"""Pages of the documentation, which the HTML of estimators in notebooks links."""

from __future__ import annotations

import functools
from importlib.metadata import PackageNotFoundError, metadata


@functools.cache
def documentation_address() -> str | None:
    """Address of the documentation that the installed package names, or None."""
    try:
        links = metadata("sparsecode").get_all("Project-URL") or []
    except PackageNotFoundError:
        return None
    named = dict(link.split(", ", 1) for link in links)
    address = named.get("Documentation")
    return None if address is None else address.rstrip("/")


def page_of(cls: type) -> str:
    """Address of the page of a public class, empty where the documentation has no address."""
    address = documentation_address()
    if address is None:
        return ""
    package, part = cls.__module__.split(".")[:2]
    # The package itself offers the estimators.
    home = package if part == "estimators" else f"{package}.{part}"
    return f"{address}/api/generated/{home}.{cls.__name__}.html"
