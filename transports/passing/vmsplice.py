"""`vmsplice`: the sender puts the pages of its message into a pipe, and the receiver reads them.

vmsplice(2) makes a pipe refer to the pages of a buffer, so the only copy is the receiver's
read(2). Splicing at the receiver's side would spare nothing: splice(2) moves pages to a file or a
socket, and a receiver that wants the bytes in memory has to copy them.

The pages are not copied when vmsplice returns (iter_to_pipe() of Linux's fs/splice.c takes
references), and no call tells the sender that they were read. Until then it may not write to its
buffer, or the receiver gets a mixture. A pool of buffers with more pages than the pipe holds would
do, if every message filled the pipe. This transport answers each message by a byte in a second
pipe, and `send` waits for it: it is synchronous, and sound for every size and for a sender with one
buffer. The pages are not gifts (SPLICE_F_GIFT): the buffer stays the sender's.

A pipe holds one page in each of its places, however few bytes of it, so a message of more pages is
spliced and read in several steps. The pipes have 256 places, those of 1 MiB, which is what any user
may ask for by default (fs.pipe-max-size, pipe(7)). Python's os lacks vmsplice: it is called with
ctypes.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ipcbench.transports.base import (
    PlainChannel,
    PlainEndpoint,
    Receive,
    check_message,
    check_spec,
    close_all,
    discard,
    duplicate_all,
    pass_time_at,
    read_rest,
    refused,
    spins,
    sysctl_limit,
    translate,
    waiting_receive,
)
from ipcbench.transports.contract import (
    Endpoint,
    Limit,
    Limits,
    MessageTooLarge,
    PeerGone,
    Role,
    Spec,
    Ticket,
    Traits,
    Unavailable,
)
from ipcbench.transports.native import WaitPolicy, build
from ipcbench.transports.passing.addresses import address_of, iovec
from ipcbench.transports.passing.link import TRAITS as OF_A_LINK
from ipcbench.transports.passing.link import between_looks
from ipcbench.transports.pipes.pipe import set_capacity

TRAITS = replace(OF_A_LINK, synchronous=True)
CAPACITY = 1 << 20

_HEADER = struct.Struct("=Q")  # the length of the message that follows
_PIECE = 1 << 16  # bytes of a message that is dropped, read at a time
_DATA = 2  # pipes of a link for data; as many again are for answers

_SPLICE_F_NONBLOCK = 2  # linux/splice.h; O_NONBLOCK has no effect on vmsplice(2)

_libc = ctypes.CDLL(None, use_errno=True)
_libc.vmsplice.restype = ctypes.c_ssize_t


def splice_pages(fd: int, parts: Any, count: int, flags: int = 0) -> int:
    """Put the pages of the first parts into a pipe, and return the bytes of them.

    Args:
        fd: the pipe.
        parts: an array of iovec, or a reference to one.
        count: the number of parts.
        flags: SPLICE_F_NONBLOCK, or 0.

    Raises:
        OSError: vmsplice(2) fails.
    """
    done: int = _libc.vmsplice(fd, parts, count, flags)
    if done < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return done


class SpliceChannel(PlainChannel):
    """For each direction a pipe of messages and a pipe of answers."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self._pipes: list[tuple[int, int]] = []
        try:
            for number in range(2 * _DATA):
                self._pipes.append(os.pipe2(os.O_CLOEXEC))
                if number < _DATA:
                    set_capacity(self._pipes[number][1], CAPACITY, _DATA)
        except OSError as error:
            self.close()
            raise refused("pipe(2)", error) from error
        except Unavailable:
            self.close()
            raise

    def _ticket(self, role: Role, index: int) -> Ticket:
        """Make a ticket with the descriptors in the order that SpliceEndpoint names."""
        to_server, to_client, of_server, of_client = self._pipes
        if role is Role.CLIENT:
            fds = to_server[1], of_server[0], to_client[0], of_client[1]
        else:
            fds = to_client[1], of_client[0], to_server[0], of_server[1]
        return Ticket(role, index, self._spec, fds=duplicate_all(fds))

    def _close(self) -> None:
        for ends in self._pipes:
            close_all(ends)


@dataclass(slots=True)
class Prepared:
    """A message, and its parts as vmsplice(2) takes them: a header with its length, the bytes."""

    data: memoryview  # keeps the bytes at their address
    header: memoryview
    parts: Any
    size: int  # of both
    shows_buffer: ClassVar[bool] = True


