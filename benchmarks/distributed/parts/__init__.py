"""Parts of the table, each of which answers one question."""
