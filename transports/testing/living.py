"""How a channel comes, is shared, and goes: names, descriptors, deaths, and what is left."""

from __future__ import annotations

import fcntl
import gc
import json
import os
import pickle
import resource
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

import pytest

from transports import naming
from transports.contract import (
    Channel,
    Closed,
    Endpoint,
    Lifetime,
    Limits,
    PeerDeath,
    PeerGone,
    Role,
    Sharing,
    Spec,
    Ticket,
    TimedOut,
    Topology,
    Transport,
    TransportError,
    Unavailable,
    Waiting,
)
from transports.testing.actors import Actor
from transports.testing.crew import Seat, attach, close, numbered, receive, seats, send
from transports.testing.leaks import Thing, descriptors, kernel_objects, mappings
from transports.testing.stage import TYPICAL, Stage

SOON = 0.25  # seconds: a deadline that a test waits out
SILENCE = 0.25  # seconds: who has not noticed by then is taken not to notice

ENDINGS: dict[str, Callable[[Actor], None]] = {
    "closed": lambda actor: actor.do(close),
    "killed": Actor.kill,
}


class LivingTests:
    """For every transport, the null one too."""

    def test_protocols(self, stage: Stage, topology: Topology) -> None:
        assert isinstance(stage.transport, Transport)
        with stage.channel(stage.spec(topology)) as channel:
            assert isinstance(channel, Channel)
        with stage.crew(topology) as crew:
            for actor in crew.actors:
                assert actor.do(shape) in ((True, "NoneType"), (True, "PyCapsule"))

    def test_probe(self, stage: Stage) -> None:
        """It tells where a limit comes from, and leaves nothing: see `nothing_left`."""
        limits = stage.transport.probe()
        assert isinstance(limits, Limits)
        for limit in (limits.message, *limits.others):
            assert limit.name and limit.source
            assert limit.value is None or limit.value > 0

    def test_seats(self, stage: Stage, topology: Topology) -> None:
        spec = stage.spec(topology)
        with stage.channel(spec) as channel:
            for role, index in seats(spec):
                channel.ticket(role, index).close()
            for role in Role:
                for index in (-1, spec.parties):
                    with pytest.raises(ValueError):
                        channel.ticket(role, index)

    def test_other_topologies_are_refused(self, stage: Stage) -> None:
        for topology in set(Topology) - stage.transport.traits.topologies:
            with pytest.raises(ValueError):
                stage.transport.create(Spec(TYPICAL, topology))

    def test_closing_twice(self, stage: Stage, topology: Topology) -> None:
        with stage.channel(stage.spec(topology)) as channel:
            channel.close()
            channel.close()
            with pytest.raises(Closed):
                channel.ticket(*seats(stage.spec(topology))[0])
            channel.unlink()
            channel.unlink()

    def test_endpoint_closed(self, stage: Stage, topology: Topology) -> None:
        with stage.crew(topology) as crew:
            for actor in crew.actors:
                actor.do(close)
                actor.do(close)
                with pytest.raises(Closed):
                    actor.do(send, bytes(TYPICAL))
                with pytest.raises(Closed):
                    actor.do(receive)

    def test_seat_lets_go_of_all(self, stage: Stage, topology: Topology) -> None:
        """No descriptor and no mapping is left in a process that has closed its end."""
        with stage.crew(topology) as crew:
            for actor in crew.actors:
                assert actor.do(held_after_closing) == set()

    def test_ticket_owns_its_descriptors(self, stage: Stage, topology: Topology) -> None:
        """They are closed on exec, and by `close`."""
        with stage.channel(stage.spec(topology)) as channel:
            before = descriptors()
            for role, index in seats(stage.spec(topology)):
                ticket = channel.ticket(role, index)
                assert all(fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC for fd in ticket.fds)
                ticket.close()
                ticket.close()
            assert descriptors() == before

    def test_descriptors_close_on_exec(self, stage: Stage, topology: Topology) -> None:
        before = {number(thing) for thing in descriptors()}
        with stage.channel(stage.spec(topology)):
            assert {number(thing) for thing in descriptors() if survives_exec(thing)} <= before
        with stage.crew(topology) as crew:
            for actor in crew.actors:
                assert actor.do(surviving_exec) <= before

    def test_private_objects(self, stage: Stage, topology: Topology) -> None:
        """Nobody else may open them (0600, a folder 0700); all stand in the ledger till the end."""
        lifetime = stage.transport.traits.lifetime
        before, noted = kernel_objects(), standing()
        with stage.channel(stage.spec(topology)):
            one = standing() - noted
            assert bool(one) == (lifetime is not Lifetime.PROCESS)
            with stage.channel(stage.spec(topology)):
                both = standing() - noted
                assert len(both) == 2 * len(one), "two channels share a name"
                created = [each for thing, each in kernel_objects().items() if thing not in before]
                assert len(created) >= len(both)
                assert [each for each in created if each.mode & 0o077] == []
        assert standing() == noted

    def test_nothing_is_created_unannounced(
        self, stage: Stage, topology: Topology, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """With a ledger that cannot be written, `create` fails before it creates."""
        if stage.transport.traits.lifetime is Lifetime.PROCESS:
            pytest.skip("what it creates goes with its processes")
        monkeypatch.setenv(naming.LEDGER_VARIABLE, str(tmp_path))
        with pytest.raises((OSError, TransportError)):
            stage.transport.create(stage.spec(topology))

    @pytest.mark.parametrize("spare", range(6))
    def test_out_of_descriptors(self, stage: Stage, topology: Topology, spare: int) -> None:
        """Whether it works with so few or says so, nothing is left (see `nothing_left`)."""
        with Actor(lambda: stage.transport) as actor:
            assert actor.do(create_with_spare, stage.spec(topology), spare) == set()

    @pytest.mark.parametrize("fixed", [False, True], ids=["private", "fixed"])
    def test_strangers(
        self, stage: Stage, topology: Topology, fixed: bool, free_name: str | None
    ) -> None:
        """Processes that were there before the channel attach by what the ticket says."""
        traits = stage.transport.traits
        if traits.sharing is Sharing.INHERIT:
            pytest.skip("it passes through fork alone")
        if fixed and free_name is None:
            pytest.skip("it has no names")
        spec = stage.spec(topology, name=free_name if fixed else None)
        with ExitStack() as stack:
            strangers = []
            for _ in seats(spec):
                here, there = socket.socketpair()
                stack.enter_context(here)
                strangers.append((stack.enter_context(stranger(stage.transport, there)), here))
            channel = stack.enter_context(stage.channel(spec))
            for (role, index), (actor, here) in zip(seats(spec), strangers, strict=True):
                ticket = channel.ticket(role, index)
                write_letter(here, ticket)
                ticket.close()
                actor.begin(attach)
            for actor, _ in strangers:
                actor.answer()
            if traits.carries:
                message = numbered(3, TYPICAL)
                strangers[0][0].do(send, message)
                assert strangers[-1][0].do(receive) == [message]

    def test_sharing(self, stage: Stage, topology: Topology) -> None:
        """What a sender's ticket holds is what the trait says."""
        with stage.channel(stage.spec(topology)) as channel:
            ticket = channel.ticket(*seats(stage.spec(topology))[0])
            held = (bool(ticket.fds), bool(ticket.inherited))
            ticket.close()
        assert json.loads(json.dumps(ticket.data)) == ticket.data
        sharing = stage.transport.traits.sharing
        assert held == (sharing is Sharing.DESCRIPTORS, sharing is Sharing.INHERIT)

    def test_name_taken(self, stage: Stage, topology: Topology, free_name: str | None) -> None:
        """The one who comes second changes nothing for the first."""
        spec = stage.spec(topology, name=free_name or "/no-such-thing")
        if stage.transport.traits.sharing is not Sharing.NAME:
            with pytest.raises(ValueError):
                stage.transport.create(spec)
            return
        if free_name is None:
            pytest.skip("it has no names")
        with stage.crew(topology, name=free_name) as crew:
            before, noted = set(kernel_objects()), standing()
            with pytest.raises(FileExistsError):
                stage.transport.create(spec)
            assert set(kernel_objects()) == before
            assert standing() == noted
            message = numbered(1, TYPICAL)
            assert crew.carry(message) == [message]

    def test_unlinking_again(self, stage: Stage, topology: Topology, free_name: str | None) -> None:
        """A name that was given back, and taken by somebody else, is theirs."""
        if free_name is None:
            pytest.skip("it has no names")
        spec = stage.spec(topology, name=free_name)
        with stage.channel(spec) as first:
            first.unlink()
            with stage.channel(spec):
                before = set(kernel_objects())
                first.unlink()
                assert set(kernel_objects()) == before

    def test_unlinked_early(self, stage: Stage, topology: Topology) -> None:
        """Traffic outlives the name where the trait says so, and breaks where it has one."""
        traits = stage.transport.traits
        message = numbered(1, TYPICAL)
        with stage.crew(topology) as crew:
            crew.channel.unlink()
            if not traits.carries:
                return
            if traits.unlink_early or traits.lifetime is Lifetime.PROCESS:
                assert crew.carry(message) == [message]
            else:
                with pytest.raises(PeerGone):
                    crew.senders[0].do(send, message)
                with pytest.raises(PeerGone):
                    crew.receiver.do(receive)

    def test_unlinked_under_a_receiver(self, stage: Stage, topology: Topology) -> None:
        """Where removal breaks traffic, it wakes who waits."""
        traits = stage.transport.traits
        if traits.unlink_early or traits.lifetime is Lifetime.PROCESS:
            pytest.skip("removal breaks no traffic")
        with stage.crew(topology) as crew:
            crew.receiver.begin(receive)
            assert crew.receiver.waits(0.05)
            crew.channel.unlink()
            with pytest.raises(PeerGone):
                crew.receiver.answer()

    def test_attaching_too_late(self, stage: Stage, topology: Topology) -> None:
        if (
            stage.transport.traits.sharing is not Sharing.NAME
            or stage.transport.traits.lifetime is Lifetime.PROCESS
        ):
            pytest.skip("it has no name that could be gone")
        with stage.channel(stage.spec(topology)) as channel:
            ticket = channel.ticket(*seats(stage.spec(topology))[0])
        with closing(ticket), Actor(partial(Seat, stage.transport, ticket)) as actor:
            with pytest.raises(PeerGone):
                actor.do(attach)
            assert not actor.do(opened_since_start)

    def test_nobody_comes(self, stage: Stage, topology: Topology) -> None:
        """Every seat, alone: it attaches at once, or raises TimedOut when its time is up."""
        spec = stage.spec(topology)
        for role, index in seats(spec):
            with (
                stage.channel(spec) as channel,
                closing(channel.ticket(role, index)) as ticket,
                Actor(partial(Seat, stage.transport, ticket)) as actor,
            ):
                took, held = actor.do(attach_alone, SOON)
                assert took < SOON + 2
                assert not held

    def test_one_of_two_comes(self, stage: Stage) -> None:
        """A receiver whose second sender never comes gives up in time, and lets go of the first."""
        if Topology.FAN_IN not in stage.transport.traits.topologies:
            pytest.skip("it is no fan-in")
        with (
            stage.channel(stage.spec(Topology.FAN_IN)) as channel,
            closing(channel.ticket(Role.SENDER, 0)) as first,
            closing(channel.ticket(Role.RECEIVER, 0)) as second,
            Actor(partial(Seat, stage.transport, first)) as sender,
            Actor(partial(Seat, stage.transport, second)) as receiver,
        ):
            sender.begin(attach)
            took, held = receiver.do(attach_alone, SOON)
            assert took < SOON + 2
            assert not held
            sender.kill()

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_senders_gone(self, carrier: Stage, topology: Topology, ending: str) -> None:
        """What they sent still comes; then the receiver is told, or waits for ever."""
        with carrier.crew(topology) as crew:
            for sender in crew.senders:
                sender.do(send, numbered(1, TYPICAL), numbered(2, TYPICAL))
                ENDINGS[ending](sender)
            count = 2 * len(crew.senders)
            assert len(crew.receiver.do(receive, count)) == count
            if carrier.transport.traits.peer_death is PeerDeath.REPORTED:
                for _ in range(2):
                    with pytest.raises(PeerGone):
                        crew.receiver.do(receive)
            else:
                crew.receiver.begin(receive)
                assert crew.receiver.waits(SILENCE)

    def test_senders_gone_while_waiting(self, carrier: Stage, topology: Topology) -> None:
        with carrier.crew(topology) as crew:
            crew.receiver.begin(receive)
            assert crew.receiver.waits(0.05)
            for sender in crew.senders:
                sender.kill()
            if carrier.transport.traits.peer_death is PeerDeath.REPORTED:
                with pytest.raises(PeerGone):
                    crew.receiver.answer()
            else:
                assert crew.receiver.waits(SILENCE)

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_receiver_gone(self, carrier: Stage, topology: Topology, ending: str) -> None:
        """A sender is told, perhaps a few messages later, or never."""
        with carrier.crew(topology) as crew:
            ENDINGS[ending](crew.receiver)
            for sender in crew.senders:
                if carrier.transport.traits.peer_death is PeerDeath.REPORTED:
                    with pytest.raises(PeerGone):
                        sender.do(keep_sending)
                else:
                    sender.begin(keep_sending)
                    assert sender.waits(SILENCE) or sender.answer() is None

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_one_sender_of_two_gone(self, carrier: Stage, ending: str) -> None:
        """The other's messages are not lost for it."""
        if Topology.FAN_IN not in carrier.transport.traits.topologies:
            pytest.skip("it is no fan-in")
        some = [numbered(place, TYPICAL) for place in range(10)]
        with carrier.crew(Topology.FAN_IN) as crew:
            ENDINGS[ending](crew.senders[0])
            crew.senders[1].do(send, *some)
            assert crew.receiver.do(receive, len(some)) == some

    def test_owner_killed(self, stage: Stage, topology: Topology) -> None:
        """What outlives its creator is what the trait says, and the ledger finds it all."""
        with Actor(lambda: stage.transport) as actor:
            path = actor.do(create_and_keep, stage.spec(topology))
            actor.kill()
        ledger = naming.Ledger(Path(path))
        assert [each.path for each in naming.abandoned()] == [ledger.path]
        removed = naming.remove_all(ledger)
        assert bool(removed) == (stage.transport.traits.lifetime is not Lifetime.PROCESS)

    def test_carries_nothing(self, stage: Stage, topology: Topology) -> None:
        """The null transport's promise: a whole message of whatever was there before."""
        if stage.transport.traits.carries:
            pytest.skip("it carries something")
        assert stage.transport.traits.waiting is Waiting.NONE
        with stage.crew(topology) as crew:
            assert crew.carry(numbered(1, TYPICAL)) == [bytes(TYPICAL)]


def standing() -> set[tuple[str, str]]:
    """What the run's ledger names."""
    return set(naming.standing(naming.current()))


# What actors are told to do: each runs in the actor's own process.


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


def opened_since_start(seat: Seat) -> set[Thing]:
    """What this process holds beyond what it was born with and the ticket."""
    gc.collect()
    return {*descriptors(), *mappings()} - seat.others


def held_after_closing(seat: Seat) -> set[Thing]:
    seat.endpoint.close()
    return opened_since_start(seat)


def attach_alone(seat: Seat, seconds: float) -> tuple[float, set[Thing]]:
    """How long it took to attach or to time out, and what is held after that and closing."""
    began = time.monotonic()
    try:
        seat.endpoint = seat.transport.attach(seat.ticket, began + seconds)
    except TimedOut:
        took = time.monotonic() - began
        assert took > 0.9 * seconds, f"timed out after {took} s of {seconds} s"
    else:
        took = time.monotonic() - began
        seat.endpoint.close()
    return took, opened_since_start(seat)


def keep_sending(seat: Seat) -> None:
    for _ in range(20):
        send(seat, bytes(seat.size))
        time.sleep(0.005)


def create_and_keep(transport: Transport, spec: Spec) -> str:
    """Create a channel with a ledger of this process's own; the ledger's path."""
    os.environ.pop(naming.LEDGER_VARIABLE, None)
    _kept.append(transport.create(spec))
    return str(naming.current().path)


_kept: list[Channel] = []


def create_with_spare(transport: Transport, spec: Spec, spare: int) -> set[Thing]:
    """Create with so many descriptors left; what is held after it failed, or was closed."""
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


def stranger(transport: Transport, post: socket.socket) -> Actor:
    """A process that knows nothing of a channel to come; its ticket arrives by post."""
    actor = Actor(partial(read_letter, transport, post))
    post.close()
    return actor


def write_letter(post: socket.socket, ticket: Ticket) -> None:
    """Send the ticket as text and, by SCM_RIGHTS, its descriptors (unix(7))."""
    letter = pickle.dumps((ticket.role, ticket.index, ticket.spec, json.dumps(ticket.data)))
    socket.send_fds(post, [letter], ticket.fds)


def read_letter(transport: Transport, post: socket.socket) -> Seat:
    letter, fds, _, _ = socket.recv_fds(post, 2**16, 2**6)
    role, index, spec, text = pickle.loads(letter)
    post.close()
    return Seat(transport, Ticket(role, index, spec, json.loads(text), tuple(fds)))
