"""Promises, and whether a run keeps them."""
