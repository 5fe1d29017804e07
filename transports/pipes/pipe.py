"""pipe(2): a one-way stream of bytes; a link is two of them, a hub two for each client."""

from __future__ import annotations

import fcntl
import os
import select
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ipcbench.transports.base import (
    DescriptorEndpoint,
    PlainChannel,
    check_message,
    check_spec,
    close_all,
    duplicate_all,
    held_by,
    reader,
    refused,
    set_kernel,
    spins,
    stream_look,
    sysctl,
    sysctl_limit,
    writer,
)
from ipcbench.transports.base.sizes import parse_size
from ipcbench.transports.contract import (
    Endpoint,
    Family,
    FanOut,
    Framing,
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
)
from ipcbench.transports.native import build_over_descriptors

TRAITS = Traits(
    family=Family.PIPE,
    framing=Framing.STREAM,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.FAN_OUT, Topology.HUB}),
    fan_out=FanOut.COMPETE,
    peer_death=PeerDeath.REPORTED,
    sharing=Sharing.DESCRIPTORS,
    zero_length=False,
    pollable=True,
    spins=True,
    copies=2,  # into the kernel's pages, and out of them
    native=True,
    batch=True,
    batch_in_kernel=True,
)

# Writes of up to PIPE_BUF bytes are atomic, larger ones of several writers may
# interleave (pipe(7)): a stream framed by size would then lose its frames.
ATOMIC = Limit("atomic write", select.PIPE_BUF, "PIPE_BUF, pipe(7)")

# The same bound for several readers. A read takes the pipe's lock once, for all that
# it finds (fs/pipe.c, pipe_read), so it finds whole messages where writes are atomic
# and all have one size; POSIX says of read() that it is meant to be so. Beyond
# PIPE_BUF a reader was seen to find half a message in one of 30 reads.
COMPETED = Limit("atomic write", select.PIPE_BUF, "PIPE_BUF, pipe(7)")

_PAGE = os.sysconf("SC_PAGE_SIZE")
DEFAULT_CAPACITY = 16 * _PAGE  # pipe(7)
LARGEST = 1 << 31  # bytes: round_pipe_size() of Linux's fs/pipe.c


class PipeEndpoint(DescriptorEndpoint):
    """The ends of pipes, or of FIFOs, that one seat holds: it closes them."""

    def __init__(self, reading: Sequence[int], writing: Sequence[int], ticket: Ticket) -> None:
        self._reading, self._writing = reading, writing
        self._spec = spec = ticket.spec
        try:
            for fd in (*reading, *writing):
                os.set_blocking(fd, not (spec.nowait or spins(spec)))
            senders = [writer(fd, spec) for fd in writing]
            if spins(spec):
                self._bind_spinning(ticket, {fd: stream_look(fd, spec) for fd in reading}, senders)
            else:
                self._bind(ticket, {fd: reader(fd, spec) for fd in reading}, senders)
        except BaseException:
            self.close()
            raise

    @property
    def in_flight(self) -> int | None:
        return held_by((*self._writing, *self._reading)[0], self._spec.size)

    def prepare(self, data: memoryview) -> Any:
        check_message(data, self._spec, stream=True, empty=False)
        return data

    def native(self) -> object | None:
        return build_over_descriptors(
            "pipes",
            self,
            self._spec,
            self._reading,
            self._writing,
            self._spec.one_way,  # several processes share one pipe: see ATOMIC
            gatherer=self._gatherer,
        )

    def _close(self) -> None:
        close_all((*self._reading, *self._writing))


def pipes_of(spec: Spec) -> int:
    """Count the pipes of a channel: one to and one from each client, or one in all.

    A newest value has one for each receiver.
    """
    if spec.topology is Topology.NEWEST:
        return spec.parties - 1
    return 1 if spec.one_way else 2 * (spec.parties - 1)


class PipeChannel(PlainChannel):
    """Pipes as (reading, writing) descriptors: to the server, then back, for each client."""

    def __init__(self, spec: Spec, capacity: int | None) -> None:
        super().__init__(spec)
        self._pipes: list[tuple[int, int]] = []
        try:
            for _ in range(pipes_of(spec)):
                self._pipes.append(_pipe(capacity, pipes_of(spec)))
        except BaseException:
            self.close()
            raise

    def _ticket(self, role: Role, index: int) -> Ticket:
        to_server, to_client = self._pipes[0::2], self._pipes[1::2]
        reading, writing = {
            Role.CLIENT: (to_client[index : index + 1], to_server[index : index + 1]),
            Role.SERVER: (to_server, to_client),
            Role.SENDER: ([], self._pipes),
            Role.RECEIVER: (self._pipes, []),
        }[role]
        fds = (*(ends[0] for ends in reading), *(ends[1] for ends in writing))
        return Ticket(role, index, self._spec, fds=duplicate_all(fds))

    def _close(self) -> None:
        for ends in self._pipes:
            close_all(ends)


