"""Tests of the life of a channel: closing, unlinking, time-outs, peers that end."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from warnings import catch_warnings, simplefilter

import pytest

from ipcbench.transports.contract import (
    Channel,
    Closed,
    Lifetime,
    PeerDeath,
    PeerGone,
    Role,
    Sharing,
    Spec,
    TimedOut,
    Topology,
    Transport,
    Wait,
)
from ipcbench.transports.kernel_objects.ledger import (
    LEDGER_VARIABLE,
    Ledger,
    abandoned,
    current,
    remove_all,
)
from ipcbench.transports.testing.actors import Actor
from ipcbench.transports.testing.leaks import Thing, descriptors, mappings
from ipcbench.transports.testing.participants import (
    Seat,
    attach,
    close,
    depth,
    numbered,
    receive,
    seats,
    send,
)
from ipcbench.transports.testing.subject import TYPICAL, Subject

SOON = 0.25  # seconds: a deadline that a test waits out
SILENCE = 0.25  # seconds after which an end is not expected to be reported

ENDINGS: dict[str, Callable[[Actor], None]] = {
    "closed": lambda actor: actor.do(close),
    "killed": Actor.kill,
}


class LifecycleTests:
    """Tests of every transport, the null transport included."""

    def test_closing_twice(self, subject: Subject, topology: Topology) -> None:
        with subject.channel(subject.spec(topology)) as channel:
            channel.close()
            channel.close()
            with pytest.raises(Closed):
                channel.ticket(*seats(subject.spec(topology))[0])
            channel.unlink()
            channel.unlink()

    def test_endpoint_closed(self, either: Subject, topology: Topology) -> None:
        with either.participants(topology) as participants:
            for actor in participants.actors:
                actor.do(close)
                actor.do(close)
                with pytest.raises(Closed):
                    actor.do(send, bytes(TYPICAL))
                with pytest.raises(Closed):
                    actor.do(receive)

    def test_with_statements(self, either: Subject, topology: Topology) -> None:
        """They close an end or a channel, and remove the channel's objects."""
        spec = either.spec(topology)
        with either.transport.create(spec) as channel:
            assert isinstance(channel, Channel)
        with pytest.raises(Closed):
            channel.ticket(*seats(spec)[0])
        with either.participants(topology) as participants:
            for actor in participants.actors:
                assert actor.do(held_after_with) == set()
                with pytest.raises(Closed):
                    actor.do(receive)

    def test_closed_seat_holds_nothing(self, either: Subject, topology: Topology) -> None:
        """No descriptor and no mapping is left in a process that has closed its end."""
        with either.participants(topology) as participants:
            for actor in participants.actors:
                assert actor.do(held_after_closing) == set()

    def test_dropped_seat_maps_nothing(self, either: Subject, topology: Topology) -> None:
        """A mapping goes with the last reference to an end that nobody has closed."""
        with either.participants(topology) as participants:
            for actor in participants.actors:
                assert actor.do(mapped_after_dropping) == set()

    def test_unlinked_early(self, either: Subject, topology: Topology) -> None:
        """Traffic continues without the name where the trait says so, and else ends.

        It ends for a process that waits, for one that wakes another, and for one that fills
        the channel. A ring makes no call into the kernel for other messages, so they still
        arrive. Where each message is a call, it ends at once.
        """
        traits = either.transport.traits
        message = numbered(1, TYPICAL)
        with either.participants(topology) as participants:
            participants.channel.unlink()
            if not traits.carries:
                return
            if traits.unlink_early or traits.lifetime is Lifetime.PROCESS:
                assert participants.carry(message) == [message]
                return
            if either.calls_for_each:
                with pytest.raises(PeerGone):
                    participants.senders[0].do(send, message)
            for receiver in participants.receivers:
                with pytest.raises(PeerGone):
                    receiver.do(receive)
            with pytest.raises(PeerGone):
                participants.senders[0].do(send, message)
            for sender in participants.senders:
                with pytest.raises(PeerGone):
                    sender.do(send, *[message] * ((sender.do(depth) or 0) + 1))

    def test_unlinked_under_a_receiver(self, either: Subject, topology: Topology) -> None:
        """Removal that ends the traffic wakes a waiting receiver, and a sender finds it out."""
        traits = either.transport.traits
        if traits.unlink_early or traits.lifetime is Lifetime.PROCESS:
            pytest.skip("removal does not end the traffic")
        if not traits.carries:
            pytest.skip("it carries nothing")
        with either.participants(topology) as participants:
            participants.receiver.begin(receive)
            assert participants.receiver.waits(0.05)
            participants.channel.unlink()
            with pytest.raises(PeerGone):
                participants.receiver.answer()
            with pytest.raises(PeerGone):
                participants.senders[0].do(send, numbered(1, TYPICAL))

    def test_attaching_too_late(self, subject: Subject, topology: Topology) -> None:
        if (
            subject.transport.traits.sharing is not Sharing.NAME
            or subject.transport.traits.lifetime is Lifetime.PROCESS
        ):
            pytest.skip("it has no name that could be removed")
        with subject.channel(subject.spec(topology)) as channel:
            ticket = channel.ticket(*seats(subject.spec(topology))[0])
        with closing(ticket), Actor(partial(Seat, subject.transport, ticket)) as actor:
            with pytest.raises(PeerGone):
                actor.do(attach)
            assert not actor.do(opened_since_start)

    def test_alone(self, subject: Subject, topology: Topology) -> None:
        """A seat alone attaches at once, or raises TimedOut at its deadline."""
        spec = subject.spec(topology)
        for role, index in seats(spec):
            with (
                subject.channel(spec) as channel,
                closing(channel.ticket(role, index)) as ticket,
                Actor(partial(Seat, subject.transport, ticket)) as actor,
            ):
                took, held = actor.do(attach_alone, SOON)
                assert took < SOON + 2
                assert not held

    def test_one_sender_of_two_attaches(self, subject: Subject) -> None:
        """Without its second sender, a receiver times out and closes the first connection."""
        if Topology.FAN_IN not in subject.transport.traits.topologies:
            pytest.skip("it cannot be a fan-in")
        with (
            subject.channel(subject.spec(Topology.FAN_IN)) as channel,
            closing(channel.ticket(Role.SENDER, 0)) as first,
            closing(channel.ticket(Role.RECEIVER, 0)) as second,
            Actor(partial(Seat, subject.transport, first)) as sender,
            Actor(partial(Seat, subject.transport, second)) as receiver,
        ):
            sender.begin(attach)
            took, held = receiver.do(attach_alone, SOON)
            assert took < SOON + 2
            assert not held
            sender.kill()

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_senders_gone(self, carrier: Subject, topology: Topology, ending: str) -> None:
        """Messages sent before still arrive; then PeerGone is raised, or the receiver waits."""
        if carrier.transport.traits.delayed and ending == "killed":
            pytest.skip("messages that it has not written are lost with it")
        with carrier.participants(topology) as participants:
            synchronous = carrier.transport.traits.synchronous
            for sender in participants.senders:
                sender.begin(send, numbered(1, TYPICAL), numbered(2, TYPICAL))
                if synchronous:
                    assert len(participants.receiver.do(receive, 2)) == 2
                sender.answer()
                ENDINGS[ending](sender)
            count = 0 if synchronous else 2 * len(participants.senders)
            assert len(participants.receiver.do(receive, count)) == count
            if carrier.transport.traits.peer_death is PeerDeath.REPORTED:
                for _ in range(2):
                    with pytest.raises(PeerGone):
                        participants.receiver.do(receive)
            else:
                participants.receiver.begin(receive)
                assert participants.receiver.waits(SILENCE)

    def test_sender_killed_before_it_is_received(
        self, carrier: Subject, topology: Topology
    ) -> None:
        """The message of a sender that waits for its receiver arrives whole, or not at all."""
        if not carrier.transport.traits.synchronous:
            pytest.skip("its sender does not wait for the receiver")
        message = numbered(1, TYPICAL)
        with carrier.participants(topology) as participants:
            participants.senders[0].begin(send, message)
            assert participants.senders[0].waits(0.1)
            participants.senders[0].kill()
            with suppress(PeerGone):
                assert participants.receiver.do(receive) == [message]
            with pytest.raises(PeerGone):
                participants.receiver.do(receive)

    def test_senders_gone_while_waiting(self, carrier: Subject, topology: Topology) -> None:
        with carrier.participants(topology) as participants:
            participants.receiver.begin(receive)
            assert participants.receiver.waits(0.05)
            for sender in participants.senders:
                sender.kill()
            if carrier.transport.traits.peer_death is PeerDeath.REPORTED:
                with pytest.raises(PeerGone):
                    participants.receiver.answer()
            else:
                assert participants.receiver.waits(SILENCE)

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_receiver_gone(self, carrier: Subject, topology: Topology, ending: str) -> None:
        """A sender gets PeerGone, perhaps a few messages later, or never."""
        with carrier.participants(topology) as participants:
            for receiver in participants.receivers:
                ENDINGS[ending](receiver)
            for sender in participants.senders:
                if carrier.transport.traits.peer_death is PeerDeath.REPORTED:
                    with pytest.raises(PeerGone):
                        sender.do(keep_sending)
                else:
                    sender.begin(keep_sending)
                    with suppress(
                        PeerGone
                    ):  # a datagram's sender gets an error, its receiver never
                        assert sender.waits(SILENCE) or sender.answer() is None

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_one_sender_of_two_gone(self, carrier: Subject, ending: str) -> None:
        """The messages of the other sender are not lost."""
        if Topology.FAN_IN not in carrier.transport.traits.topologies:
            pytest.skip("it cannot be a fan-in")
        some = [numbered(place, TYPICAL) for place in range(10)]
        with carrier.participants(Topology.FAN_IN) as participants:
            ENDINGS[ending](participants.senders[0])
            participants.senders[1].do(send, *some)
            assert participants.receiver.do(receive, len(some)) == some

    def test_owner_killed(self, subject: Subject, topology: Topology) -> None:
        """Objects outlive their creator as the trait says, and all stand in the ledger."""
        with Actor(lambda: subject.transport) as actor:
            path = actor.do(create_and_keep, subject.spec(topology))
            actor.kill()
        ledger = Ledger(Path(path))
        assert [each.path for each in abandoned()] == [ledger.path]
        removed = remove_all(ledger)
        assert bool(removed) == (subject.transport.traits.lifetime is not Lifetime.PROCESS)

    def test_carries_nothing(self, either: Subject, topology: Topology) -> None:
        """The null transport: a whole message of the bytes that were in the buffer."""
        if either.transport.traits.carries:
            pytest.skip("it carries something")
        if topology in (Topology.SIGNAL, Topology.GUARD, Topology.FILE):
            pytest.skip("signals, guards and files carry nothing")
        assert either.transport.traits.waiting is Wait.NONE
        with either.participants(topology) as participants:
            assert participants.carry(numbered(1, TYPICAL)) == [bytes(TYPICAL)]


# The functions below run in the process of an actor.


def opened_since_start(seat: Seat) -> set[Thing]:
    """Return the descriptors and mappings beyond the inherited ones and the ticket's."""
    gc.collect()
    return {*descriptors(), *mappings()} - seat.others


def held_after_closing(seat: Seat) -> set[Thing]:
    seat.endpoint.close()
    return opened_since_start(seat)


def held_after_with(seat: Seat) -> set[Thing]:
    with seat.endpoint as entered:
        assert entered is seat.endpoint
    return opened_since_start(seat)


def mapped_after_dropping(seat: Seat) -> set[Thing]:
    with catch_warnings():
        simplefilter("ignore", ResourceWarning)  # Python reports a socket that was not closed
        del seat.endpoint
        gc.collect()  # calls refer to each other
    return opened_since_start(seat) & mappings()


def attach_alone(seat: Seat, seconds: float) -> tuple[float, set[Thing]]:
    """Attach and close; return the time that `attach` took, and what is still held."""
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
    """Create a channel with a ledger of this process's own; return the ledger's path."""
    os.environ.pop(LEDGER_VARIABLE, None)
    _kept.append(transport.create(spec))
    return str(current().path)


_kept: list[Channel] = []
