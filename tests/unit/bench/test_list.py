"""bench.commands.list: the ways of waiting of a transport, and what an alias stands for."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from ipcbench.bench.commands import list as command
from ipcbench.bench.decisions.tasks import TASKS


@pytest.mark.parametrize(
    ("name", "waits"),
    [
        ("pipe", ["block", "poll", "spin-block", "spin"]),
        ("sysv-queue", ["block", "spin-block", "spin"]),
        ("mp-queue", ["block", "poll"]),
        ("shm:posix+futex", ["block", "spin-block", "spin"]),
        ("shm:posix+spin", ["spin"]),
        ("null", ["none"]),
    ],
)
def test_all_ways_of_waiting_are_listed_the_own_one_first(name: str, waits: list[str]) -> None:
    assert command._entry(name)["waits"] == waits


def test_an_alias_is_listed_with_what_it_means() -> None:
    entry = command._entry("shm:posix+spin/in-place")
    assert entry["alias"] == {"transport": "shm:posix+futex/in-place", "wait": "spin"}
    assert "alias" not in command._entry("shm:posix+futex")
    if entry["available"]:
        limits, _ = command._cells(entry)[-1]
        assert limits.startswith("it is shm:posix+futex/in-place that waits by spin\n")


@pytest.mark.parametrize(
    ("name", "able"),
    [
        ("pipe", {"self": True, "fill": False, "latency": True}),
        ("fifo", {"self": False, "fill": False}),
        ("mp-queue", {"self": False}),
        ("vmsplice", {"self": False}),
        ("null", {"self": True, "fill": True, "scan": True}),
    ],
)
def test_patterns_of_one_process_are_listed_where_they_can_be_measured(
    name: str, able: dict[str, bool]
) -> None:
    patterns = command._patterns(command._entry(name)["traits"])
    assert {pattern: pattern in patterns for pattern in able} == able


def test_tasks_are_listed_with_their_questions() -> None:
    result = CliRunner().invoke(command.command, ["tasks", "--json"])
    entries = {entry["name"]: entry for entry in json.loads(result.output)}
    assert entries.keys() == TASKS.keys()
    assert entries["unix-or-tcp"] == {
        "name": "unix-or-tcp",
        "question": "A Unix socket or TCP within a machine?",
        "contests": [["unix-stream", "tcp"]],
        "crosses": "",
    }
    shown = CliRunner().invoke(command.command, ["tasks"]).output
    assert all(name in shown for name in TASKS)
    assert "pipe or unix-stream" in " ".join(shown.split())
