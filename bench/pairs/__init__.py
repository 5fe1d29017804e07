"""Comparison of two arms: pairs of fresh runs, until each cell has its verdict."""
