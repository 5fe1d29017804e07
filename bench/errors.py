"""Errors of `bench` that a command expects: their root, and that of a sweep."""

from __future__ import annotations

# The remedy where a version of ipcbench does not know what a cell of another one asks for.
LEAVE_OUT = "leave the cell out, or compare arms that both have it"


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
