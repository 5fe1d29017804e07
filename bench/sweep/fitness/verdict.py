"""Verdict of `ipcbench doctor`: the fitness of a machine, by its findings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ipcbench.bench.results.severity import Severity
from ipcbench.bench.sweep.fitness.finding import Finding

NOT_FIT = 2  # exit code: 1 means a broken promise, and 3 that nothing was found out
_WORDS = {
    Severity.WARNING: "fit with reservations",
    Severity.PROBLEM: "not fit to measure on",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The fitness of a machine: words, the topics that decide, and an exit code."""

    words: str
    because: Sequence[str]
    exit_code: int

    def __str__(self) -> str:
        return f"{self.words}: {', '.join(self.because)}" if self.because else self.words


def verdict(findings: Iterable[Finding]) -> Verdict:
    """Return the verdict: by the worst finding, of which a note is none."""
    found = list(findings)
    worst = max((one.severity for one in found), default=Severity.OK)
    if worst < Severity.WARNING:
        return Verdict("fit to measure on", (), 0)
    because = tuple(dict.fromkeys(one.topic for one in found if one.severity is worst))
    return Verdict(_WORDS[worst], because, NOT_FIT if worst is Severity.PROBLEM else 0)
