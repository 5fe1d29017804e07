"""Errors of `bench` that a command expects: their root, and that of a sweep."""

from __future__ import annotations


class BenchError(Exception):
    """An error that a command shows as one line.

    Args:
        message: says what is wrong, and where.
        remedy: says what would help, or is empty.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class SweepError(BenchError):
    """A sweep that cannot be run; one line that says what to do."""
