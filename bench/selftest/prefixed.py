"""Watcher of a part of a larger work, whose name stands before each step."""

from __future__ import annotations

from dataclasses import dataclass

from ipcbench.bench.sweep.display import Watcher


@dataclass(frozen=True, slots=True)
class Prefixed:
    """A watcher that shows the part's name before each step."""

    watcher: Watcher
    name: str

    def update(self, done: float, left: float, what: str, *, at_most: bool = False) -> None:
        """Show a step of the part."""
        self.watcher.update(done, left, f"{self.name}: {what}", at_most=at_most)

    def note(self, message: str) -> None:
        """Show a message."""
        self.watcher.note(f"{self.name}: {message}")

    def trouble(self, message: str) -> None:
        """Show what disturbs the runs."""
        self.watcher.trouble(message)

    def close(self) -> None:
        """End the display."""
        self.watcher.close()
