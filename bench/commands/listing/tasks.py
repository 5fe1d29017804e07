"""Lists of the tasks, which are users' questions, and of the experiments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ipcbench.bench.commands.listing.tables import print_table


def tasks() -> list[dict[str, Any]]:
    """Return an entry for each task: its question, and the sides of its contests."""
    from ipcbench.bench.decisions.tasks import TASKS

    return [
        {
            "name": task.name,
            "question": task.question,
            "contests": [[match.first.name, match.second.name] for match in task.matches],
            "crosses": task.crosses,
        }
        for task in TASKS.values()
    ]


def print_tasks(entries: Iterable[dict[str, Any]]) -> None:
    """Print the tasks as a table."""
    rows = (
        (
            entry["name"],
            entry["question"],
            "\n".join(" or ".join(pair) for pair in entry["contests"]),
        )
        for entry in entries
    )
    print_table(("task", "question", "contests"), rows)


def experiments() -> list[dict[str, Any]]:
    """Return an entry for each experiment: its question, its statements, and its seconds."""
    from ipcbench.bench.experiments.table import EXPERIMENTS

    return [
        {
            "name": one.name,
            "question": one.question,
            "statements": list(one.statements),
            "seconds": one.usual,
            "limit": one.limit,
        }
        for one in EXPERIMENTS.values()
    ]


def print_experiments(entries: Iterable[dict[str, Any]]) -> None:
    """Print the experiments as a table."""
    rows = (
        (
            entry["name"],
            entry["question"],
            "\n".join(entry["statements"]),
            f"about {entry['seconds']:g} s",
        )
        for entry in entries
    )
    print_table(("experiment", "question", "statements", "time"), rows)
