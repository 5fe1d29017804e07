"""Large messages: their check, the time and the memory that they take."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.loops import messages
from ipcbench.bench.loops.messages import Corrupt, compare, message
from ipcbench.bench.loops.payloads.pool import buffers_of
from ipcbench.bench.machine.topology import Cpu
from ipcbench.bench.plan.memory import lack, needed
from ipcbench.bench.plan.placement import Site
from ipcbench.bench.plan.planner import Candidate, plan
from ipcbench.bench.results.axes import SAME_CORE
from ipcbench.bench.results.cell import Cell
from ipcbench.bench.workers import oom
from ipcbench.bench.workers.control import ProcessFailure
from ipcbench.bench.workers.deadlines import attach_time, setup_time
from ipcbench.transports.contract import Family, Limit, Limits, Topology
from ipcbench.transports.null import TRAITS as NULL

SIZE = 3 * messages._PIECE + 1234
AT = [0, 5, 12, messages._PIECE + 11, messages._PIECE + 12, SIZE - 1]


def test_a_large_message_is_compared() -> None:
    compare(message(1, 0, 2, SIZE), 1, 0, 2)


@pytest.mark.parametrize("at", AT)
def test_each_byte_of_a_large_message_counts(at: int) -> None:
    found = bytearray(message(1, 0, 2, SIZE))
    found[at] ^= 1
    with pytest.raises(Corrupt, match=f"byte {at} is"):
        compare(memoryview(found), 1, 0, 2)


def test_pieces_in_another_order_are_found() -> None:
    found = message(1, 0, 2, SIZE)
    head, piece = messages._HEADER.size, messages._PIECE
    first, second = found[head : head + piece], found[head + piece : head + 2 * piece]
    assert first != second
    with pytest.raises(Corrupt):
        compare(found[:head] + second + first + found[head + 2 * piece :], 1, 0, 2)


@pytest.mark.parametrize("size", [256 << 20, 1 << 30, 3 << 30])
def test_a_message_of_gigabytes_is_made_piece_by_piece(size: int) -> None:
    """From 256 MiB on, the number of its bits is more than a C int."""
    pieces = messages._pieces(0, 0, 0, size)
    assert [len(piece) for piece in islice(pieces, 3)] == 3 * [messages._PIECE]


def test_fewer_large_messages_are_checked() -> None:
    assert messages.count(64) == messages.MESSAGES
    assert messages.count(messages.LARGE) == messages.FEW == 2


def test_the_deadline_grows_with_the_size() -> None:
    assert (setup_time(64, 2), attach_time(64, 2)) == pytest.approx((10, 10), abs=0.01)
    assert setup_time(6 << 20, 2) < 15
    assert setup_time(128 << 20, 2) > 40
    assert setup_time(1 << 30, 2) > 300
    assert attach_time(1 << 30, 2) > 60


def test_the_deadline_grows_with_the_loops_that_blocks_have_at_least() -> None:
    frame = 6_220_800
    assert setup_time(frame, 4, 8, 75) > setup_time(frame, 4, 8) + 74 * frame * 3 / 100e6


def test_the_deadline_grows_with_the_buffers() -> None:
    frame = 6_220_800
    assert setup_time(frame, 2, 8) > setup_time(frame, 2) + 2 * 7 * frame * 2 / 100e6
    cold = buffers_of("cold", 4096, 0)
    assert setup_time(4096, 2, cold) > 50
    assert attach_time(4096, 2, cold) > 50


# Memory

CPUS = [Cpu(0, (0,), (0, 1)), Cpu(1, (1,), (0, 1))]
FREE = Limit("memory", 8 << 30, "MemAvailable", "free memory")


def planned(size: int, memory: Limit | None, **axes: object) -> bool:
    traits = replace(NULL, family=Family.SHARED_MEMORY, topologies=frozenset({Topology.LINK}))
    found = Candidate("alpha", traits, Limits(Limit("message", None, "none")))
    fields = {"transport": "alpha", "pattern": "latency", "size": size, "placement": SAME_CORE}
    cell = msgspec.convert({**fields, **axes}, Cell)
    result = plan([cell], lambda name: found, Site(CPUS, "", memory))
    for _, skip in result.skipped:
        assert f"messages of {size} bytes need " in skip.reason
        assert "8589934592 are free (MemAvailable)" in skip.reason
        assert skip.remedy == "free memory"
    return bool(result.cells)


@pytest.mark.parametrize("payload", ["fresh", "cold"])
@pytest.mark.parametrize("in_place", [False, True])
def test_the_buffers_of_a_payload_need_memory(payload: str, in_place: bool) -> None:
    """A stream has one pool of 8 buffers, a round trip two; both have 10 messages without."""
    traits = replace(NULL, family=Family.SHARED_MEMORY, in_place=in_place, carries=True)
    axes = {"transport": "alpha", "placement": SAME_CORE, "payload": payload, "size": 256 << 20}
    stream, trip = (msgspec.convert({**axes, "pattern": p}, Cell) for p in ("stream", "latency"))
    assert needed(stream, traits, 32 << 20) == (10 + 7) * stream.size
    assert needed(trip, traits, 32 << 20) == (10 + 14) * trip.size
    free = Limit("memory", 20 * stream.size, "MemAvailable", "free memory")
    assert lack(stream, traits, free, 32 << 20) is None
    reason, remedy = lack(trip, traits, free, 32 << 20) or ("", "")
    assert f"messages of {trip.size} bytes written anew ({payload}) need " in reason
    assert remedy == "free memory"


def test_small_messages_in_a_cold_pool_need_memory() -> None:
    traits = replace(NULL, carries=True)
    cell = Cell(transport="a", pattern="stream", size=4096, placement=SAME_CORE, payload="cold")
    assert lack(cell, traits, Limit("memory", 64 << 20, "here"), 32 << 20) is not None
    assert lack(cell, traits, Limit("memory", 65 << 20, "here"), 32 << 20) is None


def test_a_cell_without_memory_is_skipped() -> None:
    assert planned(768 << 20, FREE)
    assert not planned(1 << 30, FREE)
    assert planned(1 << 30, None)


def test_memory_decides_nothing_for_small_messages() -> None:
    assert planned(1 << 20, Limit("memory", 0, "nothing"))


# The OOM killer


def killed() -> ProcessFailure:
    return ProcessFailure("the worker", "check", "was killed by SIGKILL")


def test_a_kill_while_the_count_rises_is_the_oom_killer_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counts = iter([3, 4])
    monkeypatch.setattr(oom, "oom_kills", lambda: next(counts))
    found = oom.OomWatch().explain(killed())
    assert found.what.startswith("was killed by SIGKILL of the OOM killer: the memory of ")
    assert "fewer processes" in found.remedy


@pytest.mark.parametrize(
    ("failure", "after"),
    [(killed(), 3), (ProcessFailure("the worker", "check", "Corrupt: byte 3"), 4)],
)
def test_another_end_stays_as_it_is(
    failure: ProcessFailure, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter([3, after])
    monkeypatch.setattr(oom, "oom_kills", lambda: next(counts))
    assert oom.OomWatch().explain(failure) is failure


def test_a_worker_is_the_first_victim() -> None:
    child = os.fork()
    if child == 0:
        oom.be_first_victim()
        score = Path("/proc/self/oom_score_adj").read_text().strip()
        os._exit(0 if score == "1000" else 1)
    assert os.waitpid(child, 0)[1] == 0
