"""Tests of attaching to a channel: seats, tickets, names, descriptors, permissions."""

from __future__ import annotations

import fcntl
import json
import pickle
import re
import resource
import socket
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ipcbench.transports.contract import (
    Channel,
    Endpoint,
    Lifetime,
    Limits,
    Role,
    Sharing,
    Spec,
    Ticket,
    TimedOut,
    Topology,
    Transport,
    TransportError,
    Unavailable,
)
from ipcbench.transports.kernel_objects.ledger import LEDGER_VARIABLE, current, standing
from ipcbench.transports.native import native_of
from ipcbench.transports.testing.actors import Actor
from ipcbench.transports.testing.leaks import (
    Thing,
    descriptors,
    kernel_objects,
    mappings,
    without_other_runs,
)
from ipcbench.transports.testing.participants import (
    Seat,
    attach,
    connect,
    hello,
    numbered,
    receive,
    seats,
    send,
)
from ipcbench.transports.testing.subject import TYPICAL, Subject

SOON = 1.0  # seconds: a deadline of an end whose counterpart may not come
FIXED = 16  # keys that one fixed name may take: its own and the following ones


class AttachmentTests:
    """Tests of every transport, the null transport included."""

    def test_protocols(self, subject: Subject, topology: Topology) -> None:
        assert isinstance(subject.transport, Transport)
        with subject.channel(subject.spec(topology)) as channel:
            assert isinstance(channel, Channel)
        with subject.participants(topology) as participants:
            for actor in participants.actors:
                assert actor.do(shape) in ((True, "NoneType"), (True, "PyCapsule"))

    def test_probe(self, subject: Subject) -> None:
        """It names the source of a limit, and leaves nothing: see `nothing_left`."""
        limits = subject.transport.probe()
        assert isinstance(limits, Limits)
        for limit in (limits.message, *limits.others):
            assert limit.name and limit.source
            assert limit.value is None or limit.value > 0

    def test_seats(self, subject: Subject, topology: Topology) -> None:
        spec = subject.spec(topology)
        with subject.channel(spec) as channel:
            for role, index in seats(spec):
                channel.ticket(role, index).close()
            for role in Role:
                for index in (-1, spec.parties):
                    with pytest.raises(ValueError):
                        channel.ticket(role, index)

    def test_other_topologies_are_refused(self, subject: Subject) -> None:
        for topology in set(Topology) - subject.transport.traits.topologies:
            with pytest.raises(ValueError):
                subject.transport.create(Spec(TYPICAL, topology))

    def test_ticket_owns_its_descriptors(self, subject: Subject, topology: Topology) -> None:
        """They are closed by execve(2), and by `close`."""
        with subject.channel(subject.spec(topology)) as channel:
            before = descriptors()
            for role, index in seats(subject.spec(topology)):
                ticket = channel.ticket(role, index)
                assert all(fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC for fd in ticket.fds)
                ticket.close()
                ticket.close()
            assert descriptors() == before

    def test_descriptors_close_on_exec(self, subject: Subject, topology: Topology) -> None:
        before = {number(thing) for thing in descriptors()}
        with subject.channel(subject.spec(topology)):
            assert {number(thing) for thing in descriptors() if survives_exec(thing)} <= before
        with subject.participants(topology) as participants:
            for actor in participants.actors:
                assert actor.do(surviving_exec) <= before

    def test_private_objects(self, subject: Subject, topology: Topology) -> None:
        """Only this user may open them (0600, a folder 0700); all stand in the ledger."""
        lifetime = subject.transport.traits.lifetime
        before, noted = kernel_objects(), announced()
        with subject.channel(subject.spec(topology)):
            one = announced() - noted
            assert bool(one) == (lifetime is not Lifetime.PROCESS)
            with subject.channel(subject.spec(topology)):
                both = announced() - noted
                assert len(both) == 2 * len(one), "two channels share a name"
                now = kernel_objects()
                created = [now[thing] for thing in without_other_runs(now.keys() - before.keys())]
                assert len(created) >= len(both)
                assert [each for each in created if each.mode & 0o077] == []
        assert announced() == noted

    def test_nothing_is_created_without_ledger(
        self, subject: Subject, topology: Topology, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """With a ledger that cannot be written, `create` fails before it creates anything."""
        if subject.transport.traits.lifetime is Lifetime.PROCESS:
            pytest.skip("its objects end with its processes")
        monkeypatch.setenv(LEDGER_VARIABLE, str(tmp_path))
        with pytest.raises((OSError, TransportError)):
            subject.transport.create(subject.spec(topology))

    @pytest.mark.parametrize("spare", range(6))
    def test_out_of_descriptors(self, subject: Subject, topology: Topology, spare: int) -> None:
        """With few free descriptors it works or raises an error, and leaves nothing."""
        with Actor(lambda: subject.transport) as actor:
            assert actor.do(create_with_spare, subject.spec(topology), spare) == set()

    @pytest.mark.parametrize("fixed", [False, True], ids=["private", "fixed"])
    def test_unrelated_processes(
        self, subject: Subject, topology: Topology, fixed: bool, free_name: str | None
    ) -> None:
        """Processes older than the channel attach with nothing but the ticket."""
        traits = subject.transport.traits
        if traits.sharing is Sharing.INHERIT:
            pytest.skip("it is inherited through fork(2)")
        if fixed and free_name is None:
            pytest.skip("it has no names")
        spec = subject.spec(topology, name=free_name if fixed else None)
        with ExitStack() as stack:
            processes = []
            for _ in seats(spec):
                here, there = socket.socketpair()
                stack.enter_context(here)
                processes.append(
                    (stack.enter_context(unrelated_process(subject.transport, there)), here)
                )
            channel = stack.enter_context(subject.channel(spec))
            for (role, index), (actor, here) in zip(seats(spec), processes, strict=True):
                ticket = channel.ticket(role, index)
                send_ticket(here, ticket)
                ticket.close()
                actor.begin(attach)
            for actor, _ in processes:
                actor.answer()
            hellos = [actor.do(hello) for actor, _ in processes]
            for actor, _ in processes:
                actor.begin(connect, hellos)
            for actor, _ in processes:
                actor.answer()
            if traits.carries:
                message = numbered(3, TYPICAL)
                processes[0][0].begin(send, message)
                assert processes[-1][0].do(receive) == [message]
                processes[0][0].answer()

    def test_both_ends_in_one_process(self, carrier: Subject) -> None:
        """One process holds both ends of a link and sends to itself, or `attach_waits` is set."""
        traits = carrier.transport.traits
        if Topology.LINK not in traits.topologies:
            pytest.skip("it is no link")
        with carrier.channel(carrier.spec(Topology.LINK)) as channel:
            tickets = [channel.ticket(Role.CLIENT, 0), channel.ticket(Role.SERVER, 0)]
            try:
                with Actor(lambda: (carrier, tickets)) as actor:
                    held = actor.do(hold_both)
            finally:
                for ticket in tickets:
                    ticket.close()
            assert held is not traits.attach_waits

    def test_sharing(self, subject: Subject, topology: Topology) -> None:
        """The content of a sender's ticket agrees with the trait."""
        with subject.channel(subject.spec(topology)) as channel:
            ticket = channel.ticket(*seats(subject.spec(topology))[0])
            held = (bool(ticket.fds), bool(ticket.inherited))
            ticket.close()
        assert json.loads(json.dumps(ticket.data)) == ticket.data
        sharing = subject.transport.traits.sharing
        assert held == (sharing is Sharing.DESCRIPTORS, sharing is Sharing.INHERIT)

    def test_name_taken(self, subject: Subject, topology: Topology, free_name: str | None) -> None:
        """A second creator of the same name fails, and changes nothing for the first."""
        spec = subject.spec(topology, name=free_name or "/no-such-thing")
        if subject.transport.traits.sharing is not Sharing.NAME:
            with pytest.raises(ValueError):
                subject.transport.create(spec)
            return
        if free_name is None:
            pytest.skip("it has no names")
        with subject.participants(topology, name=free_name) as participants:
            before, noted = named(free_name), announced()
            with pytest.raises(FileExistsError):
                subject.transport.create(spec)
            assert named(free_name) == before
            assert announced() == noted
            if subject.transport.traits.carries:
                message = numbered(1, TYPICAL)
                assert participants.carry(message) == [message]

    def test_unlinking_again(
        self, subject: Subject, topology: Topology, free_name: str | None
    ) -> None:
        """A second `unlink` does not remove the name of a later channel."""
        if free_name is None:
            pytest.skip("it has no names")
        spec = subject.spec(topology, name=free_name)
        with subject.channel(spec) as first:
            first.unlink()
            with subject.channel(spec):
                before = named(free_name)
                first.unlink()
                assert named(free_name) == before
                with pytest.raises(FileExistsError):  # it is still taken
                    subject.transport.create(spec)


def hold_both(state: tuple[Subject, list[Ticket]]) -> bool:
    """Attach both ends of a link, and send messages from one to the other.

    Returns:
        False if `attach` has waited in vain.
    """
    subject, tickets = state
    transport, ends = subject.transport, list[Endpoint]()
    try:
        for ticket in tickets:
            ends.append(transport.attach(ticket, time.monotonic() + SOON))
        hellos = [end.hello() for end in ends]
        for end in ends:
            end.connect(hellos, time.monotonic() + SOON)
        client, server = map(native_of, ends) if subject.native else ends
        for turn in range(0 if transport.traits.synchronous else 3):
            message = numbered(turn, TYPICAL)
            client.send(client.prepare(memoryview(message)))
            assert receive_from(server) == message
    except TimedOut:
        return False
    finally:
        for end in ends:
            end.close()
    return True


def receive_from(end: Any) -> bytes:
    """Receive a message: in place, where the end reads there."""
    if hasattr(end, "peek"):
        with end.peek() as message:
            found = bytes(message)
        end.release()
        return found
    buffer = memoryview(bytearray(TYPICAL))
    return bytes(buffer[: end.recv_into(buffer)])


def named(name: str) -> set[Thing]:
    """Return the kernel objects with a fixed name; other programs may create and remove others."""
    key = name.removeprefix("/")
    keys = range(int(key), int(key) + FIXED) if key.isdigit() else ()
    words = {f"key {one}" for one in keys} | {Path(name).name}
    found = {
        thing
        for thing in kernel_objects()
        if any(re.search(rf"{re.escape(word)}(?!\w)", thing.name) for word in words)
    }
    if "/" in key and Path(name).exists():  # a path in any folder
        found.add(Thing("file", name))
    return found


def announced() -> set[tuple[str, str]]:
    """Return the objects in the run's ledger."""
    return set(standing(current()))


def shape(seat: Seat) -> tuple[bool, str]:
    return isinstance(seat.endpoint, Endpoint), type(seat.endpoint.native()).__name__


def number(thing: Thing) -> int:
    return int(thing.name.split()[0])


def survives_exec(thing: Thing) -> bool:
    try:
        return not fcntl.fcntl(number(thing), fcntl.F_GETFD) & fcntl.FD_CLOEXEC
    except OSError:  # closed meanwhile
        return False


def surviving_exec(_: Seat) -> set[int]:
    return {number(thing) for thing in descriptors() if survives_exec(thing)}


def create_with_spare(transport: Transport, spec: Spec, spare: int) -> set[Thing]:
    """Create with few free descriptors; return what is held after an error or `close`."""
    before = descriptors() | mappings()
    taken = {number(thing) for thing in descriptors()}
    limit = spare
    while limit - len([fd for fd in taken if fd < limit]) < spare:
        limit += 1
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    channel = None
    try:
        channel = transport.create(spec)
        for role, index in seats(spec):
            channel.ticket(role, index).close()
    except (Unavailable, OSError):
        pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if channel is not None:
            channel.close()
            channel.unlink()
    return (descriptors() | mappings()) - before


def unrelated_process(transport: Transport, connection: socket.socket) -> Actor:
    """Start a process before the channel exists; the ticket arrives through a socket."""
    actor = Actor(partial(receive_ticket, transport, connection))
    connection.close()
    return actor


def send_ticket(connection: socket.socket, ticket: Ticket) -> None:
    """Send the ticket as text and, by SCM_RIGHTS, its descriptors (unix(7))."""
    packed = pickle.dumps((ticket.role, ticket.index, ticket.spec, json.dumps(ticket.data)))
    socket.send_fds(connection, [packed], ticket.fds)


def receive_ticket(transport: Transport, connection: socket.socket) -> Seat:
    packed, fds, _, _ = socket.recv_fds(connection, 2**16, 2**6)
    role, index, spec, text = pickle.loads(packed)
    connection.close()
    return Seat(transport, Ticket(role, index, spec, json.loads(text), tuple(fds)))
