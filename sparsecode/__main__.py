"""``python -m sparsecode`` is the `sparsecode` command."""

from sparsecode.cli import main

if __name__ == "__main__":
    main(prog_name="sparsecode")
