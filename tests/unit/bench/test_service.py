"""bench.plan.service: cells serve the tasks of their tables; others are refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from math import comb

import pytest

from ipcbench.bench.decisions.contest import LEVEL, LOOKS
from ipcbench.bench.decisions.contests import contests_of
from ipcbench.bench.decisions.tasks import TASKS
from ipcbench.bench.machine.topology import Cpu
from ipcbench.bench.plan.options import Options, with_options
from ipcbench.bench.plan.placement import Site
from ipcbench.bench.plan.planner import Candidate, Plan, cells_of, plan
from ipcbench.bench.plan.profile import PROFILES, BadConfig, load_profile, parse_profile
from ipcbench.bench.plan.service import with_tasks
from ipcbench.bench.sweep import candidates
from ipcbench.reports.verdicts.chapter import STATEMENTS
from ipcbench.transports import registry
from ipcbench.transports.contract import Limit, Limits, Topology, Unavailable, Wait
from ipcbench.transports.null import TRAITS as NULL

SITE = Site([Cpu(0, (0,), (0, 1)), Cpu(1, (1,), (0, 1))], "")
TRAITS = replace(NULL, topologies=frozenset({Topology.LINK, Topology.FAN_IN}))
LIMITS = Limits(Limit("message", None, "kernel.limit", "sysctl more"))
TABLE = """
[[cells]]
patterns = ["latency"]
transports = ["pipe", "unix-stream"]
sizes = ["64", "1M"]
placements = ["same-core"]
"""


def there(name: str) -> Candidate:
    family = type(TRAITS.family)("pipe" if name == "pipe" else "socket")
    return Candidate(name, replace(TRAITS, family=family, waiting=Wait.BLOCK), LIMITS)


def names(word: str) -> list[str]:
    return [word]


def planned(
    *tables: str,
    candidate: Callable[[str], Candidate] = there,
    options: Options | None = None,
) -> Plan:
    text = f'about = "x."\n[run]\nrounds = 1\n{"".join(tables)}'
    axes = with_options(parse_profile("p", text.encode()), options or Options()).axes
    found = plan(cells_of(axes, names), candidate, SITE)
    return with_tasks(found, axes, names, candidate)


def tasks(found: Plan) -> dict[str, tuple[str, ...]]:
    return {
        f"{one.cell.transport} {one.cell.size}": one.tasks
        for one in found.cells
        if not one.cell.twin
    }


def asked(*given: str) -> str:
    return f"{TABLE}tasks = {list(given)}\n"


def test_a_table_without_tasks_serves_all_that_its_cells_answer() -> None:
    found = tasks(planned(TABLE))
    assert {"small-request", "unix-or-tcp"} <= set(found["unix-stream 64"])
    assert "large-messages" in found["pipe 1048576"]
    assert "small-request" not in found["pipe 1048576"]


def test_a_table_serves_the_tasks_that_it_names_alone() -> None:
    found = tasks(planned(asked("small-request", "unix-or-tcp")))
    assert found == {
        "pipe 64": ("small-request",),
        "pipe 1048576": (),
        "unix-stream 64": ("small-request", "unix-or-tcp"),
        "unix-stream 1048576": ("unix-or-tcp",),
    }


def test_a_table_may_serve_none() -> None:
    assert set(tasks(planned(asked())).values()) == {()}


def test_a_cell_of_several_tables_serves_the_tasks_of_all() -> None:
    found = tasks(planned(asked("unix-or-tcp"), asked("small-request", "unix-or-tcp")))
    assert found["unix-stream 64"] == ("unix-or-tcp", "small-request")


def test_a_control_serves_none() -> None:
    controls = TABLE.replace("cells", "controls")
    twins = [one for one in planned(TABLE, controls).cells if one.cell.twin]
    assert twins
    assert {one.tasks for one in twins} == {()}


def test_a_task_that_no_cell_of_the_table_serves_is_refused() -> None:
    with pytest.raises(
        BadConfig, match="no cell of latency with 64, 1048576 bytes serves 'frames'"
    ):
        planned(asked("small-request", "frames"))


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(BadConfig, match=r"unknown task 'small-requests' \(did you mean"):
        planned(asked("small-requests"))


def test_a_task_of_a_cell_that_is_skipped_here_is_no_mistake() -> None:
    def lacking(name: str) -> Candidate:
        found: Limits | Unavailable = Unavailable("not here", "")
        return replace(there(name), found=found) if name == "unix-stream" else there(name)

    found = planned(asked("unix-or-tcp"), candidate=lacking)
    assert tasks(found) == {"pipe 64": (), "pipe 1048576": ()}


@pytest.mark.parametrize(
    ("options", "served"),
    [(Options(sizes=("1M",)), "large-messages"), (Options(transports=("pipe",)), "small-request")],
)
def test_with_options_cells_serve_what_they_answer_then(options: Options, served: str) -> None:
    first, *_ = tasks(planned(asked("unix-or-tcp"), options=options)).values()
    assert served in first


# The profiles of ours.

WITH_EXTRAS = {"zmq-or-unix"}  # its libraries need not be installed


def ours(name: str) -> Plan:
    axes = load_profile(name).axes
    found = plan(cells_of(axes, registry.matching), candidates.candidate, SITE)
    return with_tasks(found, axes, registry.matching, candidates.candidate)


@pytest.mark.parametrize("name", PROFILES)
def test_each_task_that_a_profile_of_ours_names_has_contests(name: str) -> None:
    found = ours(name)
    contests = contests_of((one.cell, one.facts, one.tasks) for one in found.cells)
    served = {task for one in found.cells for task in one.tasks}
    assert {"small-request", "many-clients", "wake-ups"} <= served
    named = {task for axes in load_profile(name).axes for task in axes.tasks or ()}
    assert named - {one.task for one in contests} <= WITH_EXTRAS


def test_families_of_quick_are_small_enough_for_its_base() -> None:
    """After eight rounds a p-value is at least 1 / 12,870, times the looks and candidates."""
    found = ours("quick")
    contests = contests_of((one.cell, one.facts, one.tasks) for one in found.cells)
    families = Counter(one.family for one in contests)
    smallest = 2 * len(LOOKS) / comb(2 * LOOKS[0], LOOKS[0])
    for contest in contests:
        p = smallest * len(contest.first) * families[contest.family]
        assert p <= LEVEL, f"no look at {LOOKS[0]} rounds decides {contest.id}"
    assert max(families.values()) <= 16


def test_quick_has_contests_for_every_statement_of_the_chapter() -> None:
    found = ours("quick")
    contests = contests_of((one.cell, one.facts, one.tasks) for one in found.cells)
    known = {name for one in STATEMENTS for name in one.about}
    assert {one.statement for one in contests} - {""} == known
    assert {each for task in TASKS.values() for each in task.statements} == known


def test_statements_compare_the_pairs_that_they_name() -> None:
    pairs: dict[str, set[tuple[str, str]]] = {}
    for match in (match for task in TASKS.values() for match in task.matches):
        pairs.setdefault(match.statement, set()).add((match.first.name, match.second.name))
    del pairs[""]
    memory = "shm:posix+posix-sem"
    assert pairs == {
        "shm-fastest": {("shared memory", "all others")},
        "pipe-beats-socket": {("pipe", "unix-stream")},
        "socket-scales": {("unix-stream", "pipe")},
        "mmap-saves-io": {("file-map", "file-read"), ("file-map", "file-pread")},
        "fifo-is-pipe": {("fifo", "pipe")},
        "unix-vs-tcp": {("unix-stream", "tcp")},
        "sysv-is-posix, memory": {("shm:sysv+posix-sem", memory)},
        "sysv-is-posix, queues": {("sysv-queue", "posix-queue")},
        "sysv-is-posix, semaphores": {("sysv-sem", "posix-sem"), ("shm:posix+sysv-sem", memory)},
    }
