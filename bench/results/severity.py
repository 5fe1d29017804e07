"""The severity of a finding, of `doctor` and of a report alike."""

from __future__ import annotations

from enum import IntEnum


class Severity(IntEnum):
    """A larger one is worse."""

    OK = 0
    NOTE = 1
    WARNING = 2
    PROBLEM = 3

    @property
    def word(self) -> str:
        """Return the name in lower case, as people and JSON see it."""
        return self.name.lower()
