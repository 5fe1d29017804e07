"""Particulars of message queues: types, priorities, exact limits, threads, signals."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from ipcbench.transports.contract import Endpoint, Role, Spec, Topology, Unavailable, WouldBlock
from ipcbench.transports.kernel_objects import kernel_name
from ipcbench.transports.queues.posix import PosixQueueChannel
from ipcbench.transports.testing.actors import Actor, eventually
from ipcbench.transports.testing.leaks import (
    children,
    descriptors,
    left_since,
    mappings,
    snapshot,
)
from tests.available import available

SOON = 5.0  # seconds


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = snapshot()
    yield
    assert not left_since(before)


def in_a_process(action: Callable[[], Any]) -> Any:
    """Return or raise its result: in a process of its own it may change limits and handlers."""
    with Actor(lambda: action) as actor:
        return actor.do(_call)


def _call(action: Callable[[], Any]) -> Any:
    return action()


def ends(name: str, spec: Spec, *kinds: int | None) -> tuple[Any, list[Endpoint]]:
    """Create a channel of one queue and, for each kind, a sender's and a receiver's endpoint."""
    channel = available(name).create(spec)
    found = []
    for kind in kinds:
        for role in (Role.SENDER, Role.RECEIVER):
            ticket = channel.ticket(role, 0)
            ticket.spec = replace(spec, kind=kind)
            found.append(available(name).attach(ticket, time.monotonic() + SOON))
    return channel, found


def leave(channel: Any, found: list[Endpoint]) -> None:
    for end in found:
        end.close()
    channel.close()
    channel.unlink()


def taken(end: Endpoint) -> bytes:
    buffer = memoryview(bytearray(64))
    return bytes(buffer[: end.recv_into(buffer)])


def test_a_receiver_gets_its_type_alone() -> None:
    channel, found = ends("sysv-queue", Spec(64, Topology.FAN_IN, nowait=True), 1, 2**31 - 1, None)
    one, takes_one, last, takes_last, _, takes_any = found
    last.send(b"last")
    one.send(b"one")
    assert taken(takes_one) == b"one"
    with pytest.raises(WouldBlock):
        taken(takes_one)
    one.send(b"two")
    assert [taken(takes_any), taken(takes_any)] == [b"last", b"two"]
    with pytest.raises(WouldBlock):
        taken(takes_last)
    leave(channel, found)


def test_higher_priorities_come_first() -> None:
    channel, found = ends("posix-queue", Spec(64, Topology.FAN_IN), None, 5, 32767)
    for end, text in zip(found[0::2], (b"low", b"middle", b"high"), strict=True):
        end.send(text)
    assert [taken(found[1]) for _ in range(3)] == [b"high", b"middle", b"low"]
    leave(channel, found)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("sysv-queue", 0), ("sysv-queue", 2**31), ("posix-queue", -1), ("posix-queue", 32768),
     ("sysv-queue:types", 1)],
)  # fmt: skip
def test_no_such_kind(name: str, kind: int) -> None:
    with pytest.raises(ValueError):
        available(name).create(Spec(64, kind=kind))


@pytest.mark.parametrize("name", ["queue", "/two/slashes", "/" + 300 * "n"])
def test_invalid_names_of_queues(name: str) -> None:
    with pytest.raises((ValueError, Unavailable)):
        available("posix-queue").create(Spec(64, name=name))


def test_a_depth_beyond_the_limits_is_refused() -> None:
    with pytest.raises(Unavailable, match=r"fs\.mqueue\.msg_max") as caught:
        available("posix-queue").create(Spec(64, depth=65537))  # HARD_MSGMAX, for root too
    assert caught.value.remedy == "no setting suffices: fs.mqueue.msg_max goes up to 65536"


def test_the_limit_of_a_users_bytes_is_named() -> None:
    """mq_open(3) reports EMFILE for it, which elsewhere means too many open descriptors."""
    posix = available("posix-queue")

    def action() -> list[tuple[int | None, str]]:
        _, hard = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (60_000, hard))
        found: list[tuple[int | None, str]] = []
        for depth in (None, 10):
            channel = None
            try:
                channel = posix.create(Spec(4096, depth=depth))
                ticket = channel.ticket(Role.CLIENT, 0)
                found.append((ticket.data["depth"], ""))
            except Unavailable as error:
                found.append((None, f"{error.reason}; {error.remedy}"))
            if channel is not None:
                channel.unlink()
        limits = posix.probe()
        assert not isinstance(limits, Unavailable)
        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (10_000, hard))
        limits = posix.probe()
        assert not isinstance(limits, Unavailable)
        assert limits.message.value == 10_000 // 2 - 96
        assert limits.message.source == "RLIMIT_MSGQUEUE"
        channel = posix.create(Spec(limits.message.value))
        channel.unlink()
        return found

    def as_it_must() -> bool:
        try:
            own, asked = in_a_process(action)
        except (AssertionError, Unavailable):
            return False
        named = "RLIMIT_MSGQUEUE" in asked[1] and "ulimit -q" in asked[1]
        return own[0] is not None and 1 <= own[0] < 10 and named

    # Queues of other processes of this user count too, in other IPC namespaces as well.
    assert eventually(as_it_must)


def test_a_lack_of_descriptors_is_named() -> None:
    available("posix-queue")

    def action() -> str:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(descriptors()) + 1, hard))
        held = []
        try:
            while True:
                held.append(os.dup(0))
        except OSError:
            pass
        # The ledger needs a descriptor as well.
        for name in ("announce", "withdraw"):
            setattr(kernel_name, name, lambda *_: None)
        try:
            PosixQueueChannel(Spec(64, Topology.FAN_IN, depth=1))
        except Unavailable as error:
            return f"{error.reason}; {error.remedy}"
        finally:
            for fd in held:
                os.close(fd)
        return ""

    assert "ulimit -n" in in_a_process(action)


@pytest.mark.parametrize("name", ["sysv-queue", "mp-pipe", "mp-simple-queue", "mp-queue"])
def test_a_signal_does_not_end_a_wait(name: str) -> None:
    """The signal's handler runs and the call is retried: PEP 475."""
    one = available(name)

    def action() -> tuple[int, bytes]:
        seen = []
        signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
        channel = one.create(Spec(64))
        client, server = (
            one.attach(channel.ticket(role, 0), time.monotonic() + SOON)
            for role in (Role.CLIENT, Role.SERVER)
        )
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        later = threading.Timer(0.2, lambda: client.send(client.prepare(memoryview(b"late"))))
        later.start()
        text = taken(server)
        signal.setitimer(signal.ITIMER_REAL, 0)
        later.join()
        leave(channel, [client, server])
        return len(seen), text

    count, text = in_a_process(action)
    assert count > 1
    assert text == b"late"


