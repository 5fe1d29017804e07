"""bench.workers.spec: a channel is asked for what its cell and its CPUs say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.workers.job import Job
from ipcbench.bench.workers.spec import grant_cpus, spec_of
from ipcbench.transports.contract import Role, Spec, Ticket, Topology, Traits, Wait
from ipcbench.transports.null import TRAITS
from tests.unit.bench.test_protocol import JOB


def spec_for(job: Job, traits: Traits = TRAITS) -> Spec:
    return spec_of(job, traits, 8)


@pytest.mark.parametrize(
    ("cpus", "alone"),
    [
        ([[1], [0]], [True, True]),
        ([[1], [0], [2]], [True, True, True]),
        ([[1]], [True]),
        ([[1], [1]], [False, False]),
        ([[1], [0], [1]], [False, True, False]),
        ([[0, 1], [0, 1]], [False, False]),  # unpinned
        ([[0], [1, 2]], [True, True]),
    ],
)
def test_a_cpu_of_its_own_is_one_that_no_other_process_may_use(
    cpus: list[list[int]], alone: list[bool]
) -> None:
    spec = spec_for(structs.replace(JOB, cpus=cpus))
    assert not spec.exclusive_cpus
    tickets = [Ticket(Role.SENDER, index, spec) for index in range(len(cpus))]
    grant_cpus(tickets, cpus)
    assert [ticket.spec.exclusive_cpus for ticket in tickets] == alone


def test_the_axes_are_those_of_the_cell() -> None:
    cell = Cell(
        transport="pipe",
        pattern="pairs",
        size=64,
        processes=4,
        placement="cross-core",
        runtime="native",
        depth=3,
        wait="spin-block",
        looks=2000,
    )
    spec = spec_for(structs.replace(JOB, cell=cell))
    assert (spec.size, spec.topology, spec.parties, spec.channels) == (64, Topology.LINK, 2, 2)
    assert (spec.depth, spec.native) == (3, True)
    assert (spec.wait, spec.looks) == (Wait.SPIN_BLOCK, 2000)


def test_a_stream_of_empty_messages_has_room_for_its_reply() -> None:
    empty = structs.replace(JOB.cell, pattern="stream", size=0)
    assert spec_for(structs.replace(JOB, cell=empty)).size == 1
    woken = structs.replace(JOB.cell, pattern="signal", size=0)
    assert spec_for(structs.replace(JOB, cell=woken)).size == 0


@pytest.mark.parametrize(
    ("payload", "in_place", "asked", "depth"),
    [
        ("hot", True, None, None),
        ("fresh", False, None, None),
        ("fresh", True, None, 8),
        ("cold", True, None, 8),
        ("array", True, None, 8),
        ("fresh", True, 3, 3),
    ],
)
def test_in_place_a_channel_has_as_many_slots_as_others_have_buffers(
    payload: str, in_place: bool, asked: int | None, depth: int | None
) -> None:
    job = structs.replace(JOB, cell=structs.replace(JOB.cell, payload=payload, depth=asked))
    assert spec_for(job, replace(TRAITS, in_place=in_place)).depth == depth


@pytest.mark.parametrize(
    ("payload", "asked", "depth"),
    [("array", None, 7), ("array", 3, 3), ("fresh", None, None), ("hot", None, None)],
)
def test_an_array_that_is_pickled_late_is_received_before_it_is_written_again(
    payload: str, asked: int | None, depth: int | None
) -> None:
    job = structs.replace(JOB, cell=structs.replace(JOB.cell, payload=payload, depth=asked))
    assert spec_for(job, replace(TRAITS, objects=True, pickles_late=True)).depth == depth
