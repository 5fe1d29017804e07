"""`memfd-passed`: each message is a new file in memory, sealed and passed by SCM_RIGHTS.

The sender writes its message with write(2): it allocates the pages and fills them in one step.
A mapping would zero each page first and take a page fault for each: writing 6,220,800 bytes that
way took twice as long (3.7 ms instead of 1.8). It seals the file (fcntl(2), F_ADD_SEALS), so that
neither its bytes nor its size can change any more, and passes the descriptor.

The receiver trusts nothing: it ignores a file without these seals, and a packet without exactly
one descriptor, and closes what it has received. It copies with pread(2), which took as long as
copying out of a mapping at this size, and a tenth of that at 64 bytes. In place, it maps the file.

Slots count the messages on the way, as in memfd-pool, so that they use no more memory than those.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ipcbench.transports.base import Receive, translate
from ipcbench.transports.base.defaults import lending, read_all
from ipcbench.transports.contract import (
    MessageTooLarge,
    PeerGone,
    Ticket,
    Traits,
)
from ipcbench.transports.native import WaitPolicy, build, operations
from ipcbench.transports.passing.link import TRAITS as OF_A_LINK
from ipcbench.transports.passing.link import answering, between_looks
from ipcbench.transports.passing.memfds import (
    NEEDED,
    SEALS,
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

TRAITS = replace(OF_A_LINK, copies=2, depth=True)  # into the file, and out of it
IN_PLACE = replace(TRAITS, copies=1, in_place=True)


class Sender:
    """The sending side of an end."""

    def __init__(self, end: PassedEndpoint, slots: Slots) -> None:
        self._out, self._slots = end._out, slots
        self._window: Window | None = None
        self._size = end._spec.size
        self._lent: tuple[int, int] | None = None  # slot, file

    def send(self, data: Any, /) -> None:
        if len(data) > self._size:
            raise MessageTooLarge(f"send: {len(data)} bytes, of at most {self._size}")
        slot = self._slots.take()
        try:
            fd = new_memfd()
            try:
                _write(fd, data)
                self._pass(fd, slot)
            finally:
                os.close(fd)
        except OSError as error:
            self._slots.restore(slot)
            raise translate(error, "send") from error

    def loan(self, length: int, /) -> memoryview:
        slot = self._slots.take()
        fd = -1
        try:
            fd = new_memfd()
            os.truncate(fd, length)
            if self._window is None:
                self._window = Window(self._size)
            self._window.share(fd, length, writable=True)
        except OSError as error:
            self._slots.restore(slot)
            if fd >= 0:
                os.close(fd)
            raise translate(error, "send") from error
        self._lent = slot, fd
        return self._window.memory[:length]

    def commit(self, length: int, /) -> None:
        assert self._lent is not None and self._window is not None  # `lending` has checked it
        (slot, fd), self._lent = self._lent, None
        try:
            self._window.clear(os.fstat(fd).st_size)  # a mapping forbids F_SEAL_WRITE: EBUSY
            os.truncate(fd, length)
            self._pass(fd, slot)
        except OSError as error:
            self._slots.restore(slot)
            raise translate(error, "send") from error
        finally:
            os.close(fd)

    def _pass(self, fd: int, slot: int) -> None:
        seal(fd, SEALS)
        send_with(self._out, bytes([slot]), [fd])

    def close(self) -> None:
        if self._lent is not None:
            os.close(self._lent[1])
            self._lent = None
        self._window = None


def _write(fd: int, data: Any) -> None:
    written = os.write(fd, data)
    while written < len(data):  # write(2) writes 2 GiB at most
        written += os.write(fd, memoryview(data)[written:])


def _files_of(end: PassedEndpoint) -> Receive:
    """Make the call that receives a slot's number into a buffer, and returns a sealed file."""
    connection = end._in
    pass_some = between_looks(connection.fileno(), end._spec)

    def receive(slot: memoryview, /) -> int:
        looked = 0
        while True:
            try:
                length, fds = receive_with(connection, slot, 1)
            except BlockingIOError as error:
                if pass_some is None:
                    raise translate(error, "receive") from error
                looked = pass_some(looked)
                continue
            except ConnectionResetError:
                continue  # reported once, before what was sent: see packets_of
            except OSError as error:
                raise translate(error, "receive") from error
            if not length:
                raise PeerGone("receive: the other end is closed")
            if length == 1 and fds and sealed_size(fds[0], NEEDED) is not None:
                return fds[0]
            for fd in fds:
                os.close(fd)

    return receive


