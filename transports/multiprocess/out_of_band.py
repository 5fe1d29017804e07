"""Pickled objects whose memory travels beside the pickle: out of band, protocol 5 of pickle.

An object that lends its memory, such as a NumPy array, is pickled to a few bytes. Its memory is
written from where it lies, and read into memory that the receiver has already: the kernel's two
copies are all. A link is a multiprocessing.Pipe, a pair of Unix sockets, used by its descriptors,
since its own calls would copy what they receive twice more.

A message: bytes of the pickle, number of buffers; the length of each buffer; the pickle; the
buffers.
"""

from __future__ import annotations

import mmap
import os
import pickle
import select
from collections.abc import Sequence
from dataclasses import dataclass, replace
from struct import Struct, unpack_from
from typing import Any

from ipcbench.transports.base import (
    PlainEndpoint,
    check_message,
    check_spec,
    fitted,
    polling,
    read_rest,
    send_if_room,
    translate,
    waiting_get,
    waiting_receive,
)
from ipcbench.transports.contract import (
    Endpoint,
    Limits,
    PeerGone,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    WouldBlock,
)
from ipcbench.transports.multiprocess.pipe import (
    TRAITS,
    MpPipeChannel,
    mp_pipe_pickle,
    payload_held_by,
)

OF_A_LINK = replace(
    TRAITS,
    topologies=frozenset({Topology.LINK}),
    copies=2,  # into the kernel, out of it
    objects=True,
)

PROTOCOL = 5
AT_ONCE = 1024  # buffers of a call: IOV_MAX of writev(2)
_HEAD = Struct("=IQ")


def parts_of(data: Any) -> list[bytes | memoryview]:
    """Return the bytes of a message: those before its buffers, and each buffer where it lies."""
    lent: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(data, PROTOCOL, buffer_callback=lent.append)
    buffers = [one.raw() for one in lent]
    lengths = Struct(f"={len(buffers)}Q").pack(*map(len, buffers))
    return [_HEAD.pack(len(pickled), len(buffers)) + lengths + pickled, *buffers]


def write_all(fd: int, parts: list[bytes | memoryview]) -> None:
    """Write parts one after the other; the descriptor blocks. Raises: as `Endpoint.send`."""
    try:
        while parts:
            sent = os.writev(fd, parts[:AT_ONCE])
            while parts and sent >= len(parts[0]):
                sent -= len(parts.pop(0))
            if sent:
                parts[0] = memoryview(parts[0])[sent:]
    except OSError as error:
        raise translate(error, "send") from error


class OutOfBandEndpoint(PlainEndpoint):
    """An end of one connection."""

    def __init__(self, ticket: Ticket) -> None:
        (self._connection,) = ticket.take_inherited()
        self._spec = spec = ticket.spec
        self._fd = fd = self._connection.fileno()
        self._memory: list[memoryview] = []

        def send(data: Any, /) -> None:
            write_all(fd, parts_of(data))

        self.send = send_if_room(fd, send) if spec.nowait else send
        self.recv_into = waiting_receive(self._receive_into, fd, spec)
        self.recv_object = waiting_get(self._receive, fd, spec)
        self._readable = polling(fd, select.POLLIN) if spec.nowait else None

    @property
    def in_flight(self) -> int | None:
        sent = sum(map(len, parts_of(self.prepare(memoryview(bytes(self._spec.size))))))
        return payload_held_by(self._fd, sent, self._spec.size)

    def prepare(self, data: memoryview) -> pickle.PickleBuffer:
        check_message(data, self._spec)
        return pickle.PickleBuffer(data)

    def _receive_into(self, buffer: memoryview, /) -> int:
        data = self._receive(buffer)
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        if not (isinstance(data, memoryview) and data.obj is buffer.obj):
            buffer[:] = data
        return received

    def _receive(self, target: memoryview | None = None) -> Any:
        """Receive one object; one buffer that fits lies in the target, others in this end's."""
        pickled, lengths = self._receive_head()
        if target is not None and len(lengths) == 1 and lengths[0] <= len(target):
            buffers = [target[: lengths[0]]]
        else:
            buffers = self._lend(lengths)
        for buffer in buffers:
            read_rest(self._fd, buffer, 0)
        return pickle.loads(pickled, buffers=buffers)

    def _receive_head(self) -> tuple[memoryview, Sequence[int]]:
        """Receive all that comes before the buffers: the pickle, and their lengths."""
        if self._readable and not self._readable(0):
            raise WouldBlock("receive: there is no message")
        try:
            head = os.read(self._fd, _HEAD.size)
        except OSError as error:
            raise translate(error, "receive") from error
        if not head:
            raise PeerGone("receive: end of file")
        if len(head) < _HEAD.size:
            whole = memoryview(bytearray(head.ljust(_HEAD.size)))
            read_rest(self._fd, whole, len(head))
            head = bytes(whole)
        size, number = _HEAD.unpack(head)
        rest = memoryview(bytearray(8 * number + size))
        read_rest(self._fd, rest, 0)
        return rest[8 * number :], unpack_from(f"={number}Q", rest)

    def _lend(self, lengths: Sequence[int]) -> list[memoryview]:
        """Return memory of these lengths: the same as for the last message of such lengths."""
        if [len(one) for one in self._memory] != list(lengths):
            self._memory = list(map(_page_aligned, lengths))
        return self._memory

    def _close(self) -> None:
        self._memory = []
        self._connection.close()


def _page_aligned(length: int) -> memoryview:
    """Return memory that begins on a page: a copy to there takes the same time in every run."""
    if not length:
        return memoryview(bytearray())
    return memoryview(mmap.mmap(-1, length, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


@dataclass(frozen=True, slots=True)
class OutOfBand:
    """The transport `mp-pipe-pickle5`."""

    name: str = "mp-pipe-pickle5"
    traits: Traits = OF_A_LINK

    def probe(self) -> Limits | Unavailable:
        return mp_pipe_pickle().probe()

    def create(self, spec: Spec) -> MpPipeChannel:
        check_spec(self, spec, None)
        return MpPipeChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return OutOfBandEndpoint(ticket)
