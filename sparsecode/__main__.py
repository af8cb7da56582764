"""The `sparsecode` command, also ``python -m sparsecode``."""

from __future__ import annotations

import sys

from sparsecode._extras import MissingExtra


def main() -> None:
    """Run the command, or say in one line what must be installed for it."""
    try:
        from sparsecode import cli
    except MissingExtra as error:
        sys.exit(f"Error: {error}")
    cli.main(prog_name="sparsecode")


if __name__ == "__main__":
    main()
