"""Correct transports with one defect each, and the contract's test that must find it.

pytest does not collect this file: `test_mutants.py` runs it, and every class must fail.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ipcbench.transports.contract import (
    Channel,
    Endpoint,
    FanOut,
    Framing,
    Lifetime,
    Limits,
    PeerDeath,
    Sharing,
    Spec,
    Ticket,
    Traits,
    Transport,
    Unavailable,
    Wait,
    WouldBlock,
)
from ipcbench.transports.kernel_objects.home import PREFIX
from ipcbench.transports.registry import get
from ipcbench.transports.testing import ContractTests, actors, leaks
from tests.contract import (
    mutants_batches,
    mutants_files,
    mutants_newest,
    mutants_objects,
    mutants_passing,
    mutants_programs,
    mutants_shm,
    mutants_waiting,
)

SHORT_WAITS = "IPCBENCH_SHORT_WAITS"  # set only in the run of the mutants
if os.environ.get(SHORT_WAITS):
    actors.CALL_LIMIT = 1.0  # many mutants hang or leave objects behind
    leaks.SETTLING = 0.1


def same(thing: Any) -> Any:
    return thing


def nothing() -> None:
    pass


@dataclass
class Defective:
    """A correct transport with the given parts replaced."""

    good: Transport
    traits: Traits
    endpoint: Callable[[Any], Any] = same
    channel: Callable[[Any], Any] = same
    spec: Callable[[Spec], Spec] = same
    deadline: Callable[[float], float] = same
    before_probe: Callable[[], object] = nothing

    @property
    def name(self) -> str:
        return self.good.name

    def probe(self) -> Limits | Unavailable:
        self.before_probe()
        return self.good.probe()

    def create(self, spec: Spec) -> Channel:
        return self.channel(self.good.create(self.spec(spec)))

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return self.endpoint(self.good.attach(ticket, self.deadline(deadline)))


MUTANTS: dict[str, tuple[str, Defective]] = {}  # name -> (the test that must fail, the mutant)


def mutant(name: str, test: str, good: str, **changes: Any) -> None:
    transport = get(good)
    assert isinstance(transport, Transport)
    traits = changes.pop("traits", replace(transport.traits, native=False))  # by its Python methods
    MUTANTS[name] = (test, Defective(transport, traits, **changes))


def false_traits(name: str, test: str, good: str, **wrong: Any) -> None:
    """Declare a mutant whose traits are wrong."""
    transport = get(good)
    assert isinstance(transport, Transport)
    mutant(name, test, good, traits=replace(transport.traits, **{"native": False, **wrong}))


def sending(change: Callable[[Callable[[Any], None], int, Any], None]) -> Callable[[Any], Any]:
    """Replace `send`: `change` gets the correct one, the message's number, and the message."""

    def alter(endpoint: Any) -> Any:
        good, count = endpoint.send, 0

        def send(data: Any) -> None:
            nonlocal count
            count += 1
            change(good, count, data)

        endpoint.send = send
        return endpoint

    return alter


def loses(send: Callable[[Any], None], count: int, data: Any) -> None:
    if count != 150:
        send(data)


def doubles(send: Callable[[Any], None], count: int, data: Any) -> None:
    send(data)
    if count == 150:
        send(data)


def garbles(send: Callable[[Any], None], count: int, data: Any) -> None:
    send(bytes([data[0] ^ 1]) + bytes(data[1:]) if count == 150 else data)


_held: list[Any] = []


def swaps(send: Callable[[Any], None], count: int, data: Any) -> None:
    _held.append(bytes(data))
    if count % 2 == 0:
        send(_held.pop())
        send(_held.pop())


def keeps(send: Callable[[Any], None], count: int, data: Any) -> None:
    """Send every second message late, from the buffer that the caller may have written again."""
    _held.append(data)
    if count % 2 == 0:
        first, second = _held.pop(), _held.pop()
        send(second)
        send(first)


def cuts(send: Callable[[Any], None], count: int, data: Any) -> None:
    send(data[:64])


def tears(send: Callable[[Any], None], count: int, data: Any) -> None:
    """Write in two calls, so that messages of several senders mix."""
    send(data[:100])
    if count % 20 == 0:
        time.sleep(0.001)  # long enough for another process to act in between
    send(data[100:])


def blocks(endpoint: Any) -> Any:
    good = endpoint.recv_into

    def recv_into(buffer: memoryview) -> int:
        while True:
            try:
                return int(good(buffer))
            except WouldBlock:
                continue

    endpoint.recv_into = recv_into
    return endpoint


def never_closes(thing: Any) -> Any:
    thing.close = lambda: None
    return thing


