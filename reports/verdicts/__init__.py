"""Verdicts: trust in the run, the chapter's statements, the cost of Python."""
