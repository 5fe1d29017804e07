"""Experiments of shared memory and mapped files: their life, their size, and their signals."""
