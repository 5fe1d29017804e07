"""Packet pipes, pipe2(2) with O_DIRECT: pipes that keep the boundaries of messages."""

from __future__ import annotations

import fcntl
import io
import mmap
import os
import select
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ipcbench.transports.base import (
    PlainChannel,
    PlainEndpoint,
    check_message,
    check_spec,
    close_all,
    duplicate_all,
    translate,
    waiting_receive,
)
from ipcbench.transports.contract import (
    Family,
    FanOut,
    Framing,
    Limit,
    Limits,
    MessageTooLarge,
    PeerDeath,
    PeerGone,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Wait,
    WouldBlock,
)
from ipcbench.transports.native import not_built

_packets: Any = None
_missing: Unavailable | None = None
try:
    _packets = import_module("_packets")
except ImportError as error:  # the extension is optional: pyproject.toml
    _missing = not_built("ipcbench-packet-pipe", error)

TRAITS = Traits(
    family=Family.PIPE,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.FAN_OUT}),
    fan_out=FanOut.COMPETE,  # a packet goes to one reader
    peer_death=PeerDeath.REPORTED,  # end of file, EPIPE
    sharing=Sharing.DESCRIPTORS,
    zero_length=False,  # a write(2) of no bytes makes no packet
    pollable=True,
    copies=2,  # into the kernel's page, and out of it
    native=True,  # section 7
)

# A longer message is divided into several packets: pipe(2), O_DIRECT.
PACKET = Limit("message", select.PIPE_BUF, "PIPE_BUF, pipe(2)")

# The channel's pipe that a seat reads from, and the one it writes to: 0 leads to the server.
READS = {Role.SERVER: 0, Role.RECEIVER: 0, Role.CLIENT: 1}
WRITES = {Role.CLIENT: 0, Role.SENDER: 0, Role.SERVER: 1}


def _pipe() -> tuple[int, int]:
    """Create a pipe: its reading and its writing end. Raises: Unavailable."""
    try:
        return os.pipe2(os.O_CLOEXEC | os.O_DIRECT)
    except OSError as error:
        raise Unavailable(f"pipe2(2) with O_DIRECT fails: {error.strerror}") from error


class PacketPipeChannel(PlainChannel):
    """The owner's channel, with both ends of each pipe until all processes have attached."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self._pipes: list[tuple[int, int]] = []
        try:
            for _ in range(2 if spec.topology is Topology.LINK else 1):
                self._pipes.append(_pipe())
        except BaseException:
            self.close()
            raise

    def _ticket(self, role: Role, index: int) -> Ticket:
        ends = []
        if role in READS:
            ends.append(self._pipes[READS[role]][0])
        if role in WRITES:
            ends.append(self._pipes[WRITES[role]][1])
        # Copies, which the ticket owns, of these ends only: while any process has a writing end
        # open, the reader gets no end of file.
        return Ticket(role, index, self._spec, fds=duplicate_all(ends))

    def _close(self) -> None:
        for pipe in self._pipes:
            close_all(pipe)


class PacketPipeEndpoint(PlainEndpoint):
    """One process's end. It owns the descriptors of its ticket and closes them."""

    def __init__(self, ticket: Ticket) -> None:
        self._spec = spec = ticket.spec
        self._fds = fds = ticket.take_fds()
        self._in = fds[0] if ticket.role in READS else -1
        self._out = fds[-1] if ticket.role in WRITES else -1
        # Messages that fit before a sender waits: a packet takes a page of the pipe.
        self.depth = fcntl.fcntl(fds[0], fcntl.F_GETPIPE_SZ) // mmap.PAGESIZE
        for fd in fds:
            os.set_blocking(fd, not spec.nowait)
        # Functions bound to their descriptors, so that the timed loop looks nothing up. A seat
        # of one direction keeps the default for the other one, which raises TypeError.
        if ticket.role in READS:
            self.recv_into = waiting_receive(_receiver(fds[0], spec.size), fds[0], spec)
        if ticket.role in WRITES:
            self.send = _sender(fds[-1])

    def prepare(self, data: memoryview) -> Any:
        """Check a message before the loop, so that `send` need not."""
        check_message(data, self._spec, empty=False)  # a packet has 1 byte or more
        return data

    def native(self) -> object | None:
        """Make operations over the same descriptors, for compiled loops."""
        if _packets is None:
            return None
        polls = self._spec.wait is Wait.POLL
        made: object = _packets.operations(self, self._in, self._out, polls, self._spec.nowait)
        return made

    def _close(self) -> None:
        close_all(self._fds)


def _sender(fd: int) -> Any:
    write, most = os.write, select.PIPE_BUF

    def send(data: Any, /) -> None:
        if len(data) > most:  # what `prepare` has not seen: the kernel would divide it silently
            raise MessageTooLarge(f"send: {len(data)} bytes, of {most} at most")
        try:
            write(fd, data)  # a packet is written whole or not at all
        except OSError as error:  # EPIPE, EAGAIN; without an error, `try` takes no time
            raise translate(error, "send") from error

    return send


def _receiver(fd: int, size: int) -> Any:
    readinto = io.FileIO(fd, closefd=False).readinto  # os.read would allocate

    def recv_into(buffer: memoryview, /) -> int:
        try:
            if len(buffer) == size:
                received = readinto(buffer)
            else:  # one byte more: read(2) truncates a longer packet silently
                received = os.readv(fd, [buffer, bytearray(1)])
        except OSError as error:
            raise translate(error, "receive") from error
        if received != size:
            if received is None:  # FileIO's result for EAGAIN
                raise WouldBlock("receive: there is no message")
            if received == 0:
                raise PeerGone("receive: end of file")
            if received > len(buffer):
                raise MessageTooLarge(f"receive: more than {len(buffer)} bytes")
        return received

    return recv_into


@dataclass(frozen=True, slots=True)
class PacketPipe:
    """The transport, to which the entry point refers. It has no state of its own."""

    name: str = "packet-pipe"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        """Try it: a kernel may accept the flag and keep no boundaries."""
        try:
            ends = _pipe()
        except Unavailable as reason:
            return reason
        try:
            os.write(ends[1], b"one")
            os.write(ends[1], b"two")
            if os.read(ends[0], 6) != b"one":
                return Unavailable("pipes have no packet mode here: O_DIRECT is ignored")
            return Limits(message=PACKET, native=_missing)
        finally:
            close_all(ends)

    def create(self, spec: Spec) -> PacketPipeChannel:
        check_spec(self, spec, PACKET.value)
        return PacketPipeChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> PacketPipeEndpoint:
        return PacketPipeEndpoint(ticket)
