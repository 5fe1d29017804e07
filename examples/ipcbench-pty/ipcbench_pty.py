"""pty(7): a stream of bytes through a terminal that is none; a link is two of them.

What a shell under `script` or `ssh` prints goes this way. The two sides are not
alike: what the slave has written can still be read once the slave is closed, what
the master has written is lost with the master, and a master is not told that
nobody reads. So each direction has a pair of its own, and its sender the slave.
"""

from __future__ import annotations

import errno
import io
import os
import tty
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transports.checks import check_seat, check_spec
from transports.contract import (
    Closed,
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
    TransportError,
    Unavailable,
    Waiting,
    WouldBlock,
)
from transports.defaults import PlainChannel, PlainEndpoint, closed, translated
from transports.descriptors import close_all, duplicate_all, read_rest, write_rest
from transports.multiplexing import polled

TRAITS = Traits(
    family=Family.PIPE,  # the nearest: bytes through the kernel, from one end to the other
    framing=Framing.STREAM,
    topologies=frozenset({Topology.LINK}),
    fan_out=FanOut.NONE,
    peer_death=PeerDeath.REPORTED,  # by EIO, to readers and writers alike
    sharing=Sharing.DESCRIPTORS,
    lifetime=Lifetime.PROCESS,
    waiting=Waiting.BLOCKING,
    zero_length=False,
    pollable=True,
    # In, and by 64 bytes a time out (file_tty_write, iterate_tty_read in tty_io.c), each
    # by way of a buffer of its own, and between the two from one side's to the other's.
    copies=5,
)


def _pair() -> tuple[int, int]:
    """Master and slave, for bytes as they are. Raises: Unavailable."""
    try:
        pair = os.openpty()  # closed on exec, and nobody's controlling terminal
    except OSError as error:
        raise Unavailable(f"openpty(3) fails: {error}", "mount -t devpts devpts /dev/pts") from None
    try:
        os.fchmod(pair[1], 0o600)  # else the group `tty` may write to it: pts(4)
        tty.setraw(pair[1])  # no echo, no lines, no Ctrl-C: termios(3)
    except BaseException:
        close_all(pair)
        raise
    return pair


class PtyChannel(PlainChannel):
    """The owner's handles, which it keeps until all have attached: forth, and back."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._pairs = [_pair()]
        try:
            self._pairs.append(_pair())
        except BaseException:
            self.close()
            raise

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if not self._pairs:
            raise Closed("the channel is closed")
        forth, back = self._pairs
        reads, writes = (back, forth) if role is Role.CLIENT else (forth, back)
        # Copies: the ticket's own, and from `attach` on the endpoint's, which closes them.
        return Ticket(role, index, self._spec, fds=duplicate_all([reads[0], writes[1]]))

    def close(self) -> None:
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            close_all(pair)


class PtyEndpoint(PlainEndpoint):
    """One process's end: the master that it reads from, the slave that it writes to."""

    def __init__(self, reading: int, writing: int, spec: Spec) -> None:
        self._fds = (reading, writing)
        for fd in self._fds:
            os.set_blocking(fd, not spec.nowait)
        receive = _receiver(reading, spec.size)
        # What is timed: closures over the descriptors, for a method would be looked up
        # and would look up in its turn.
        self.recv_into: Any = polled(reading, receive, nowait=spec.nowait) if spec.poll else receive
        self.send: Any = _sender(writing, spec.size)

    def close(self) -> None:
        self.send = self.recv_into = closed
        fds, self._fds = self._fds, ()
        close_all(fds)


def _sender(fd: int, size: int) -> Any:
    write = os.write

    def send(data: Any, /) -> None:
        try:
            sent = write(fd, data)
            if sent != size:  # a signal, or no room for more
                write_rest(fd, memoryview(data), sent)
        except OSError as error:  # which costs nothing as long as there is none
            raise _ours(error, "send") from error

    return send


def _receiver(fd: int, size: int) -> Any:
    readinto = io.FileIO(fd, closefd=False).readinto  # os.read would allocate

    def recv_into(buffer: memoryview, /) -> int:
        try:
            received = readinto(buffer)
            if received != size:  # a terminal gives 4095 bytes at most
                if received is None:
                    raise WouldBlock("receive: nothing is there")
                return read_rest(fd, buffer, received)
        except OSError as error:
            raise _ours(error, "receive") from error
        return received

    return recv_into


def _ours(error: OSError, what: str) -> TransportError | OSError:
    if error.errno == errno.EIO:
        return PeerGone(f"{what}: the other side of the terminal is closed")
    return translated(error, what)


@dataclass(frozen=True, slots=True)
class Pty:
    """What the entry point names. It has no state: each channel has its own."""

    name: str = "pty"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        """By trying: the machine may have no /dev/pts, or no terminal left."""
        try:
            close_all(_pair())
        except Unavailable as reason:
            return reason
        most = int(Path("/proc/sys/kernel/pty/max").read_text())
        remedy = f"sysctl -w kernel.pty.max={2 * most}"
        return Limits(
            message=Limit("message", None, "a stream has no bound"),
            others=(Limit("terminals", most, "kernel.pty.max", remedy),),
        )

    def create(self, spec: Spec) -> PtyChannel:
        check_spec(self, spec, None)
        return PtyChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> PtyEndpoint:
        reading, writing = ticket.take_fds()
        return PtyEndpoint(reading, writing, ticket.spec)
