"""Finding of `ipcbench doctor`: one line about this machine, with a remedy."""

from __future__ import annotations

from dataclasses import dataclass

from ipcbench.bench.results.severity import Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `ipcbench doctor`."""

    severity: Severity
    topic: str
    text: str
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        return {
            "severity": self.severity.word,
            "topic": self.topic,
            "text": self.text,
            "remedy": self.remedy,
        }


def note(topic: str, text: str, remedy: str = "") -> Finding:
    return Finding(Severity.NOTE, topic, text, remedy)


def ok(topic: str, text: str) -> Finding:
    return Finding(Severity.OK, topic, text)


def warning(topic: str, text: str, remedy: str = "") -> Finding:
    return Finding(Severity.WARNING, topic, text, remedy)