class SpliceEndpoint(PlainEndpoint):
    """One process's end: pipes to send to, of answers to that, to receive from, and to answer."""

    def __init__(self, ticket: Ticket) -> None:
        self._spec = spec = ticket.spec
        self._fds = ticket.take_fds()
        out, answers, incoming, answered = self._fds
        if spins(spec):
            os.set_blocking(answers, False)
            os.set_blocking(incoming, False)
        self.send = sending(out, answers, spec)
        self.recv_into = waiting_receive(receiving(incoming, answered, spec), incoming, spec)

    def prepare(self, data: memoryview) -> Any:
        check_message(data, self._spec)
        header = memoryview(bytearray(_HEADER.pack(len(data))))
        parts = (iovec * 2)(
            iovec(address_of(header), len(header)), iovec(address_of(data), len(data))
        )
        return Prepared(data, header, parts, len(header) + len(data))

    def native(self) -> object | None:
        return build("vmsplice", self, *self._fds, self._spec.size, WaitPolicy.of(self._spec))

    def _close(self) -> None:
        close_all(self._fds)


def sending(out: int, answers: int, spec: Spec) -> Callable[[Prepared], None]:
    """Make `send`: it returns when the receiver has answered."""
    flags = _SPLICE_F_NONBLOCK if spins(spec) else 0
    for_room = pass_time_at(spec, out, select.POLLOUT)
    for_answer = between_looks(answers, spec)
    read, answer = os.read, memoryview(bytearray(1))

    def splice(parts: Any, count: int) -> int:
        looked = 0
        while True:
            try:
                return splice_pages(out, parts, count, flags)
            except BlockingIOError:
                looked = for_room(looked)

    def send(message: Prepared, /) -> None:
        try:
            done = splice(message.parts, 2)
            while done < message.size:
                done += splice(*_rest(message, done))
            answered = len(read(answers, 1)) if for_answer is None else 0
        except OSError as error:
            raise translate(error, "send") from error
        if for_answer is not None:
            answered = read_rest(answers, answer, 0, for_answer)
        if not answered:
            raise PeerGone("send: the receiver is gone")

    return send


def _rest(message: Prepared, done: int) -> tuple[Any, int]:
    """Return the part that is not in the pipe yet, and 1: a header goes in as a whole."""
    body = done - _HEADER.size
    part = iovec(message.parts[1].iov_base + body, len(message.data) - body)
    return ctypes.byref(part), 1


def receiving(incoming: int, answers: int, spec: Spec) -> Receive:
    """Make `recv_into`. One call reads the header and all bytes that are in the pipe."""
    readv, unpack, whole = os.readv, _HEADER.unpack_from, _HEADER.size
    header = memoryview(bytearray(whole))
    pass_some = between_looks(incoming, spec)

    def answer() -> None:
        with suppress(BrokenPipeError):  # the sender is gone, and the message has arrived
            os.write(answers, b"\0")

    def begin(buffer: memoryview) -> int:
        looked = 0
        while True:
            try:
                return readv(incoming, [header, buffer])
            except BlockingIOError as error:
                if pass_some is None:
                    raise translate(error, "receive") from error
                looked = pass_some(looked)
            except OSError as error:
                raise translate(error, "receive") from error

    def recv_into(buffer: memoryview, /) -> int:
        received = begin(buffer)
        if received < whole:
            if not received:
                raise PeerGone("receive: end of file")
            read_rest(incoming, header, received, pass_some)
            received = whole
        (length,) = unpack(header)
        received -= whole
        if length > len(buffer):
            discard(incoming, length - received, pass_some)
            answer()
            raise MessageTooLarge(f"receive: {length} bytes for {len(buffer)}")
        if received < length:
            read_rest(incoming, buffer[:length], received, pass_some)
        answer()
        return int(length)

    return recv_into


@dataclass(frozen=True, slots=True)
class Vmsplice:
    """The transport `vmsplice`."""

    name: str = "vmsplice"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        try:
            channel = SpliceChannel(Spec(size=1))
            try:
                end = SpliceEndpoint(channel.ticket(Role.CLIENT, 0))
                message = end.prepare(memoryview(b"1"))
                splice_pages(end._fds[0], message.parts, 2)
                end.close()
            finally:
                channel.close()
        except OSError as error:
            return refused("vmsplice(2)", error)
        except Unavailable as reason:
            return reason
        return Limits(
            message=Limit("message", None, "it is spliced in pieces that fit into the pipe"),
            others=(sysctl_limit("largest capacity", "fs.pipe-max-size"),),
        )

    def create(self, spec: Spec) -> SpliceChannel:
        check_spec(self, spec, None)
        return SpliceChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return SpliceEndpoint(ticket)
