"""What the table and the benchopt benchmark share: problems, learners, and their judge.

benchopt wants this folder under this name, so that its files can import it.
"""
