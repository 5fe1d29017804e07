"""Verdicts: on the run, on the chapter's claim and statements, on Python's cost."""