def never_unlinks(channel: Any) -> Any:
    channel.unlink = lambda: None
    return channel


def opens_to_all(channel: Any) -> Any:
    for path in Path("/dev/shm").glob(f"*{PREFIX}*"):
        path.chmod(0o666)
    return channel


def survives_exec(endpoint: Any) -> Any:
    for fd in (*endpoint._reading, *endpoint._writing):
        os.set_inheritable(fd, True)
    return endpoint


def takes_over(spec: Spec) -> Spec:
    if spec.name is not None:
        for path in Path("/dev/shm").glob(f"*{spec.name[1:]}*"):
            path.unlink()
    return spec


def answers_another(endpoint: Any) -> Any:
    if hasattr(endpoint, "send_to"):
        good = endpoint.send_to
        endpoint.send_to = lambda index, data: good((index + 1) % 3, data)
    return endpoint


def names_another(endpoint: Any) -> Any:
    if hasattr(endpoint, "recv_from"):
        good = endpoint.recv_from
        endpoint.recv_from = lambda buffer: (good(buffer) + 1) % 3
    return endpoint


def starves(endpoint: Any) -> Any:
    """Serve the first client as long as it sends, and the others afterwards."""
    if hasattr(endpoint, "recv_from"):
        good, aside, served = endpoint.recv_from, [], 0

        def recv_from(buffer: memoryview) -> int:
            nonlocal served
            while served < 1000:
                index: int = good(buffer)
                if index == 0:
                    served += 1
                    return index
                aside.append((index, bytes(buffer)))
            if aside:
                index, buffer[:] = aside.pop(0)
                return index
            return int(good(buffer))

        endpoint.recv_from = recv_from
    return endpoint


def reads_halves(endpoint: Any) -> Any:
    """Read in two calls, so that two receivers share a message."""
    good = endpoint.recv_into

    def recv_into(buffer: memoryview) -> int:
        half = len(buffer) // 2
        received = int(good(buffer[:half]))
        time.sleep(0.0005)  # long enough for another process to act in between
        return received + int(good(buffer[half:]))

    endpoint.recv_into = recv_into
    return endpoint


def states_more(endpoint: Any) -> Any:
    """State one message more than the channel holds."""
    kind = type(endpoint)
    more = property(lambda self: kind.in_flight.fget(self) + 64)
    endpoint.__class__ = type(kind.__name__, (kind,), {"in_flight": more})
    return endpoint


def states_overhead(endpoint: Any) -> Any:
    """State the size of the socket's buffer, in which the kernel counts its own overhead."""
    kind = type(endpoint)
    buffer = endpoint._connections[0].getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    endpoint.__class__ = type(kind.__name__, (kind,), {"in_flight": buffer})
    return endpoint


def counts_more(endpoint: Any) -> Any:
    endpoint.depth += 1
    return endpoint


SHM = "shm:posix+posix-sem"

