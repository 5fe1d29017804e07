"""The sections of the page in their order, and where tasks belong."""

from __future__ import annotations

from collections.abc import Mapping

from ipcbench.reports.charts.sections import EVIDENCE, LADDER, LARGE, MANY, SITUATION, SMALL

NAMES: Mapping[str, str] = {  # id -> the name in the list of contents
    "answers": "What to use",
    LADDER: "Why numbers disagree",
    "ratios": "From which size",
    SMALL: "1 Small messages",
    LARGE: "2 Large blocks",
    MANY: "3 Many processes",
    SITUATION: "4 Placement, waiting, load",
    EVIDENCE: "5 Evidence",
}
_TASKS: Mapping[str, tuple[str, ...]] = {
    SMALL: (
        "small-one-way", "small-request", "wake-ups", "set-up", "python-cost",
        "instead-of-mp-queue", "unix-or-tcp", "zmq-or-unix", "sysv-or-posix",
    ),
    LARGE: ("large-messages", "frames", "arrays", "file-access", "batches"),
    MANY: (
        "many-senders", "many-clients", "many-receivers", "newest-value", "many-pairs", "counter",
    ),
    SITUATION: ("lowest-latency", "rare-requests", "steady-rate", "poll-cost", "queue-depth"),
}  # fmt: skip
_SECTION_OF = {task: section for section, tasks in _TASKS.items() for task in tasks}


def section_of_task(name: str) -> str:
    """Return the section of a task; one of another version stands with the evidence."""
    return _SECTION_OF.get(name, EVIDENCE)
