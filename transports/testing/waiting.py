"""Tests of the ways of waiting: with poll(2), by spinning, and by both looks and sleep."""

from __future__ import annotations

import platform
from dataclasses import replace
from enum import Enum
from pathlib import Path

import pytest

from ipcbench.transports.contract import (
    PeerDeath,
    PeerGone,
    Spec,
    Topology,
    Wait,
    WouldBlock,
)
from ipcbench.transports.testing.actors import (
    Actor,
    check_asleep,
    check_spinning,
    eventually,
)
from ipcbench.transports.testing.hub import AHEAD, CLIENTS, TURNS, ask, check_quiet_client, serve
from ipcbench.transports.testing.participants import Participants, numbered, receive, send
from ipcbench.transports.testing.subject import TYPICAL, Subject
from ipcbench.transports.testing.synchronisation import acquire, notify, release, wait
from ipcbench.transports.testing.transfer import MANY, marked

# poll, ppoll, epoll_wait, epoll_pwait: syscalls(2)
_WAITING_CALLS = {
    "x86_64": {"7", "271", "232", "281"},
    "aarch64": {"73", "22"},
}.get(platform.machine(), set())


class PollingTests:
    """Tests of receivers that wait with poll(2)."""

    @pytest.fixture
    def poller(self, carrier: Subject, topology: Topology) -> Subject:
        """Provide a transport that can be waited for with poll(2)."""
        if not carrier.transport.traits.pollable:
            pytest.skip("it cannot be waited for with poll(2)")
        return carrier

    def test_poll_is_refused(self, carrier: Subject, topology: Topology) -> None:
        if carrier.transport.traits.pollable:
            pytest.skip("it can be waited for with poll(2)")
        with pytest.raises(ValueError):
            carrier.transport.create(replace(carrier.spec(topology), wait=Wait.POLL))

    def test_waits_in_poll(self, poller: Subject, topology: Topology) -> None:
        with polling(poller, topology) as participants:
            participants.receiver.begin(receive)
            assert eventually(participants.receiver.asleep)
            assert eventually(lambda: waits_in_poll(participants.receiver))
            participants.senders[0].do(send, numbered(1, TYPICAL))
            assert participants.receiver.answer() == [numbered(1, TYPICAL)]
            some = [numbered(number, TYPICAL) for number in range(200)]
            assert participants.carry(*some) == some
            if topology is Topology.LINK:
                assert participants.carry(*some, back=True) == some

    def test_polls_and_does_not_wait(self, poller: Subject, topology: Topology) -> None:
        with polling(poller, topology, nowait=True) as participants:
            with pytest.raises(WouldBlock):
                participants.receiver.do(receive)
            participants.senders[0].do(send, numbered(1, TYPICAL))
            assert participants.receiver.do(receive) == [numbered(1, TYPICAL)]
            with pytest.raises(WouldBlock):
                participants.receiver.do(receive)

    def test_end_of_file_ends_polling(self, poller: Subject, topology: Topology) -> None:
        if poller.transport.traits.peer_death is not PeerDeath.REPORTED:
            pytest.skip("the end of a peer is not reported")
        with polling(poller, topology) as participants:
            participants.receiver.begin(receive)
            assert participants.receiver.waits(0.05)
            for sender in participants.senders:
                sender.kill()
            with pytest.raises(PeerGone):
                participants.receiver.answer()


VERY_MANY = 5000  # messages
LARGER = 4096  # bytes


class How(Enum):
    """The ways of an end that spins: its wait, its looks, and whether it has a CPU of its own."""

    SPIN = (Wait.SPIN, None, False)
    SPIN_ON_ITS_CPU = (Wait.SPIN, None, True)
    SPIN_BLOCK = (Wait.SPIN_BLOCK, None, True)
    SPIN_BLOCK_YIELDING = (Wait.SPIN_BLOCK, 50, False)

    def applied(self, spec: Spec) -> Spec:
        asked, looks, exclusive = self.value
        return replace(spec, wait=asked, looks=looks, exclusive_cpus=exclusive)

    @property
    def sleeps(self) -> bool:
        return self.value[0] is Wait.SPIN_BLOCK


