"""pipe(2): a one-way stream of bytes; a link is two of them, a hub two for each client."""

from __future__ import annotations

import fcntl
import os
import re
import select
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipcbench.transports.base.defaults import (
    PlainChannel,
    PlainEndpoint,
    check_seat,
    check_spec,
    closed,
    forbidden,
)
from ipcbench.transports.base.descriptors import close_all, duplicate_all, reader, writer
from ipcbench.transports.base.multiplexing import Gatherer, polled
from ipcbench.transports.base.os_errors import refused
from ipcbench.transports.contract import (
    Closed,
    Endpoint,
    Family,
    FanOut,
    Framing,
    Lifetime,
    Limit,
    Limits,
    PeerDeath,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Waiting,
)
from ipcbench.transports.native import operations

TRAITS = Traits(
    family=Family.PIPE,
    framing=Framing.STREAM,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.FAN_OUT, Topology.HUB}),
    fan_out=FanOut.COMPETE,
    peer_death=PeerDeath.REPORTED,
    sharing=Sharing.DESCRIPTORS,
    lifetime=Lifetime.PROCESS,
    waiting=Waiting.BLOCKING,
    zero_length=False,
    pollable=True,
    copies=2,  # into the kernel's pages, and out of them
    native=True,
)

# Writes of up to PIPE_BUF bytes are atomic, larger ones of several writers may
# interleave (pipe(7)): a stream framed by size would then come apart.
ATOMIC = Limit("atomic write", select.PIPE_BUF, "PIPE_BUF, pipe(7)")

# The same bound for several readers. A read takes the pipe's lock once, for all that
# it finds (fs/pipe.c, pipe_read), so it finds whole messages where writes are atomic
# and all have one size; POSIX says of read() that it is meant to be so. Beyond
# PIPE_BUF a reader was seen to find half a message in one of 30 reads.
COMPETED = Limit("atomic write", select.PIPE_BUF, "PIPE_BUF, pipe(7)")

DEFAULT_CAPACITY = 16 * os.sysconf("SC_PAGE_SIZE")  # pipe(7)

_UNITS = {"": 1, "K": 1024, "M": 1024**2}


class PipeEndpoint(PlainEndpoint):
    """The ends of pipes, or of FIFOs, that one seat holds: it closes them."""

    def __init__(self, reading: Sequence[int], writing: Sequence[int], ticket: Ticket) -> None:
        self._fds = (*reading, *writing)
        self._ends = tuple(reading), tuple(writing)
        self._spec = ticket.spec
        self._gatherer: Gatherer | None = None
        self.send: Any = forbidden("a receiver sends nothing")
        self.recv_into: Any = forbidden("a sender receives nothing")
        try:
            self._wire(reading, writing, ticket)
        except BaseException:
            self.close()
            raise

    def _wire(self, reading: Sequence[int], writing: Sequence[int], ticket: Ticket) -> None:
        spec = ticket.spec
        for fd in self._fds:
            os.set_blocking(fd, not spec.nowait)
        senders = [writer(fd, spec.size) for fd in writing]
        receivers = {fd: reader(fd, spec.size) for fd in reading}
        if spec.topology is Topology.HUB and ticket.role is Role.SERVER:
            self._gatherer = Gatherer(receivers, nowait=spec.nowait)
            self.send = forbidden("a hub says to whom: send_to")
            self.recv_into = self._gatherer.recv_into
            self.recv_from: Any = self._gatherer.recv_from
            self.send_to: Any = lambda index, data: senders[index](data)
            return
        if senders:
            (self.send,) = senders
        if receivers:
            ((fd, receive),) = receivers.items()
            self.recv_into = polled(fd, receive, nowait=spec.nowait) if spec.poll else receive

    def native(self) -> object | None:
        if operations is None:
            return None
        spec = self._spec
        epoll = -1 if self._gatherer is None else self._gatherer.fileno()
        return operations.pipes(self, *self._ends, spec.size, epoll, spec.poll, spec.nowait)  # type: ignore[no-any-return]

    def close(self) -> None:
        fds, self._fds = self._fds, ()
        self.send = self.recv_into = self.recv_from = self.send_to = closed
        if self._gatherer is not None:
            self._gatherer.close()
        close_all(fds)


def pipes_of(spec: Spec) -> int:
    """How many a channel needs: forth and back for each client, or one in all."""
    one_way = spec.topology in (Topology.FAN_IN, Topology.FAN_OUT)
    return 1 if one_way else 2 * (spec.parties - 1)


