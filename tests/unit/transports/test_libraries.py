"""Tests of messaging libraries: threads, signals, closing, trials, names."""

from __future__ import annotations

import os
import resource
import signal
import time
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

from ipcbench.transports.base.remedies import pip_install
from ipcbench.transports.contract import Spec, Topology, Unavailable
from ipcbench.transports.libraries import library
from ipcbench.transports.libraries.library import trial
from ipcbench.transports.libraries.zmq import high_water
from ipcbench.transports.testing.leaks import kernel_objects
from ipcbench.transports.testing.participants import (
    Participants,
    Seat,
    attach,
    close,
    fill,
    numbered,
    receive,
)
from tests.available import available

NAMES = ("zmq:ipc", "nng:ipc")
LINK = Spec(size=64)


class Rung(Exception):
    """Raised by a handler of a signal."""


def threads(_: Seat) -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def time_to_close(seat: Seat) -> float:
    began = time.monotonic()
    seat.endpoint.close()
    return time.monotonic() - began


def receive_until_rung(seat: Seat) -> float:
    """Wait for a message that never comes, until a handler of SIGUSR1 raises."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Rung

    signal.signal(signal.SIGUSR1, ring)
    began = time.monotonic()
    try:
        receive(seat)
    except Rung:
        return time.monotonic() - began
    raise AssertionError("it received something")


@pytest.mark.parametrize("name", NAMES)
def test_closing_ends_the_threads(name: str) -> None:
    with Participants(available(name), LINK) as participants:
        for actor in participants.actors:
            assert actor.do(threads) > 1
            actor.do(close)
            assert actor.do(threads) == 1


@pytest.mark.parametrize("name", NAMES)
def test_closing_does_not_wait_for_a_peer_that_has_closed(name: str) -> None:
    with Participants(available(name), LINK) as participants:
        assert participants.carry(numbered(1, 64)) == [numbered(1, 64)]
        for actor in participants.actors:
            assert actor.do(time_to_close) < library.LINGER / 2


@pytest.mark.parametrize("name", NAMES)
def test_closing_waits_for_what_is_not_yet_written(name: str) -> None:
    """A message larger than the socket's buffer arrives, although its receiver reads late."""
    size = 1 << 20
    with Participants(available(name), Spec(size=size)) as participants:
        sender, receiver = participants.actors
        os.kill(receiver.pid, signal.SIGSTOP)
        sender.begin(_send_and_close, numbered(1, size))
        assert sender.waits(library.LINGER / 4)
        os.kill(receiver.pid, signal.SIGCONT)
        sender.answer()
        assert receiver.do(receive) == [numbered(1, size)]


def _send_and_close(seat: Seat, message: bytes) -> None:
    seat.endpoint.send(seat.endpoint.prepare(memoryview(message)))
    seat.endpoint.close()


def test_nng_starts_once_in_a_process() -> None:
    """Started anew, it hangs."""
    with Participants(available("nng:ipc"), LINK) as participants:
        for actor in participants.actors:
            actor.do(close)
            with pytest.raises(Unavailable, match="cannot start again"):
                actor.do(attach)


@pytest.mark.parametrize("name", NAMES)
def test_handlers_of_signals_run_while_it_waits(name: str) -> None:
    """By SIGCHLD a worker learns that a peer is dead, about which these facilities are silent."""
    with Participants(available(name), LINK) as participants:
        participants.receiver.begin(receive_until_rung)
        assert participants.receiver.waits(0.3)
        os.kill(participants.receiver.pid, signal.SIGUSR1)
        assert participants.receiver.answer() < 5


def test_a_smaller_high_water_mark_holds_fewer_messages() -> None:
    held = []
    for depth in (1, None):
        spec = Spec(size=4096, depth=depth, nowait=True)
        with Participants(available("zmq:ipc"), spec) as participants:
            held.append(participants.senders[0].do(fill))
    assert held[0] < held[1]


def test_queues_are_bounded_in_bytes() -> None:
    assert high_water(Spec(size=0)) == high_water(Spec(size=64)) == 1000
    assert high_water(Spec(size=1 << 20)) == 16
    assert high_water(Spec(size=1 << 30)) == 2
    assert high_water(Spec(size=1 << 20, depth=7)) == 7


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_never_an_abstract_address(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Participants(available(name), replace(LINK, name="@name")) as participants:
        assert (tmp_path / "@name").exists()
        assert participants.carry(numbered(1, 64)) == [numbered(1, 64)]


@pytest.mark.parametrize("name", NAMES)
def test_sockets_are_for_their_owner_alone(name: str) -> None:
    before = kernel_objects()
    with Participants(available(name), replace(LINK, topology=Topology.FAN_IN, parties=3)):
        now = kernel_objects()
        made = [now[thing] for thing in now.keys() - before.keys() if "socket" in thing.name]
        assert made
        assert not [one for one in made if one.mode & 0o077]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (lambda: None, None),
        (lambda: {}["two\nlines"], "the package mine fails: KeyError: 'two\\\\nlines'"),
        (
            lambda: os.kill(os.getpid(), signal.SIGKILL),
            "the package mine fails: its trial was killed",
        ),
        (lambda: time.sleep(60), "the package mine fails: its trial was killed"),
    ],
    ids=["works", "raises", "killed", "hangs"],
)
def test_a_trial(body: object, text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "TRIAL", 0.5)
    found = trial("mine", body)  # type: ignore[arg-type]
    if text is None:
        assert found is None
    else:
        assert isinstance(found, Unavailable)
        assert found.reason == text.replace("\\\\", "\\")
        assert found.remedy == pip_install("[libraries]", upgrade=True)


@pytest.mark.parametrize("free", range(4))
def test_a_trial_with_few_descriptors(free: int, capfd: pytest.CaptureFixture[str]) -> None:
    """It needs three: less is a reason with a remedy, not the library's fault, and no traceback."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = kept_open()
    bound = [number for number in range(len(before) + 5) if number not in before][free]
    resource.setrlimit(resource.RLIMIT_NOFILE, (bound, hard))
    try:
        found = trial("mine", lambda: None)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert capfd.readouterr().err == ""
    assert kept_open() == before
    if free == 3:
        assert found is None
    else:
        assert found is not None
        assert found.reason.endswith("fails: Too many open files")
        assert found.remedy.startswith("ulimit -n ")


def kept_open() -> set[int]:
    """List the open descriptors, without that of the list itself."""
    return {
        int(name) for name in os.listdir("/proc/self/fd") if Path("/proc/self/fd", name).exists()
    }