def way(how: How) -> str:
    return how.name.lower().replace("_", "-")


class SpinningTests:
    """Tests of ends that look again and again."""

    @pytest.fixture
    def spinner(self, carrier: Subject) -> Subject:
        """Provide a transport whose ends can spin."""
        if not carrier.transport.traits.spins:
            pytest.skip("it cannot spin")
        return carrier

    @pytest.fixture(params=How, ids=way)
    def how(self, request: pytest.FixtureRequest) -> How:
        """Provide a way of spinning."""
        found: How = request.param
        return found

    @pytest.mark.parametrize("asked", [Wait.SPIN, Wait.SPIN_BLOCK], ids=lambda one: one.value)
    def test_spinning_is_refused(self, carrier: Subject, topology: Topology, asked: Wait) -> None:
        if carrier.transport.traits.can_wait(asked):
            pytest.skip("it can wait so")
        with pytest.raises(ValueError):
            carrier.transport.create(replace(carrier.spec(topology), wait=asked))

    def test_spins_for_a_message(self, spinner: Subject, topology: Topology, how: How) -> None:
        """A receiver uses its CPU, or sleeps after its looks; messages arrive in order."""
        with Participants(spinner.transport, how.applied(spinner.spec(topology))) as participants:
            participants.receiver.begin(receive)
            check_waiting(participants.receiver, how)
            participants.senders[0].do(send, numbered(1, TYPICAL))
            assert participants.receiver.answer() == [numbered(1, TYPICAL)]
            some = [marked(0, number, TYPICAL) for number in range(MANY)]
            assert participants.carry(*some) == some
            if topology is Topology.LINK:
                assert participants.carry(*some, back=True) == some

    def test_spins_for_room(self, spinner: Subject, topology: Topology, how: How) -> None:
        """A sender without room waits in the same way, and loses nothing."""
        size, count = _more_than_fits(spinner, topology)
        some = [numbered(number, size) for number in range(count)]
        spec = how.applied(spinner.spec(topology, size))
        with Participants(spinner.transport, spec) as participants:
            sender = participants.senders[0]
            sender.begin(send, *some)
            check_waiting(sender, how)
            assert participants.receiver.do(receive, len(some)) == some
            sender.answer()

    def test_spinning_completes_messages(
        self, spinner: Subject, topology: Topology, how: How
    ) -> None:
        """A message of which the facility takes a part at a time arrives whole."""
        size = spinner.largest(topology)
        some = [numbered(number, size) for number in range(3)]
        spec = how.applied(spinner.spec(topology, size))
        with Participants(spinner.transport, spec) as participants:
            assert participants.carry(*some) == some
            if topology is Topology.LINK:
                assert participants.carry(*some, back=True) == some

    def test_spinning_does_not_wait(self, spinner: Subject, topology: Topology, how: How) -> None:
        """With `nowait` an end returns at once, however it would wait."""
        spec = how.applied(spinner.spec(topology, nowait=True))
        with Participants(spinner.transport, spec) as participants:
            with pytest.raises(WouldBlock):
                participants.receiver.do(receive)
            participants.senders[0].do(send, numbered(1, TYPICAL))
            assert participants.receiver.do(receive) == [numbered(1, TYPICAL)]

    def test_end_of_file_ends_spinning(
        self, spinner: Subject, topology: Topology, how: How
    ) -> None:
        if spinner.transport.traits.peer_death is not PeerDeath.REPORTED:
            pytest.skip("the end of a peer is not reported")
        with Participants(spinner.transport, how.applied(spinner.spec(topology))) as participants:
            participants.receiver.begin(receive)
            assert participants.receiver.waits(0.05)
            for sender in participants.senders:
                sender.kill()
            with pytest.raises(PeerGone):
                participants.receiver.answer()

    def test_spinning_server(self, spinner: Subject, how: How) -> None:
        """It looks at its clients in turn, and goes on without one that is gone."""
        if Topology.HUB not in spinner.transport.traits.topologies:
            pytest.skip("it cannot be a hub")
        spec = replace(how.applied(spinner.spec(Topology.HUB)), parties=CLIENTS + 1)
        with Participants(spinner.transport, spec) as participants:
            clients = participants.senders
            for client in clients:
                client.begin(ask, TURNS)
            participants.receiver.do(serve, TURNS * CLIENTS)
            for client in clients:
                assert len(client.answer()) == TURNS
            clients.pop(1).kill()
            for client in clients:
                client.begin(ask, TURNS)
            participants.receiver.do(serve, TURNS * len(clients))
            for client in clients:
                assert len(client.answer()) == TURNS

    def test_spinning_server_starves_no_client(self, spinner: Subject, how: How) -> None:
        if Topology.HUB not in spinner.transport.traits.topologies:
            pytest.skip("it cannot be a hub")
        # Of clients that share a queue and spin for room in it, any one may get the next room.
        ahead = min(AHEAD, spinner.capacity(Topology.HUB) // 2)
        spec = replace(how.applied(spinner.spec(Topology.HUB)), parties=CLIENTS + 1)
        with Participants(spinner.transport, spec) as participants:
            check_quiet_client(participants, ahead)

    def test_spins_for_a_notify(self, signal: Subject, how: How) -> None:
        if not signal.transport.traits.spins:
            pytest.skip("it cannot spin")
        spec = how.applied(signal.spec(Topology.SIGNAL))
        with Participants(signal.transport, spec) as participants:
            client, server = participants.actors
            server.begin(wait, 2)
            check_waiting(server, how)
            client.do(notify)
            assert server.waits(0.05), "one notify ended two waits"
            client.do(notify)
            server.answer()

    def test_spins_to_enter(self, guard: Subject, how: How) -> None:
        traits = guard.transport.traits
        if not traits.spins:
            pytest.skip("it cannot spin")
        with Participants(guard.transport, how.applied(guard.spec(Topology.GUARD))) as participants:
            inside, outside, late = participants.actors
            inside.do(acquire)
            outside.begin(acquire)
            check_waiting(outside, how)
            late.begin(acquire)
            inside.do(release)
            assert eventually(lambda: not (outside.waits(0) and late.waits(0)))
            first, second = (late, outside) if outside.waits(0) else (outside, late)
            assert second.waits(0.05), "two are inside"
            first.answer()
            first.do(release)
            second.answer()


def _more_than_fits(spinner: Subject, topology: Topology) -> tuple[int, int]:
    """Return a size, and a number of messages of it that a channel surely does not hold.

    A megabyte in typical messages would take seconds; fewer and larger ones fill it as well.
    """
    if spinner.transport.traits.synchronous:  # it waits with each message
        return TYPICAL, 5
    size, held = TYPICAL, spinner.capacity(topology)
    if held > VERY_MANY:
        size, held = LARGER, spinner.capacity(topology, LARGER)
    return size, 5 * held + 20


def check_waiting(actor: Actor, how: How) -> None:
    """Check that a process that waits uses its CPU, or sleeps."""
    (check_asleep if how.sleeps else check_spinning)(actor)


def polling(subject: Subject, topology: Topology, *, nowait: bool = False) -> Participants:
    spec = replace(subject.spec(topology, nowait=nowait), wait=Wait.POLL)
    return Participants(subject.transport, spec)


def waits_in_poll(actor: Actor) -> bool:
    """Return True if it sleeps in poll(2) or epoll_wait(2), or if that cannot be seen here."""
    call = call_of(actor)
    return call is None or call in _WAITING_CALLS


def call_of(actor: Actor) -> str | None:
    """Return the number of the system call in which it sleeps: proc_pid_syscall(5).

    None: /proc does not say, or the numbers of this machine's calls are not known here.
    """
    if not _WAITING_CALLS:
        return None
    try:
        return Path(f"/proc/{actor.pid}/syscall").read_text().split()[0]
    except OSError:
        return None