class Receiver:
    """The receiving side of an end."""

    def __init__(self, end: PassedEndpoint) -> None:
        self._receive = end._described(_files_of(end))
        self._answer: Callable[[int], None] = answering(end._in)
        self._slot = memoryview(bytearray(1))
        self._size = end._spec.size
        self._window: Window | None = None
        self._peeked: int | None = None  # bytes that are mapped

    def recv_into(self, buffer: memoryview, /) -> int:
        fd = self._receive(self._slot)
        try:
            length = os.fstat(fd).st_size
            if length > len(buffer):
                raise MessageTooLarge(f"receive: {length} bytes for {len(buffer)}")
            _read(fd, buffer[:length])
        finally:
            os.close(fd)
            self._answer(self._slot[0])
        return length

    def peek(self) -> memoryview:
        if self._window is None:
            self._window = Window(self._size)
        if self._peeked is None:
            fd = self._receive(self._slot)
            try:
                self._peeked = self._show(self._window, fd)
            except BaseException:
                self._answer(self._slot[0])
                raise
            finally:
                os.close(fd)
        return self._window.memory[: self._peeked].toreadonly()

    def _show(self, window: Window, fd: int) -> int:
        length = os.fstat(fd).st_size
        if length > self._size:
            raise MessageTooLarge(f"receive: {length} bytes for {self._size}")
        window.show(fd, length)
        return length

    def release(self) -> None:
        if self._peeked is not None and self._window is not None:
            self._window.clear(self._peeked)
            self._peeked = None
            self._answer(self._slot[0])

    def scan(self, buffer: memoryview, /) -> int:
        """Receive in place: read every byte where it is."""
        message = self.peek()
        assert self._window is not None  # `peek` has made it
        read_all(self._window.address, message)
        self.release()
        if len(message) > len(buffer):
            raise MessageTooLarge(f"receive: {len(message)} bytes for {len(buffer)}")
        return len(message)

    def close(self) -> None:
        self._window = None


def _read(fd: int, buffer: memoryview) -> None:
    """Fill a buffer; preadv(2) reads 2 GiB at most. A sealed file does not become shorter."""
    received = 0
    while received < len(buffer):
        received += os.preadv(fd, [buffer[received:]], received)


class PassedEndpoint(MemfdEndpoint):
    """One process's end of the files that are passed."""

    def __init__(self, ticket: Ticket, traits: Traits) -> None:
        super().__init__(ticket, traits)
        self.depth = depth_of(ticket.spec)
        self._native: object | None = None  # only one, since it knows which slots are taken
        self._sender = Sender(self, Slots(self._out, self.depth, self._spec))
        self._receiver = Receiver(self)
        self.send = self._sender.send
        self.recv_into = self._receiver.recv_into
        if traits.in_place:
            self.recv_into = self._receiver.scan
            self.peek, self.release = self._receiver.peek, self._receiver.release
            lent = self._sender.loan, self._sender.commit
            self.loan, self.commit = lending(ticket.spec.size, *lent)

    def native(self) -> object | None:
        if self._native is None and not self._closed:
            self._native = build(
                "memfd_passed", None, self._out.fileno(), self._in.fileno(), self._spec.size,
                self.depth, self._in_place, WaitPolicy.of(self._spec),
            )  # fmt: skip
        return None if self._native is None else operations.with_owner(self, self._native)

    def _close(self) -> None:
        self._native = None
        self._sender.close()
        self._receiver.close()
        super()._close()


def memfd_passed() -> Memfds:
    """Make the transport whose receiver copies out of the file."""
    return Memfds("memfd-passed", TRAITS, SEALS, PassedEndpoint)


def in_place() -> Memfds:
    """Make the transport whose receiver maps the file."""
    return Memfds("memfd-passed/in-place", IN_PLACE, SEALS, PassedEndpoint)
