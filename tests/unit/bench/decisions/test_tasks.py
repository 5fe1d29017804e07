"""bench.decisions.tasks, contests: each task has its cells, and each situation its contests."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcbench.bench.decisions.contest import Contest
from ipcbench.bench.decisions.contests import BAND, WIDE_BAND, contests_of
from ipcbench.bench.decisions.situation import situation_of
from ipcbench.bench.decisions.tasks import TASKS, competes, tasks_of
from ipcbench.bench.results.cell import Cell, Facts

MEMORY, PIPE, SOCKET = "shm:posix+futex", "pipe", "unix-stream"
FAMILY = {"shm": "shared memory", "pipe": "pipe", "null": "floor", "posix-sem": "synchronisation"}


def cell(transport: str = PIPE, **axes: object) -> Cell:
    fields = {"transport": transport, "pattern": "latency", "size": 64, "placement": "same-core"}
    return msgspec.convert(fields | axes, Cell)


def facts(one: Cell, **other: object) -> Facts:
    fields = {
        "per": "round trip",
        "family": FAMILY.get(one.transport.partition(":")[0], "socket"),
        "wait": one.wait,
        "copies": 2,
        "framing": "stream",
        "in_place": one.transport.endswith("in-place"),
    }
    return msgspec.convert(fields | other, Facts)


def contests(cells: Iterable[Cell]) -> list[Contest]:
    found = ((one, facts(one)) for one in cells)
    return contests_of([(one, its, tasks_of(one, its)) for one, its in found])


def sides(cells: Iterable[Cell], task: str) -> list[tuple[str, list[str], list[str]]]:
    return [
        (one.statement, list(one.first), list(one.second))
        for one in contests(cells)
        if one.task == task
    ]


@pytest.mark.parametrize(
    ("axes", "tasks"),
    [
        ({}, {"small-request", "python-cost", "unix-or-tcp", "poll-cost", "zmq-or-unix"}),
        ({"size": 4096}, {"large-messages", "python-cost", "unix-or-tcp", "poll-cost"}),
        ({"pattern": "stream"}, {"small-one-way"}),
        ({"placement": "cross-core"}, {"small-request", "lowest-latency"}),
        ({"placement": "cross-core", "wait": "spin"}, {"lowest-latency"}),
        ({"wait": "poll"}, {"poll-cost"}),
        ({"pace": "pause:1ms"}, {"rare-requests"}),
        ({"pattern": "paced", "pace": "rate:1000"}, {"steady-rate"}),
        ({"pattern": "stream", "size": 6220800, "payload": "fresh"}, {"frames"}),
        ({"pattern": "stream", "size": 65536, "payload": "fresh"}, {"large-messages"}),
        ({"pattern": "stream", "size": 6220800, "payload": "array"}, {"arrays"}),
        ({"pattern": "fan-in", "processes": 4}, {"many-senders"}),
        ({"pattern": "fan-in", "processes": 4, "size": 4096, "payload": "fresh"}, {"many-senders"}),
        ({"pattern": "fan-out", "processes": 4}, {"many-receivers"}),
        ({"pattern": "echo", "processes": 4}, {"many-clients"}),
        ({"pattern": "pairs", "processes": 4}, {"many-pairs"}),
        ({"pattern": "stream", "depth": 8}, {"queue-depth"}),
        ({"pattern": "stream", "batch": 16}, {"batches"}),
        ({"transport": "posix-sem", "pattern": "signal", "size": 0}, {"wake-ups"}),
        ({"transport": "posix-sem", "pattern": "counter", "size": 0}, {"counter"}),
        ({"transport": "mp-queue"}, {"instead-of-mp-queue"}),
        ({"transport": "sysv-queue"}, {"sysv-or-posix"}),
    ],
)
def test_a_cell_serves_its_tasks(axes: dict[str, object], tasks: set[str]) -> None:
    one = cell(**{"transport": SOCKET, **axes})
    assert tasks <= set(tasks_of(one, facts(one)))


def test_arrays_are_no_frames_and_no_large_messages() -> None:
    one = cell(pattern="stream", size=6220800, payload="array")
    assert tasks_of(one, facts(one)) == ("arrays",)


def test_a_cell_serves_no_task_that_it_does_not_answer() -> None:
    one = cell(wait="poll")
    assert tasks_of(one, facts(one)) == ("poll-cost",)
    large = cell(size=1 << 20)
    assert "small-request" not in tasks_of(large, facts(large))
    assert tasks_of(large, facts(large), ["small-request"]) == ()
    assert tasks_of(large, facts(large), ["large-messages"]) == ("large-messages",)
    assert tasks_of(large, facts(large), []) == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (cell(twin=True), {}),
        (cell("null"), {}),
        (cell("unguarded", pattern="counter", size=0), {"wait": "none"}),
    ],
)
def test_controls_the_floor_and_what_loses_updates_do_not_compete(
    one: Cell, other: dict[str, object]
) -> None:
    its = facts(one, **other)
    assert not competes(one, its)
    assert tasks_of(one, its) == ()
    assert contests_of([(one, its, list(TASKS)), (cell(), facts(cell()), list(TASKS))]) == []


def test_every_task_has_a_question_and_contests() -> None:
    for name, task in TASKS.items():
        assert task.name == name
        assert task.question.endswith("?")
        assert task.matches
        assert bool(task.crosses) == any(match.across for match in task.matches)


def test_shared_memory_meets_all_others_and_pairs_meet_each_other() -> None:
    cells = [cell(name) for name in (MEMORY, "shm:sysv+posix-sem", PIPE, SOCKET, "tcp")]
    found = contests_of([(one, facts(one), ["small-request"]) for one in cells])
    ids = [one.id for one in cells]
    assert [(one.statement, list(one.first), list(one.second)) for one in found] == [
        ("shm-fastest", ids[:2], ids[2:]),
        ("pipe-beats-socket", [ids[2]], [ids[3]]),
    ]
    assert {one.family for one in found} == {"small-request/python/same-core"}
    assert found[1].id == "small-request: pipe or unix-stream: latency/python/64B/2p/same-core"


@pytest.mark.parametrize(
    "axes",
    [
        {"runtime": "native"},
        {"placement": "cross-core"},
        {"size": 128},
        {"pattern": "stream"},
        {"wait": "spin"},
        {"depth": 8},
        {"batch": 16},
        {"payload": "fresh"},
        {"pace": "pause:1ms"},
        {"processes": 4},
    ],
)
def test_cells_of_two_situations_have_no_contest(axes: dict[str, object]) -> None:
    both = [cell(PIPE), cell(SOCKET, **axes)]
    assert not [one for one in contests(both) if not one.task.endswith("-cost")]


@pytest.mark.parametrize(
    ("pattern", "name"), [("fan-in", SOCKET), ("fan-out", "sysv-queue"), ("echo", SOCKET)]
)
def test_fresh_messages_of_many_processes_meet_fresh_ones_alone(pattern: str, name: str) -> None:
    axes = {"pattern": pattern, "processes": 4, "size": 4096}
    hot, fresh, other = (
        cell(name, **axes),
        cell(name, **axes, payload="fresh"),
        cell(PIPE, **axes, payload="fresh"),
    )
    assert contests([hot, other]) == []
    (found,) = {(one.first, one.second) for one in contests([hot, fresh, other])}
    assert {*found[0], *found[1]} == {fresh.id, other.id}


def test_spinning_and_blocking_meet_where_the_lowest_latency_is_asked_for() -> None:
    cells = [
        cell(name, wait=wait, placement="cross-core-awake")
        for name, wait in ((MEMORY, "spin"), (PIPE, "block"), (PIPE, "spin"))
    ]
    memory, block, spin = (one.id for one in cells)
    assert sides(cells, "lowest-latency") == [
        ("", [memory], [block, spin]),
        ("", [spin], [block]),
    ]


def test_an_alias_takes_part_as_what_it_means() -> None:
    cells = [
        cell(name, wait=wait, placement="cross-core")
        for name, wait in (("shm:posix+spin", "spin"), (MEMORY, "block"))
    ]
    found = contests_of([(one, facts(one), ["lowest-latency"]) for one in cells])
    assert [(one.first, one.second) for one in found] == [((cells[0].id,), (cells[1].id,))]


def test_reading_in_place_meets_copying_in_frames() -> None:
    axes = {"pattern": "stream", "size": 6220800, "payload": "fresh"}
    cells = [cell(name, **axes) for name in (f"{MEMORY}/in-place", MEMORY, PIPE)]
    place, memory, pipe = (one.id for one in cells)
    assert sides(cells, "frames") == [
        ("shm-fastest", [memory], [pipe]),
        ("", [place], [memory, pipe]),
    ]


def test_python_and_c_meet_in_each_transport_and_share_a_family() -> None:
    cells = [cell(name, runtime=loop) for name in (PIPE, SOCKET) for loop in ("python", "native")]
    found = [one for one in contests(cells) if one.task == "python-cost"]
    assert [(one.first, one.second) for one in found] == [
        ((cells[1].id,), (cells[0].id,)),
        ((cells[3].id,), (cells[2].id,)),
    ]
    assert {one.family for one in found} == {"python-cost/same-core"}


def test_the_band_is_wide_where_idle_states_or_the_scheduler_decide() -> None:
    def band(**axes: object) -> float:
        (found,) = {one.band for one in contests([cell(MEMORY, **axes), cell(PIPE, **axes)])}
        return found

    assert band() == band(placement="cross-core-awake") == BAND
    assert band(placement="cross-core", wait="spin") == BAND
    assert band(placement="cross-core") == band(placement="unpinned") == WIDE_BAND
    assert band(pace="pause:1ms") == WIDE_BAND
    assert band(pattern="fan-in", processes=4) == WIDE_BAND


CELLS = st.builds(
    cell,
    st.sampled_from([MEMORY, f"{MEMORY}/in-place", PIPE, SOCKET, "tcp", "mp-queue", "mp-pipe"]),
    pattern=st.sampled_from(["latency", "stream", "fan-in"]),
    size=st.sampled_from([64, 4096, 1 << 20]),
    placement=st.sampled_from(["same-core", "cross-core"]),
    runtime=st.sampled_from(["python", "native"]),
    wait=st.sampled_from(["block", "spin", "poll"]),
    depth=st.sampled_from([None, 1, 8]),
    payload=st.sampled_from(["hot", "fresh"]),
    twin=st.booleans(),
)
CROSSED = {
    task.name: {axis for match in task.matches for axis in match.across} for task in TASKS.values()
}


@given(st.lists(CELLS, max_size=30, unique_by=lambda one: one.id))
def test_contests_are_unique_fair_and_stable(cells: list[Cell]) -> None:
    found = contests(cells)
    assert len({one.id for one in found}) == len(found)
    assert contests(cells) == found
    by_id = {one.id: situation_of(one, facts(one)) for one in cells}
    for contest in found:
        assert contest.first
        assert contest.second
        assert not set(contest.first) & set(contest.second)
        assert all("twin" not in identity for identity in contest.cells)
        one, *others = (by_id[identity] for identity in contest.cells)
        differ = {
            axis
            for other in others
            for axis in other.__slots__
            if getattr(one, axis) != getattr(other, axis)
        }
        assert differ <= CROSSED[contest.task]
