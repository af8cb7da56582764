"""Atoms that are shifted over signals and images: the dictionary, signals, codes and products."""
