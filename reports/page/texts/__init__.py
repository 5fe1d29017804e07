"""Texts of the page: numbers with their units, and sentences about verdicts."""