mutant("loses", "test_order_and_content", "pipe", endpoint=sending(loses))
mutant("doubles", "test_order_and_content", "pipe", endpoint=sending(doubles))
mutant("garbles", "test_order_and_content", SHM, endpoint=sending(garbles))
mutant("keeps", "test_a_buffer_that_is_written_again", SHM, endpoint=sending(keeps))
mutant("swaps", "test_order_and_content", SHM, endpoint=sending(swaps))
mutant("cuts", "test_longer_than_the_spec", SHM, endpoint=sending(cuts))
mutant("cuts large ones", "test_size", SHM, endpoint=sending(cuts))
mutant("tears", "test_two_senders_at_once", "pipe", endpoint=sending(tears))
mutant("waits", "test_full_and_drained", "pipe", endpoint=blocks)
mutant(
    "spins",
    "test_waits_as_its_traits_say",
    "pipe",
    spec=lambda s: replace(s, nowait=True),
    endpoint=blocks,
)
mutant("depth is ignored", "test_depth", SHM, spec=lambda s: replace(s, depth=5))
mutant("states more", "test_bytes_in_flight", "unix-seqpacket", endpoint=states_more)
mutant("states overhead", "test_bytes_in_flight", "unix-stream", endpoint=states_overhead)
mutant("counts more", "test_bytes_in_flight", "unix-dgram", endpoint=counts_more)
mutant("endpoint keeps", "test_closed_seat_holds_nothing", "unix-stream", endpoint=never_closes)
mutant("endpoint stays", "test_endpoint_closed", "pipe", endpoint=never_closes)
mutant("channel keeps", "test_closing_twice", "pipe", channel=never_closes)
mutant("channel stays", "test_senders_gone", "pipe", channel=never_closes)
mutant("object stays", "test_closing_twice", "sysv-queue", channel=never_unlinks)
mutant("file stays", "test_closing_twice", "unix-stream", channel=never_unlinks)
mutant("open to all", "test_private_objects", SHM, channel=opens_to_all)
mutant("inherited by exec", "test_descriptors_close_on_exec", "pipe", endpoint=survives_exec)
mutant("takes over", "test_name_taken", SHM, spec=takes_over)
mutant("no deadline", "test_alone", "unix-stream", deadline=lambda _: float(2**31))
mutant("gives up at once", "test_alone", "unix-stream", deadline=lambda _: 0.0)
mutant("probe leaves", "test_probe", "null", before_probe=lambda: _held.append(os.pipe()))
mutant(
    "answers another",
    "test_every_reply_to_its_own_client",
    "unix-stream",
    endpoint=answers_another,
)
mutant("names another", "test_every_reply_to_its_own_client", "pipe", endpoint=names_another)
mutant("starves", "test_busy_client_starves_no_other", "unix-stream", endpoint=starves)
mutant("deals twice", "test_receivers_of_each_message", "pipe", endpoint=sending(doubles))
mutant("reads halves", "test_receivers_of_each_message", "pipe", endpoint=reads_halves)
mutant("polls not", "test_waits_in_poll", "pipe", spec=lambda s: replace(s, wait=Wait.BLOCK))
mutant(
    "polls all", "test_poll_is_refused", "sysv-queue", spec=lambda s: replace(s, wait=Wait.BLOCK)
)
false_traits("deals to all", "test_receivers_of_each_message", "pipe", fan_out=FanOut.BROADCAST)
false_traits("deals to none", "test_fan_out_is_a_topology", "pipe", fan_out=FanOut.NONE)
false_traits("no stream", "test_buffer_too_small", "pipe", framing=Framing.MESSAGE)
false_traits("a stream", "test_stream_has_no_boundaries", SHM, framing=Framing.STREAM)
false_traits("zero length", "test_size", "pipe", zero_length=True)
false_traits("no zero length", "test_size", SHM, zero_length=False)
false_traits("pollable", "test_pollable", "sysv-queue", pollable=True)
false_traits("pollable ring", "test_waits_in_poll", SHM, pollable=True)
false_traits("not pollable", "test_pollable", "pipe", pollable=False)
false_traits("silent", "test_senders_gone", "pipe", peer_death=PeerDeath.SILENT)
false_traits("reported", "test_senders_gone", "sysv-queue", peer_death=PeerDeath.REPORTED)
false_traits("by descriptors", "test_sharing", SHM, sharing=Sharing.DESCRIPTORS)
false_traits("by name", "test_sharing", "pipe", sharing=Sharing.NAME)
false_traits("goes with its process", "test_owner_killed", SHM, lifetime=Lifetime.PROCESS)
false_traits("outlives", "test_owner_killed", "pipe", lifetime=Lifetime.KERNEL)
false_traits("nameless", "test_unlinked_early", "sysv-queue", unlink_early=True)
false_traits("named", "test_unlinked_early", SHM, unlink_early=False)
false_traits("attaches alone", "test_both_ends_in_one_process", "fifo", attach_waits=False)
false_traits("waits to attach", "test_both_ends_in_one_process", "pipe", attach_waits=True)
false_traits("spinning", "test_waits_as_its_traits_say", "pipe", waiting=Wait.SPIN)
false_traits("deep", "test_depth", "pipe", depth=True)
false_traits("carries nothing", "test_carries_nothing", "pipe", carries=False)
false_traits("carries", "test_order_and_content", "null", carries=True)
false_traits("native", "test_native_operations", "mp-pipe", native=True)
false_traits("not native", "test_native_operations", "pipe", native=False)
false_traits("batches", "test_batches", "posix-queue", native=True, batch=True)
false_traits("no batches of the kernel", "test_batches", "unix-dgram", native=True, batch=False)
false_traits("no batches", "test_batches", "shm:posix+futex", native=True, batch=False)
mutants_shm.declare(mutant, false_traits)
mutants_batches.declare(mutant)
mutants_waiting.declare(mutant, false_traits)
mutants_passing.declare(mutant, false_traits)
mutants_objects.declare(mutant, false_traits)
mutants_files.declare(mutant)
mutants_newest.declare(mutant, false_traits)
mutants_programs.declare(mutant, false_traits)


for _name, (_test, _mutant) in MUTANTS.items():
    _key = f"Test-{_name}".replace(" ", "-")
    globals()[_key] = type(_key, (ContractTests,), {"transport": _mutant})
