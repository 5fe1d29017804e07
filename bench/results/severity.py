"""Severity of a finding, in `ipcbench doctor` and in a report."""

from __future__ import annotations

from enum import IntEnum


class Severity(IntEnum):
    """Severity, where a larger number is worse."""

    OK = 0
    NOTE = 1
    WARNING = 2
    PROBLEM = 3

    @property
    def word(self) -> str:
        """The name in lower case, as it is printed and written to JSON."""
        return self.name.lower()