def _pipe(capacity: int | None, pipes: int = 2) -> tuple[int, int]:
    """Make a pipe of at least that capacity (None: the default). Raises: Unavailable."""
    try:
        ends = os.pipe2(os.O_CLOEXEC)
    except OSError as error:
        raise refused("pipe(2)", error) from error
    try:
        set_capacity(ends[1], capacity, pipes)
    except BaseException:
        close_all(ends)
        raise
    return ends


def set_capacity(fd: int, capacity: int | None, pipes: int = 2) -> None:
    """Raise the capacity of a pipe or FIFO.

    Args:
        fd: one of its ends.
        capacity: the bytes that it holds at least; None: check that it has the default.
        pipes: the number of pipes of the channel, for the remedy.

    Raises:
        Unavailable: the kernel refuses, or has given less than the default.
    """
    wanted = DEFAULT_CAPACITY if capacity is None else capacity
    if capacity is not None:
        try:
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, capacity)
        except (OSError, OverflowError) as error:
            raise _too_large(capacity, pipes) from error
    # Over `pipe-user-pages-soft`, the kernel silently creates pipes of one or two pages: pipe(7).
    if fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ) < wanted:
        raise _too_large(wanted, pipes)


def _too_large(wanted: int, pipes: int) -> Unavailable:
    """Make the error for a capacity; `pipes`: the number of pipes that must have it."""
    # F_SETPIPE_SZ takes a power of two of pages: round_pipe_size() of Linux's fs/pipe.c.
    whole = max(_PAGE, 1 << (wanted - 1).bit_length())
    most, pages = sysctl("fs.pipe-max-size"), sysctl("fs.pipe-user-pages-soft")
    if whole > LARGEST:
        return Unavailable(
            f"a pipe of {wanted} bytes is more than the kernel allows, {LARGEST}",
            "ask for a smaller capacity",
        )
    needed = pipes * whole // _PAGE
    settings = {"fs.pipe-max-size": whole} if whole > most else {}
    # 0: no bound. Other pipes of this user may use the pages that are allowed today.
    if pages and (whole <= most or needed > pages // 2):
        settings["fs.pipe-user-pages-soft"] = pages + needed
    hard = sysctl("fs.pipe-user-pages-hard")
    if hard and hard < pages + needed and "fs.pipe-user-pages-soft" in settings:
        settings["fs.pipe-user-pages-hard"] = pages + needed
    remedy = set_kernel(settings)
    if whole > most:
        return Unavailable(
            f"a pipe of {wanted} bytes is more than fs.pipe-max-size, {most}", remedy
        )
    return Unavailable(
        f"no pipe of {wanted} bytes: the {pages} pages of fs.pipe-user-pages-soft are used up",
        f"close other pipes, or {remedy}",
    )


def limits(fd: int) -> Limits:
    """Return the limits of the pipe or FIFO behind a descriptor."""
    capacity = fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ)
    return Limits(
        message=Limit("message", None, "a stream has no bound"),
        fan_in_message=ATOMIC,
        fan_out_message=COMPETED,
        others=(
            Limit("capacity", capacity, "F_GETPIPE_SZ, pipe(7)", "fcntl F_SETPIPE_SZ"),
            sysctl_limit("largest capacity", "fs.pipe-max-size"),
        ),
    )


@dataclass(frozen=True, slots=True)
class Pipe:
    """The transports `pipe` and `pipe:CAPACITY`."""

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
    """Return the bound of a message where several processes share an end."""
    return ATOMIC.value if spec.one_way else None


def pipe(parameters: str) -> Pipe:
    """Make the transport of a capacity that is not the default.

    Args:
        parameters: the capacity: `1M`, `256K`, `4096`.

    Raises:
        ValueError: it is no size.
    """
    return Pipe(f"pipe:{parameters}", capacity=parse_size(parameters, "pipe", "capacity"))
