"""`memfd-pool`: files in memory that are passed once, and name the place of each message.

Each end makes the files that it sends in, one for each slot, maps them, and seals their size. It
also forbids new writable mappings (F_SEAL_FUTURE_WRITE, fcntl(2)), so that only it can change the
bytes. It passes them by SCM_RIGHTS when it attaches. A message is a packet with a slot and a
length; the receiver copies the bytes out, or reads them in place, and gives the slot back by a
byte.

The receiver trusts nothing: it refuses files that can shrink or are too small when it connects, and
ignores a packet with an unknown slot. The sender can still change bytes that the receiver reads in
place, as in every ring.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ipcbench.transports.base import close_all, forbidden, refused, translate
from ipcbench.transports.base.defaults import lending, read_all
from ipcbench.transports.contract import (
    Json,
    MessageTooLarge,
    PeerGone,
    Ticket,
    Traits,
)
from ipcbench.transports.native import WaitPolicy, build, operations
from ipcbench.transports.passing.link import TRAITS as OF_A_LINK
from ipcbench.transports.passing.link import (
    answering,
    packets_of,
    wait_for,
)
from ipcbench.transports.passing.memfds import (
    POOL_NEEDED,
    POOL_SEALS,
    MemfdEndpoint,
    Memfds,
    new_memfd,
    receive_with,
    seal,
    sealed_size,
    send_with,
)
from ipcbench.transports.passing.slots import Slots, depth_of
from ipcbench.transports.passing.window import Window

TRAITS = replace(OF_A_LINK, copies=2, depth=True)  # into the slot, and out of it
IN_PLACE = replace(TRAITS, copies=1, in_place=True)

_PACKET = struct.Struct("=QQ")  # slot, length


def make_pool(depth: int, size: int) -> tuple[list[int], list[Window]]:
    """Make sealed files and map them; the caller closes the files. Raises: Unavailable."""
    fds: list[int] = []
    windows: list[Window] = []
    try:
        for _ in range(depth):
            fds.append(new_memfd())
            os.truncate(fds[-1], max(size, 1))  # pages are allocated when they are written
            windows.append(Window(size))
            windows[-1].share(fds[-1], size, writable=True)
            seal(fds[-1], POOL_SEALS)
    except OSError as error:
        close_all(fds)
        raise refused(f"a pool of {depth} files of {size} bytes", error) from error
    return fds, windows


def map_pool(fds: Sequence[int], depth: int, size: int) -> list[Window]:
    """Map the files of the other end to be read.

    Raises:
        PeerGone: they are not as many or as large as agreed, or can shrink.
    """
    sizes = [sealed_size(fd, POOL_NEEDED) for fd in fds]
    if len(fds) != depth or any(found is None or found < size for found in sizes):
        raise PeerGone(f"connect: the other end passed no {depth} sealed files of {size} bytes")
    windows = [Window(size) for _ in fds]
    for window, fd in zip(windows, fds, strict=True):
        window.share(fd, size, writable=False)
    return windows


class Sender:
    """The sending side of an end."""

    def __init__(self, end: PoolEndpoint, windows: Sequence[Window]) -> None:
        self._slots = slots = Slots(end._out, len(windows), end._spec)
        self._memory = memory = [window.memory for window in windows]
        self._transmit = transmit = end._out.send
        self._lent = 0
        take, pack, size = slots.take, _PACKET.pack, end._spec.size

        def send(data: Any, /) -> None:
            slot = take()
            length = len(data)
            try:
                memory[slot][:length] = data
                transmit(pack(slot, length))
            except ValueError:  # the slot is smaller: no comparison before each message
                slots.restore(slot)
                raise MessageTooLarge(f"send: {length} bytes into slots of {size}") from None
            except OSError as error:
                slots.restore(slot)
                raise translate(error, "send") from error

        self.send = send

    def loan(self, length: int, /) -> memoryview:
        self._lent = self._slots.take()
        return self._memory[self._lent][:length]

    def commit(self, length: int, /) -> None:
        try:
            self._transmit(_PACKET.pack(self._lent, length))
        except OSError as error:
            self._slots.restore(self._lent)
            raise translate(error, "send") from error


class Receiver:
    """The receiving side of an end."""

    def __init__(self, end: PoolEndpoint, windows: Sequence[Window]) -> None:
        self._receive = end._described(packets_of(end._in, "receive", end._spec))
        self._answer: Callable[[int], None] = answering(end._in)
        self._packet = memoryview(bytearray(_PACKET.size + 1))  # a longer packet is ignored
        self._memory = [window.memory.toreadonly() for window in windows]
        self._addresses = [window.address for window in windows]
        self._size = end._spec.size
        self._peeked: tuple[int, int] | None = None

    def _next(self) -> tuple[int, int]:
        """Wait for a message: its slot and its length, which may be longer than the slot."""
        while True:
            if self._receive(self._packet) == _PACKET.size:
                slot, length = _PACKET.unpack_from(self._packet)
                if slot < len(self._memory):
                    return slot, length

    def recv_into(self, buffer: memoryview, /) -> int:
        slot, length = self._next()
        try:
            if length > self._size or length > len(buffer):
                most = min(self._size, len(buffer))
                raise MessageTooLarge(f"receive: {length} bytes for {most}")
            buffer[:length] = self._memory[slot][:length]
        finally:
            self._answer(slot)
        return length

    def peek(self) -> memoryview:
        if self._peeked is None:
            slot, length = self._next()
            if length > self._size:
                self._answer(slot)
                raise MessageTooLarge(f"receive: {length} bytes for {self._size}")
            self._peeked = slot, length
        slot, length = self._peeked
        return self._memory[slot][:length]

    def release(self) -> None:
        if self._peeked is not None:
            slot, self._peeked = self._peeked[0], None
            self._answer(slot)

    def scan(self, buffer: memoryview, /) -> int:
        """Receive in place: read every byte where it is."""
        message = self.peek()
        assert self._peeked is not None  # `peek` has set it
        read_all(self._addresses[self._peeked[0]], message)
        self.release()
        if len(message) > len(buffer):
            raise MessageTooLarge(f"receive: {len(message)} bytes for {len(buffer)}")
        return len(message)


class PoolEndpoint(MemfdEndpoint):
    """One process's end: the files that it sends in, and those of the other end."""

    def __init__(self, ticket: Ticket, traits: Traits) -> None:
        super().__init__(ticket, traits)
        self.depth = self._slots = depth_of(ticket.spec)
        self._native: object | None = None  # only one, since it knows which slots are taken
        if traits.in_place:  # bench chooses its loops by these before it connects the end
            unconnected = forbidden("this end is not connected")
            self.loan = self.commit = self.peek = self.release = unconnected
        self._incoming: list[Window] = []
        self._outgoing: list[Window] = []
        try:
            fds, self._outgoing = make_pool(self._slots, ticket.spec.size)
            try:
                send_with(self._out, b"\0", fds)
            except OSError as error:
                raise translate(error, "attach") from error
            finally:
                close_all(fds)
        except BaseException:
            self.close()
            raise

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        """Receive the files of the other end, and map them."""
        fds: list[int] = []

        def receive(buffer: memoryview, /) -> int:
            length, found = receive_with(self._in, buffer, self._slots)
            fds.extend(found)
            return length

        try:
            wait_for(self._in, deadline, "the files of the other end", receive)
            self._incoming = map_pool(fds, self._slots, self._spec.size)
        finally:
            close_all(fds)
        self._bind()

    def _bind(self) -> None:
        sender, receiver = Sender(self, self._outgoing), Receiver(self, self._incoming)
        self.send, self.recv_into = sender.send, receiver.recv_into
        if self._in_place:
            self.recv_into = receiver.scan
            self.peek, self.release = receiver.peek, receiver.release
            self.loan, self.commit = lending(self._spec.size, sender.loan, sender.commit)

    def native(self) -> object | None:
        if self._native is None and not self._closed:
            self._native = build(
                "memfd_pool", None, self._out.fileno(), self._in.fileno(), self._spec.size,
                tuple(window.memory for window in self._outgoing),
                tuple(window.memory for window in self._incoming),
                self._in_place, WaitPolicy.of(self._spec),
            )  # fmt: skip
        return None if self._native is None else operations.with_owner(self, self._native)

    def _close(self) -> None:
        self._native = None
        self._incoming = self._outgoing = []
        super()._close()


def memfd_pool() -> Memfds:
    """Make the transport whose receiver copies out of the slots."""
    return Memfds("memfd-pool", TRAITS, POOL_SEALS, PoolEndpoint)


def in_place() -> Memfds:
    """Make the transport whose receiver reads in the slots."""
    return Memfds("memfd-pool/in-place", IN_PLACE, POOL_SEALS, PoolEndpoint)
