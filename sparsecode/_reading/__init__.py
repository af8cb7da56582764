"""Readers of files of unknown origin, which check sizes and types before they use them.

Only regular files are opened, sizes are compared with those of the file and with a limit before
memory is taken, counts are limited, and nothing in a file is executed.
"""
