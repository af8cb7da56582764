"""What the table and the benchopt benchmark share: problems, coders, and how codes are judged.

benchopt wants this folder under this name, so that its files can import it.
"""
