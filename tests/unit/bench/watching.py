"""A watcher of a sweep, or of a comparison, that keeps what it is told."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Keeping:
    """Attributes: what was shown (done, left and what), noted, and said of disturbances."""

    shown: list[tuple[float, float, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def update(self, done: float, left: float, what: str, *, at_most: bool = False) -> None:
        self.shown.append((done, left, what))

    def note(self, message: str) -> None:
        self.notes.append(message)

    def trouble(self, message: str) -> None:
        self.troubles.append(message)

    def close(self) -> None: ...