class PipeChannel(PlainChannel):
    """`_pipes` holds (reading, writing) descriptors: forth and back of each client in turn."""

    def __init__(self, spec: Spec, capacity: int | None) -> None:
        self._spec = spec
        self._pipes: list[tuple[int, int]] = []
        try:
            for _ in range(pipes_of(spec)):
                self._pipes.append(_pipe(capacity))
        except BaseException:
            self.close()
            raise

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if not self._pipes:
            raise Closed("the channel is closed")
        forth, back = self._pipes[0::2], self._pipes[1::2]
        reading = {
            Role.CLIENT: back[index : index + 1],
            Role.SERVER: forth,
            Role.RECEIVER: forth,
        }.get(role, [])
        writing = {
            Role.CLIENT: forth[index : index + 1],
            Role.SERVER: back,
            Role.SENDER: forth,
        }.get(role, [])
        ends = (*(pipe[0] for pipe in reading), *(pipe[1] for pipe in writing))
        return Ticket(role, index, self._spec, fds=duplicate_all(ends))

    def close(self) -> None:
        pipes, self._pipes = self._pipes, []
        for pipe in pipes:
            close_all(pipe)


def _pipe(capacity: int | None) -> tuple[int, int]:
    """A pipe of at least that capacity (None: the default). Raises: Unavailable."""
    try:
        ends = os.pipe2(os.O_CLOEXEC)
    except OSError as error:
        raise refused("pipe(2)", error) from error
    try:
        set_capacity(ends[1], capacity)
    except BaseException:
        close_all(ends)
        raise
    return ends


def set_capacity(fd: int, capacity: int | None) -> None:
    """Raise a pipe's or FIFO's capacity to so many bytes; None: see that it has the default.

    Raises: Unavailable.
    """
    wanted = DEFAULT_CAPACITY if capacity is None else capacity
    if capacity is not None:
        try:
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, capacity)
        except (OSError, OverflowError) as error:
            raise _too_large(capacity) from error
    # Who has used up the soft limit gets pipes of a page or two, in silence: pipe(7).
    if fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ) < wanted:
        raise _too_large(wanted)


def _too_large(wanted: int) -> Unavailable:
    most = _setting("pipe-max-size")
    if wanted > most:
        return Unavailable(
            f"a pipe of {wanted} bytes is more than fs.pipe-max-size, {most}",
            f"sysctl -w fs.pipe-max-size={wanted}",
        )
    pages = _setting("pipe-user-pages-soft")
    return Unavailable(
        f"no pipe of {wanted} bytes: the {pages} pages of fs.pipe-user-pages-soft are used up",
        f"close other pipes, or sysctl -w fs.pipe-user-pages-soft={2 * pages}",
    )


def _setting(name: str) -> int:
    return int(Path("/proc/sys/fs", name).read_text())


def limits(fd: int) -> Limits:
    """Of the pipe or FIFO behind a descriptor."""
    capacity = fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ)
    most = _setting("pipe-max-size")
    return Limits(
        message=Limit("message", None, "a stream has no bound"),
        fan_in_message=ATOMIC,
        fan_out_message=COMPETED,
        others=(
            Limit("capacity", capacity, "F_GETPIPE_SZ, pipe(7)", "fcntl F_SETPIPE_SZ"),
            Limit(
                "largest capacity",
                most,
                "fs.pipe-max-size",
                f"sysctl -w fs.pipe-max-size={2 * most}",
            ),
        ),
    )


@dataclass(frozen=True, slots=True)
class Pipe:
    name: str = "pipe"
    traits: Traits = TRAITS
    capacity: int | None = None  # bytes; None: the kernel's default

    def probe(self) -> Limits | Unavailable:
        try:
            ends = _pipe(self.capacity)
        except Unavailable as reason:
            return reason
        try:
            return limits(ends[1])
        finally:
            close_all(ends)

    def create(self, spec: Spec) -> PipeChannel:
        check_spec(self, spec, shared_limit(spec))
        return PipeChannel(spec, self.capacity)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        fds = ticket.take_fds()
        readers = {Role.SENDER: 0, Role.RECEIVER: 1}.get(ticket.role, len(fds) // 2)
        return PipeEndpoint(fds[:readers], fds[readers:], ticket)


def shared_limit(spec: Spec) -> int | None:
    """The bound of a message where several processes share an end."""
    return ATOMIC.value if spec.topology in (Topology.FAN_IN, Topology.FAN_OUT) else None


def pipe(parameters: str) -> Pipe:
    """`1M` -> the pipe of that capacity.

    Raises: ValueError for what is no size.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,9})([KM]?)", parameters)
    if found is None:
        raise ValueError(f"no capacity {parameters!r}: write pipe:1M or pipe:256K")
    return Pipe(f"pipe:{parameters}", capacity=int(found[1]) * _UNITS[found[2]])
