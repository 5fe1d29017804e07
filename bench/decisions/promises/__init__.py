"""Promises: bounds of the ratio of two cells of a run, judged at looks, and their verdicts."""
