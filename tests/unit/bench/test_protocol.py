"""The messages between the command and the fork server: each reply names its job."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

import ipcbench
from ipcbench.bench.errors import LEAVE_OUT
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.records import Settings
from ipcbench.bench.sweep.runner import translated
from ipcbench.bench.version import VERSION
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.fork_parent import ForkServer, ForkServerLost, Program
from ipcbench.bench.workers.job import (
    PROTOCOL,
    Job,
    Phase,
    Reply,
    Report,
    read_reports,
    write_report,
)

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
        assert parent.run(job).answers(job)
    finally:
        parent.close()


def test_a_job_of_many_processes_on_many_cpus_is_done() -> None:
    """64 processes on 300 CPUs: the job alone has 77 KiB, and so have the hellos."""
    many = msgspec.structs.replace(
        JOB,
        cell=msgspec.structs.replace(
            CELL, transport="pipe", pattern="fan-in", size=64, processes=64, placement="unpinned"
        ),
        cpus=[list(range(300))] * 64,
        deadline=60.0,
    )
    assert len(many.encoded()) > 1 << 16
    parent = ForkServer()
    try:
        reply = parent.run(many)
    finally:
        parent.close()
    assert reply.failure is None
    assert reply.answers(many)


# The lines of a worker.


def test_lines_of_any_length_are_read() -> None:
    one, other = os.pipe()
    lines: list[Report] = [Phase("attach"), ProcessFailure("a", "b", "x" * 300_000), Phase("tail")]
    pid = os.fork()
    if pid == 0:
        for line in lines:
            write_report(other, line)
        os._exit(0)
    os.close(other)
    with open(one, "rb") as file:
        assert read_reports(file.read()) == lines
    os.waitpid(pid, 0)


def test_a_write_that_a_signal_cuts_goes_on() -> None:
    """write(2) to a full pipe returns early after a handler."""
    one, other = os.pipe()
    line = ProcessFailure("a", "b", "x" * 300_000)
    heard: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: heard.append(number))
    pid = os.fork()
    if pid == 0:
        os.close(other)
        time.sleep(0.3)
        with open(one, "rb") as file:
            os._exit(read_reports(file.read()) != [line])
    os.close(one)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    write_report(other, line)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    os.close(other)
    assert os.waitpid(pid, 0)[1] == 0
    assert heard


def test_a_line_that_was_cut_hides_no_failure() -> None:
    """A handler ends the process in the middle of a line, with a line of its own."""
    last = ProcessFailure("peer 1", "", "exited with 7")
    one, other = os.pipe()
    os.write(other, b'{"is":"outcome","dep')
    write_report(other, last)
    os.write(other, b'\n{"is":"pha')
    os.close(other)
    with open(one, "rb") as file:
        assert read_reports(file.read()) == [last]


def test_axes_at_their_defaults_are_left_out_of_a_job() -> None:
    cell = msgspec.json.decode(JOB.encoded())["cell"]
    assert set(cell) == {"transport", "pattern", "size", "placement"}
    assert msgspec.json.decode(JOB.encoded(), type=Job) == JOB


def test_settings_at_their_defaults_are_left_out_of_a_job() -> None:
    """An older side refuses those that it does not know, such as `watch`."""
    settings = msgspec.json.decode(JOB.encoded())["settings"]
    assert set(settings) == {"values", "warmups", "block", "rounds"}
    asked = msgspec.structs.replace(JOB.settings, stamps=9, adaptive=True, watch=1.5)
    job = msgspec.structs.replace(JOB, settings=asked)
    assert msgspec.json.decode(job.encoded(), type=Job) == job


def test_what_equals_a_default_is_left_out_of_a_job() -> None:
    """Numbers and texts of a profile or a journal are equal to the defaults, not identical."""
    plain = msgspec.json.Encoder()
    settings = msgspec.json.decode(plain.encode(JOB.settings), type=Settings)
    cell = msgspec.json.decode(plain.encode(CELL), type=Cell)
    assert b"watch" in plain.encode(settings)
    job = msgspec.structs.replace(JOB, cell=cell, settings=settings)
    assert job.encoded() == JOB.encoded()


def test_axes_that_are_asked_for_are_in_a_job() -> None:
    asked = msgspec.structs.replace(
        CELL,
        runtime="native",
        depth=3,
        wait="spin-block",
        looks=2000,
        batch=16,
        payload="fresh",
        pace="pause:1ms",
        slowed=5,
    )
    fields = [field.name for field in msgspec.structs.fields(Cell) if not field.required]
    given = {name for name in fields if getattr(asked, name) != getattr(CELL, name)}
    assert given == set(fields) - {"processes", "twin"}  # a cell is not both
    job = msgspec.structs.replace(JOB, cell=asked)
    assert msgspec.json.decode(job.encoded(), type=Job) == job


def test_a_fork_server_says_which_ipcbench_it_has() -> None:
    package = ipcbench.__path__[0]
    ForkServer(Program(package=package)).close()
    with pytest.raises(ForkServerLost, match=f"{VERSION} in {package}, and not that in /nowhere"):
        ForkServer(Program(package="/nowhere"))


def test_a_fork_server_of_before_that_is_taken(line: tuple[ForkServer, socket.socket]) -> None:
    parent, there = line
    parent._program = Program(package="/somewhere")
    answer(there, Reply(protocol=PROTOCOL))
    parent._meet()


class Strange:
    """A job with a value that this version does not know."""

    deadline = 5.0

    def encoded(self) -> bytes:
        return JOB.encoded().replace(b'"awake":false', b'"awake":"half"')


def test_a_job_that_cannot_be_read_is_said_in_one_line() -> None:
    server = ForkServer()
    try:
        with pytest.raises(ForkServerLost, match=r"cannot read the job: .*`\$.awake`") as caught:
            server.run(Strange())  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
        assert caught.value.remedy == "leave such cells out"
        assert server._process.wait(10) == 0
    finally:
        server.close()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"transport": "nowhere"}, "unknown transport 'nowhere': `ipcbench list` shows all"),
        ({"pattern": "never"}, f"ipcbench {VERSION} has no pattern never"),
        ({"payload": "fresh", "pattern": "counter"},
         f"ipcbench {VERSION} has no counter with payload fresh"),
        ({"batch": 4}, f"ipcbench {VERSION} has no latency with batch 4"),
        ({"pattern": "stream", "pace": "pause:1ms"},
         f"ipcbench {VERSION} has no stream with pace pause:1ms"),
        ({"pattern": "stream", "slowed": 5},
         f"ipcbench {VERSION} has no stream with slowed 5"),
    ],
)  # fmt: skip
def test_a_job_with_an_unknown_name_is_answered_in_one_line(
    more: dict[str, Any], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """The next job is answered as well."""
    server, job = ForkServer(), msgspec.structs.replace(JOB, clock="perf_counter")
    try:
        cell = msgspec.structs.replace(CELL, size=64, **more)
        reply = server.run(msgspec.structs.replace(job, cell=cell))
        assert reply.failure is not None
        assert reply.failure.what == said
        assert (reply.failure.where, reply.failure.remedy) == ("start", LEAVE_OUT)
        assert server.run(job).failure is None
    finally:
        server.close()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("key", ["'fan-in'", "Part(loop=<function stream_sender at 0x7f>)"])
def test_the_answer_of_an_older_arm_that_lacks_a_payload_is_translated(key: str) -> None:
    """It has looked for the pattern in a table before it attached."""
    cell = msgspec.structs.replace(CELL, pattern="fan-in", payload="fresh", batch=4)
    found = translated(ProcessFailure("the worker", "start", f"KeyError: {key}"), cell)
    assert found is not None
    assert found.what == "its ipcbench has no fan-in with payload fresh and batch 4"
    assert (found.who, found.where, found.remedy) == ("the worker", "start", LEAVE_OUT)


@pytest.mark.parametrize(
    "failure",
    [
        None,
        ProcessFailure("the worker", "block 3", "KeyError: 'fan-in'"),
        ProcessFailure("the worker", "start", "OSError: no memory"),
    ],
)
def test_other_answers_are_kept(failure: ProcessFailure | None) -> None:
    assert translated(failure, CELL) is failure
