"""Rows of the page's tables: numbers in SI units, without formatting."""
