"""Promises of a thresholds file: their kinds, their format, and the cells that they select."""
