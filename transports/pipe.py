"""pipe(2): a one-way stream of bytes; a link is two of them."""

from __future__ import annotations

import fcntl
import io
import os
import select
from dataclasses import dataclass
from typing import Any

from transports.checks import check_seat, check_spec
from transports.contract import (
    Closed,
    Endpoint,
    Family,
    FanOut,
    Framing,
    Lifetime,
    Limit,
    Limits,
    PeerDeath,
    PeerGone,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Waiting,
    WouldBlock,
)
from transports.defaults import PlainChannel, PlainEndpoint, closed, forbidden, translated
from transports.descriptors import close_all, duplicate_all, read_rest, write_rest

TRAITS = Traits(
    family=Family.PIPE,
    framing=Framing.STREAM,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN}),
    fan_out=FanOut.NONE,
    peer_death=PeerDeath.REPORTED,
    sharing=Sharing.DESCRIPTORS,
    lifetime=Lifetime.PROCESS,
    waiting=Waiting.BLOCKING,
    zero_length=False,
    pollable=True,
    copies=2,  # into the kernel's pages, and out of them
)

# Writes of up to PIPE_BUF bytes are atomic, larger ones of several writers may
# interleave (pipe(7)): a stream framed by size would then come apart.
ATOMIC = Limit("atomic write", select.PIPE_BUF, "PIPE_BUF, pipe(7)")


class PipeEndpoint(PlainEndpoint):
    def __init__(self, ticket: Ticket) -> None:
        reading = writing = None
        if ticket.role is Role.SENDER:
            (writing,) = ticket.take_fds()
        elif ticket.role is Role.RECEIVER:
            (reading,) = ticket.take_fds()
        else:
            reading, writing = ticket.take_fds()
        self._fds = tuple(fd for fd in (reading, writing) if fd is not None)
        for fd in self._fds:
            os.set_blocking(fd, not ticket.spec.nowait)
        size = ticket.spec.size
        self.send: Any = forbidden("a receiver sends nothing")
        self.recv_into: Any = forbidden("a sender receives nothing")
        if writing is not None:
            self.send = _sender(writing, size)
        if reading is not None:
            self.recv_into = _receiver(reading, size)

    def close(self) -> None:
        fds, self._fds = self._fds, ()
        self.send = self.recv_into = closed
        close_all(fds)


def _sender(fd: int, size: int) -> Any:
    write = os.write  # compared with the spec's size: `len` would cost a tenth of the call

    def send(data: Any, /) -> None:
        try:
            sent = write(fd, data)
        except OSError as error:
            raise translated(error, "send") from error
        if sent != size:
            write_rest(fd, memoryview(data), sent)

    return send


def _receiver(fd: int, size: int) -> Any:
    # readinto is a read(2) into the caller's buffer: os.read would allocate,
    # os.readv would want a list.
    readinto = io.FileIO(fd, closefd=False).readinto

    def recv_into(buffer: memoryview, /) -> int:
        try:
            received = readinto(buffer)
        except OSError as error:
            raise translated(error, "receive") from error
        if received != size:
            if received is None:
                raise WouldBlock("receive: nothing is there")
            if received == 0:
                raise PeerGone("receive: end of file")
            return read_rest(fd, buffer, received)
        return received

    return recv_into


class PipeChannel(PlainChannel):
    """One pipe for each direction: `_pipes` holds (reading, writing) descriptors."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        directions = 2 if spec.topology is Topology.LINK else 1
        self._pipes: list[tuple[int, int]] = []
        try:
            for _ in range(directions):
                self._pipes.append(os.pipe2(os.O_CLOEXEC))
        except OSError as error:
            self.close()
            raise _unavailable(error) from error

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if not self._pipes:
            raise Closed("the channel is closed")
        forth, back = self._pipes[0], self._pipes[-1]
        ends = {
            Role.CLIENT: (back[0], forth[1]),
            Role.SERVER: (forth[0], back[1]),
            Role.SENDER: (forth[1],),
            Role.RECEIVER: (forth[0],),
        }[role]
        return Ticket(role, index, self._spec, fds=duplicate_all(ends))

    def close(self) -> None:
        pipes, self._pipes = self._pipes, []
        for pipe in pipes:
            close_all(pipe)


def _unavailable(error: OSError) -> Unavailable:
    return Unavailable(f"pipe(2) fails: {error.strerror}", "ulimit -n 1024")


@dataclass(frozen=True, slots=True)
class Pipe:
    name: str = "pipe"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        try:
            reading, writing = os.pipe2(os.O_CLOEXEC)
        except OSError as error:
            return _unavailable(error)
        try:
            capacity = fcntl.fcntl(writing, fcntl.F_GETPIPE_SZ)
        finally:
            close_all((reading, writing))
        return Limits(
            message=Limit("message", None, "a stream has no bound"),
            fan_in_message=ATOMIC,
            others=(Limit("capacity", capacity, "F_GETPIPE_SZ, pipe(7)", "fcntl F_SETPIPE_SZ"),),
        )

    def create(self, spec: Spec) -> PipeChannel:
        check_spec(self, spec, ATOMIC.value if spec.topology is Topology.FAN_IN else None)
        return PipeChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return PipeEndpoint(ticket)
