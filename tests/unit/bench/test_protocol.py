"""The messages between the command and the fork server: each reply names its job."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import msgspec
import pytest

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Settings
from ipcbench.bench.workers.fork_parent import ForkServer, ForkServerLost
from ipcbench.bench.workers.job import PROTOCOL, Job, Reply

CELL = Cell(transport="pipe", pattern="latency", size=4 << 20, placement="same-core")
JOB = Job(
    cell=CELL,
    round=2,
    attempt=1,
    loops=1,
    settings=Settings(values=1, warmups=0, block=0.01, stamps=0, rounds=1),
    cpus=[[0], [0]],
    awake=False,
    clock="fake",
    deadline=5.0,
)


@pytest.fixture
def line() -> Iterator[tuple[ForkServer, socket.socket]]:
    """Make the command's handle, and the other end of its connection."""
    here, there = socket.socketpair()
    parent = ForkServer.__new__(ForkServer)
    parent._socket, parent._lines = here, here.makefile("rb")
    with here, there, parent._lines:
        yield parent, there


def answer(there: socket.socket, reply: Reply) -> None:
    there.sendall(msgspec.json.encode(reply) + b"\n")


def a_reply(job: Job) -> Reply:
    reply = Reply(suite=msgspec.Raw(b"[]"))
    reply.name_after(job)
    return reply


def test_a_reply_that_names_the_job_is_taken(line: tuple[ForkServer, socket.socket]) -> None:
    parent, there = line
    answer(there, a_reply(JOB))
    assert parent.run(JOB).answers(JOB)


@pytest.mark.parametrize(
    "other",
    [
        {"cell": msgspec.structs.replace(CELL, transport="null")},
        {"cell": msgspec.structs.replace(CELL, twin=True)},
        {"round": 1},
        {"attempt": 2},
    ],
    ids=["cell", "twin", "round", "attempt"],
)
def test_a_reply_to_another_job_is_no_figure(
    line: tuple[ForkServer, socket.socket], other: dict[str, object]
) -> None:
    parent, there = line
    answer(there, a_reply(msgspec.structs.replace(JOB, **other)))
    with pytest.raises(ForkServerLost, match="the fork server answers another job: latency/"):
        parent.run(JOB)


def test_a_second_answer_is_no_figure(line: tuple[ForkServer, socket.socket]) -> None:
    parent, there = line
    answer(there, a_reply(JOB))
    answer(there, a_reply(JOB))
    parent.run(JOB)
    with pytest.raises(ForkServerLost, match="another job"):
        parent.run(msgspec.structs.replace(JOB, round=3))


def test_a_reply_without_a_name_is_no_figure(line: tuple[ForkServer, socket.socket]) -> None:
    parent, there = line
    answer(there, Reply(suite=msgspec.Raw(b"[]")))
    with pytest.raises(ForkServerLost, match="another job: none, round 0, attempt 0"):
        parent.run(JOB)


@pytest.mark.parametrize("version", [0, PROTOCOL + 1])
def test_another_version_of_the_protocol_is_refused(
    line: tuple[ForkServer, socket.socket], version: int
) -> None:
    parent, there = line
    answer(there, Reply(protocol=version))
    with pytest.raises(ForkServerLost, match=f"version {version} of the protocol") as caught:
        parent._meet()
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


def test_a_fork_server_names_its_protocol_and_the_job() -> None:
    parent = ForkServer()  # raises where the version is another one
    try:
        job = msgspec.structs.replace(
            JOB, cell=msgspec.structs.replace(CELL, transport="no-such"), attempt=3
        )
        with pytest.raises(ForkServerLost):
            parent.run(job)
    finally:
        parent.close()


def test_axes_at_their_defaults_are_left_out_of_a_job() -> None:
    cell = msgspec.json.decode(JOB.encoded())["cell"]
    assert set(cell) == {"transport", "pattern", "size", "placement"}
    assert msgspec.json.decode(JOB.encoded(), type=Job) == JOB


def test_axes_that_are_asked_for_are_in_a_job() -> None:
    asked = msgspec.structs.replace(
        CELL, runtime="native", depth=3, wait="poll", pace="pause:1ms", twin=True
    )
    job = msgspec.structs.replace(JOB, cell=asked)
    assert msgspec.json.decode(job.encoded(), type=Job) == job
