"""Tests of the experiments of queues: messages by type, and messages whose sender has gone."""

from __future__ import annotations

import os
import socket
from functools import partial

import pytest

from ipcbench.bench.experiments.queues import queue_types, what_stays
from ipcbench.bench.experiments.queues.places import FifoPlace, PipePlace, QueuePlace, SocketPlace
from ipcbench.bench.experiments.queues.queue_types import EACH, ONE
from ipcbench.transports.contract import Unavailable
from tests.available import available


class EmptiedQueue(QueuePlace):
    """A queue that its sender empties before it ends."""

    def put(self, count: int) -> int:
        super().put(count)
        return super().take()


class KeptFifo(FifoPlace):
    """A FIFO that keeps its content: the test's own process has it open all the time."""

    def __init__(self) -> None:
        super().__init__()
        self.hold()

    def hold(self) -> None:
        if not self._ends:
            super().hold()


def test_each_pair_gets_its_own_messages() -> None:
    available("sysv-queue")
    found = queue_types.play()
    for arrangement in (ONE, EACH):
        assert found.figures[f"messages of another pair, {arrangement}"] == 0
        assert found.figures[f"messages out of order, {arrangement}"] == 0
        assert found.figures[f"a message, ns, {arrangement}"] > 0
        assert found.figures[f"CPU time of a message, ns, {arrangement}"] > 0
    assert found.figures[f"pairs stopped by one full pair, {ONE}"] == queue_types.PAIRS - 1
    assert found.figures[f"pairs stopped by one full pair, {EACH}"] == 0
    ratio = "time by type over time of queues"
    assert found.figures[f"{ratio}, low"] <= found.figures[ratio] <= found.figures[f"{ratio}, high"]
    assert found.figures["messages waiting"] > 0
    passed = found.figures["a message past those waiting, ns"]
    assert passed > found.figures["a message past none, ns"] * 0.8 > 0
    assert [row["arrangement"] for row in found.rows] == [ONE, EACH]


def test_one_type_for_all_pairs_mixes_their_messages() -> None:
    available("sysv-queue")
    found = queue_types.play(lambda pair: 1).figures
    assert found[f"messages of another pair, {ONE}"] > 0
    assert found[f"messages out of order, {ONE}"] > 0
    assert found[f"messages of another pair, {EACH}"] == 0


def test_a_queue_alone_keeps_messages_for_a_later_receiver() -> None:
    for name in ("sysv-queue", "posix-queue"):
        available(name)
    found = what_stays.play().figures
    for name in what_stays.PLACES:
        assert found[f"left at an open end, {name}"] == what_stays.MESSAGES, name
        later = what_stays.MESSAGES if name.endswith("-queue") else 0
        assert found[f"left for a later receiver, {name}"] == later, name


def test_a_queue_that_does_not_keep_is_found() -> None:
    available("sysv-queue")
    found = what_stays.play({"sysv-queue": partial(EmptiedQueue, "sysv-queue"), "fifo": KeptFifo})
    assert found.figures["left for a later receiver, sysv-queue"] == 0
    assert found.figures["left for a later receiver, fifo"] == what_stays.MESSAGES


def test_a_missing_queue_is_a_skipped_row() -> None:
    def missing() -> QueuePlace:
        raise Unavailable("there is none", "install it")

    found = what_stays.play({"sysv-queue": missing, "pipe": PipePlace})
    assert found.rows[0] == {"facility": "sysv-queue", "skipped": "there is none (install it)"}
    assert "left for a later receiver, sysv-queue" not in found.figures
    assert found.figures["left for a later receiver, pipe"] == 0


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_no_descriptor_is_left(kind: socket.SocketKind) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for make in (partial(SocketPlace, kind), FifoPlace, PipePlace):
        assert what_stays.left(make, held=True) == what_stays.MESSAGES
    assert len(os.listdir("/proc/self/fd")) == before
