"""Answers of a run as plain text, for a terminal of 80 columns."""
