"""Files of unknown origin: what they say of themselves is checked before it is believed.

Only regular files are opened, sizes are compared with those of the file and with a limit before
memory is taken, counts are limited, and nothing in a file is executed.
"""