def test_an_interrupted_posix_queue_raises() -> None:
    """The binding drops the handler's exception, so a retried call could wait for ever."""
    posix = available("posix-queue")

    def action() -> str:
        channel = posix.create(Spec(64, Topology.FAN_IN))
        end = posix.attach(channel.ticket(Role.RECEIVER, 0), time.monotonic() + SOON)
        signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        try:
            taken(end)
        except InterruptedError:
            return "interrupted"
        finally:
            leave(channel, [end])
        return ""

    assert in_a_process(action) == "interrupted"


MULTIPROCESSING = ["mp-queue", "mp-simple-queue", "mp-pipe", "mp-pipe-pickle", "mp-pipe-pickle5"]


@pytest.mark.parametrize("name", MULTIPROCESSING)
def test_multiprocessing_leaves_nothing(name: str) -> None:
    """A process that used it keeps no resource tracker, no thread, no mapping of a lock."""
    one = available(name)

    def action() -> list[Any]:
        before = descriptors() | mappings()
        channel = one.create(Spec(64))
        found = [
            one.attach(channel.ticket(role, 0), time.monotonic() + SOON)
            for role in (Role.CLIENT, Role.SERVER)
        ]
        found[0].send(found[0].prepare(memoryview(b"word")))
        assert taken(found[1]) == b"word"
        leave(channel, found)
        del channel, found
        threads = [each for each in threading.enumerate() if each.name != "MainThread"]
        return [*threads, *((descriptors() | mappings()) - before), *children()]

    assert in_a_process(action) == []


def test_closing_does_not_wait_for_a_blocked_feeder() -> None:
    """The queue holds more than its pipe, and no process receives."""
    one = available("mp-queue")

    def action() -> float:
        channel = one.create(Spec(1 << 20, Topology.FAN_IN))
        end = one.attach(channel.ticket(Role.SENDER, 0), time.monotonic() + SOON)
        for _ in range(3):
            end.send(end.prepare(memoryview(bytes(1 << 20))))
        began = time.monotonic()
        end.close()
        return time.monotonic() - began

    assert in_a_process(action) < SOON


def test_closing_flushes_the_queue() -> None:
    """A sender that closes its endpoint and then calls _exit(2) loses no message."""
    one = available("mp-queue")
    channel = one.create(Spec(1000, Topology.FAN_IN))
    ticket = channel.ticket(Role.SENDER, 0)

    def action() -> None:
        end = one.attach(ticket, time.monotonic() + SOON)
        for number in range(50):
            end.send(end.prepare(memoryview(bytes([number]) * 1000)))
        end.close()

    in_a_process(action)
    receiver = one.attach(channel.ticket(Role.RECEIVER, 0), time.monotonic() + SOON)
    buffer = memoryview(bytearray(1000))
    for number in range(50):
        assert receiver.recv_into(buffer) == 1000 and buffer[0] == number
    ticket.close()
    leave(channel, [receiver])
