"""Experiment: a question about a facility that is answered by doing it, not by timing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ipcbench.bench.results.records import Observation


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment; a file each, in the table of `ipcbench.bench.experiments.table`.

    `play` runs in a process of its own, which has no threads: it may fork. It returns the
    figures, texts and rows; the player fills in the rest. Unavailable is a skip with its reason;
    any other exception is a failure. It is a function of a module: its process imports it by name.

    Args:
        statements: the ids of the statements that it decides.
        limit: seconds after which it is killed with all its processes.
        usual: about the seconds that it takes.
    """

    name: str
    question: str
    statements: tuple[str, ...]
    limit: float
    usual: float
    play: Callable[[], Observation]

    @property
    def source(self) -> str:
        """The name by which `play` is imported: `module:function`."""
        return f"{self.play.__module__}:{self.play.__name__}"
