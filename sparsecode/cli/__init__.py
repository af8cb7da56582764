"""The `sparsecode` command."""

from __future__ import annotations

from sparsecode._extras import require

# All of it, before a command learns for minutes what it cannot draw.
require("cli", "The command sparsecode")

import click

from sparsecode._version import __version__
from sparsecode.cli.compare import compare
from sparsecode.cli.compile import compile_kernels
from sparsecode.cli.encode import encode
from sparsecode.cli.filters import filters


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def main() -> None:
    """Sparse coding and dictionary learning from the command line."""


main.add_command(compare)
main.add_command(compile_kernels)
main.add_command(encode)
main.add_command(filters)

__all__ = ["main"]
