"""bench.commands.list: what there is to measure, in words and in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from ipcbench.bench.commands import completion, run
from ipcbench.bench.commands import list as command
from ipcbench.bench.commands.errors import CommandError
from ipcbench.bench.commands.listing.transports import entry_of, row_of
from ipcbench.bench.decisions.tasks import TASKS
from ipcbench.bench.patterns.table import PATTERNS
from ipcbench.bench.plan.profile import PROFILES
from ipcbench.bench.results.axes import PLACEMENTS, WAITS


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
    assert entry_of(name)["waits"] == waits


def test_an_alias_is_listed_with_what_it_means() -> None:
    entry = entry_of("shm:posix+spin/in-place")
    assert entry["alias"] == {"transport": "shm:posix+futex/in-place", "wait": "spin"}
    assert "alias" not in entry_of("shm:posix+futex")
    if entry["available"]:
        limits = row_of(entry)[-1]
        assert isinstance(limits, str)
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
    patterns = entry_of(name)["patterns"]
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


# The lists in words.


def listed(*words: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(command.command, [*words, "--json"])
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.output)
    return found


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("patterns", set(PATTERNS)),
        ("placements", set(PLACEMENTS)),
        ("waits", set(WAITS)),
        ("profiles", set(PROFILES)),
    ],
)
def test_each_value_of_an_axis_is_explained(name: str, known: set[str]) -> None:
    entries = listed(name)
    assert {entry["name"] for entry in entries} == known
    for entry in entries:
        assert entry.get("meaning") or entry["about"]
        assert entry["for"]
    shown = " ".join(CliRunner().invoke(command.command, [name]).output.split())
    assert all(one in shown for one in known)


def test_every_list_has_an_entry_in_the_table_and_in_the_completion() -> None:
    assert tuple(command.LISTS) == completion.LISTS
    for name in command.LISTS:
        assert CliRunner().invoke(command.command, [name]).exit_code == 0
        assert name in (command.command.help or "")


def test_a_profile_has_the_cells_and_the_time_of_this_machine() -> None:
    quick = next(entry for entry in listed("profiles") if entry["name"] == "quick")
    assert quick["budget"] == quick["seconds"] == 180
    assert quick["cells"] + quick["skipped"] > 100


def test_a_pattern_has_the_transports_and_processes_that_it_takes() -> None:
    found = {entry["name"]: entry for entry in listed("patterns")}
    assert found["latency"]["processes"] == "2"
    assert found["pairs"]["processes"] == "2 or more, even"
    assert found["echo"]["processes"] == "2 or more"
    assert found["self"]["processes"] == "1"
    assert found["fill"]["transports"] == ["null"]
    assert found["latency"]["payloads"] == ["hot", "fresh", "cold", "array"]
    for name in ("fan-in", "fan-out", "echo"):
        assert found[name]["payloads"] == ["hot", "fresh", "cold"]
    assert found["self"]["payloads"] == ["hot"]
    assert found["signal"]["payloads"] == []
    assert {"pipe", "tcp"} <= set(found["latency"]["transports"])


def test_a_wait_has_its_transports() -> None:
    found = {entry["name"]: set(entry["transports"]) for entry in listed("waits")}
    assert "pipe" in found["poll"]
    assert "sysv-queue" not in found["poll"]
    assert "shm:posix+spin" in found["spin"]


def test_all_about_a_transport_is_shown_by_its_name_or_a_pattern() -> None:
    pipe, alias = listed("pipe", "shm:posix+spin")
    assert pipe["profiles"] == ["smoke", "quick", "standard", "rigorous"]
    assert alias["alias"] == {"transport": "shm:posix+futex", "wait": "spin"}
    assert {entry["name"] for entry in listed("socketpair*")} == {
        "socketpair",
        "socketpair:dgram",
        "socketpair:seqpacket",
    }
    shown = CliRunner().invoke(command.command, ["pipe"]).output
    for text in ("an end of file or an error", "PIPE_BUF", "latency, stream", "ipcbench run pipe"):
        assert text in " ".join(shown.split())


@pytest.mark.parametrize("name", ["pipe", "posix-sem", "shm:posix+spin", "file-map", "null"])
def test_the_command_of_a_transport_measures_it(name: str) -> None:
    text = CliRunner().invoke(command.command, [name]).output
    (words,) = (line.split()[2:] for line in text.splitlines() if line.startswith("measure it"))
    assert words == ["ipcbench", "run", name]
    done = CliRunner().invoke(run.command, [*words[2:], "--dry-run", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["cells"]


def test_the_limits_of_a_transport_are_shown_with_what_raises_them() -> None:
    limits = [limit for limit in listed("pipe")[0]["limits"] if limit["remedy"]]
    shown = " ".join(CliRunner().invoke(command.command, ["pipe"]).output.split())
    assert limits
    assert all(f"for more: {limit['remedy']}" in shown for limit in limits)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pattern"], "unknown list 'pattern' (did you mean 'patterns'?): there are transports"),
        (["nope"], "unknown transport 'nope'"),
        (["pipe", "tasks"], "tasks is a list of its own"),
        (["tasks", "waits"], "tasks is a list of its own"),
        (["shm:nope+futex"], "no shared memory 'nope+futex'"),
    ],
)
def test_what_cannot_be_listed_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(CommandError) as caught:
        command.command.main(words, standalone_mode=False)
    assert message in str(caught.value)
    assert "\n" not in caught.value.format_message()
