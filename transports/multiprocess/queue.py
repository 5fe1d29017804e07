"""multiprocessing's queues: pipes behind locks, objects pickled.

A SimpleQueue writes in the caller's thread. A Queue hands objects to a feeder
thread, which its first put starts: so `put` returns early, and objects that a
killed process had not yet fed are lost. A queue that was not put into before a
fork needs no repair after it: multiprocessing would give the child of a Process
of its own (`util.register_after_fork`) the state of an unused queue anyway.

A link is two queues. A hub is one for all requests, each with its client's
index beside it, and one for each client's replies.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from queue import Empty, Full
from typing import Any, TypeAlias

from ipcbench.transports.base import (
    Gathered,
    PlainChannel,
    PlainEndpoint,
    Receive,
    Send,
    check_message,
    check_spec,
    fitted,
    forbidden,
    refused_in_shm,
    send_if_room,
    serve,
    waiting_get,
    waiting_receive,
)
from ipcbench.transports.contract import (
    Endpoint,
    Family,
    FanOut,
    Framing,
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
    WouldBlock,
)
from ipcbench.transports.multiprocess.pipe import (
    HEAD,
    PICKLED_COPIES,
    context,
    payload_held_by,
    pickled_size,
)

SIMPLE = Traits(
    family=Family.MULTIPROCESSING,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.FAN_OUT, Topology.HUB}),
    fan_out=FanOut.COMPETE,
    peer_death=PeerDeath.SILENT,  # every process has both ends of the pipe
    sharing=Sharing.INHERIT,  # the locks' names are removed as soon as they are made
    pollable=True,
    copies=PICKLED_COPIES,
    objects=True,
)
FED = replace(SIMPLE, depth=True, delayed=True, pickles_late=True)

# A Queue has no bound unless it is given one, and would hold a whole block in the
# sender's memory; so many are no bound to a sender that waits for replies.
DEFAULT_DEPTH = 1000
FEEDING = 1.0  # seconds that a message may take from `put` into the pipe

Anyqueue: TypeAlias = Any  # a SimpleQueue or a Queue; `_reader` and `_writer` are unknown to stubs


class MpQueueEndpoint(PlainEndpoint):
    """An end of several queues.

    `inherited` of its ticket: the queue to get from or None, those to put into.
    """

    def __init__(self, ticket: Ticket, *, fed: bool) -> None:
        spec = ticket.spec
        self._fed = fed
        into, self._out = ticket.take_inherited()
        self._fd = (into or self._out[0])._reader.fileno()
        self._ticket = ticket
        self.depth: int | None = ticket.data["depth"]
        senders = [_sender(_put(queue, spec, fed)) for queue in self._out]
        if ticket.serves_hub:
            receive = _receiver_from(_get(into, spec, fed))
            recv_from = waiting_receive(receive, into._reader.fileno(), spec)
            serve(self, Gathered(forbidden("a hub's server: recv_from"), recv_from), senders)
            return
        for send in senders:
            self.send = send
        if spec.topology is Topology.HUB:
            self.send = _requester(_put(self._out[0], spec, fed), ticket.index)
        if into is not None:
            reader, get = into._reader.fileno(), _get(into, spec, fed)
            self.recv_into = waiting_receive(_receiver(get), reader, spec)
            self.recv_object = waiting_get(_object_receiver(get), reader, spec)

    @property
    def in_flight(self) -> int | None:
        if self._fed:
            return None
        spec = self._ticket.spec
        beside = (self._ticket.index,) if spec.topology is Topology.HUB else ()
        return payload_held_by(self._fd, HEAD + pickled_size(spec.size, *beside), spec.size)

    def prepare(self, data: memoryview) -> bytes:
        check_message(data, self._ticket.spec)
        return bytes(data)  # a memoryview cannot be pickled

    def _close(self) -> None:
        if self._fed:
            _finish(self._out)
        self._out = ()


def _put(queue: Anyqueue, spec: Spec, fed: bool) -> Send:
    if not spec.nowait:
        return queue.put  # type: ignore[no-any-return]
    return queue.put_nowait if fed else send_if_room(queue._writer.fileno(), queue.put)


def _get(queue: Anyqueue, spec: Spec, fed: bool) -> Callable[[], Any]:
    """Make the call that gets one object; with `nowait`, it raises Empty where there is none.

    Where several receivers compete for the last object, another may be quicker:
    then a SimpleQueue waits after all, because it has no `get` that does not.
    """

    def get_now() -> Any:
        # An object is counted when it is put, before it is in the pipe.
        return queue.get(timeout=FEEDING) if queue.qsize() else queue.get_nowait()

    def get_simply_now() -> Any:
        if queue.empty():
            raise Empty
        return queue.get()

    if not spec.nowait:
        return queue.get  # type: ignore[no-any-return]
    return get_now if fed else get_simply_now


def _sender(put: Send) -> Send:
    def send(data: Any, /) -> None:
        try:
            put(data)
        except (OSError, Full) as error:
            raise _translate(error, "send") from error

    return send


def _requester(put: Send, index: int) -> Send:
    def send(data: Any, /) -> None:
        try:
            put((index, data))
        except (OSError, Full) as error:
            raise _translate(error, "send") from error

    return send


def _receiver(get: Callable[[], Any]) -> Receive:
    def recv_into(buffer: memoryview, /) -> int:
        try:
            data = get()
        except (OSError, EOFError, Empty) as error:
            raise _translate(error, "receive") from error
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return received

    return recv_into


def _object_receiver(get: Callable[[], Any]) -> Callable[[], Any]:
    def recv_object() -> Any:
        try:
            return get()
        except (OSError, EOFError, Empty) as error:
            raise _translate(error, "receive") from error

    return recv_object


def _receiver_from(get: Callable[[], Any]) -> Receive:
    def recv_from(buffer: memoryview, /) -> int:
        try:
            index, data = get()
        except (OSError, EOFError, Empty) as error:
            raise _translate(error, "receive") from error
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return index  # type: ignore[no-any-return]

    return recv_from


def _translate(error: Exception, what: str) -> Exception:
    if isinstance(error, Full | Empty):
        return WouldBlock(f"{what}: it would have to wait")
    return PeerGone(f"{what}: {error or 'end of file'}")


def _finish(queues: tuple[Anyqueue, ...]) -> None:
    """Let the feeder threads write what they hold, and end.

    A thread that cannot, because there is no receiver any more, ends with the
    process, which does not wait for it.
    """
    joiners = []
    for queue in queues:
        queue.close()
        joiners.append(threading.Thread(target=queue.join_thread, daemon=True))
        joiners[-1].start()
    deadline = time.monotonic() + FEEDING
    for queue, joiner in zip(queues, joiners, strict=True):
        joiner.join(max(0.0, deadline - time.monotonic()))
        if joiner.is_alive():
            queue.cancel_join_thread()


class MpQueueChannel(PlainChannel):
    """Queues to the server and back, or for all requests and for each client's replies."""

    def __init__(self, spec: Spec, *, fed: bool) -> None:
        super().__init__(spec)
        self._depth = (spec.depth or DEFAULT_DEPTH) if fed else None
        try:
            self._queues: list[Anyqueue] = [
                context.Queue(self._depth or 0) if fed else context.SimpleQueue()
                for _ in range(1 if spec.one_way else spec.parties)
            ]
        except (OSError, ImportError) as error:
            # Its locks are semaphores of POSIX.
            raise refused_in_shm("multiprocessing's queue", error) from error

    def _ticket(self, role: Role, index: int) -> Ticket:
        to_server, *to_clients = self._queues
        into = {Role.CLIENT: to_clients[index : index + 1], Role.SENDER: [None]}
        out = {Role.SERVER: tuple(to_clients), Role.RECEIVER: ()}
        inherited = (into.get(role, [to_server])[0], out.get(role, (to_server,)))
        return Ticket(role, index, self._spec, data={"depth": self._depth}, inherited=inherited)

    def _close(self) -> None:
        # Each queue closes its pipe, and unmaps its locks, with the last reference to it.
        self._queues = []


@dataclass(frozen=True, slots=True)
class MpQueue:
    """The transports `mp-queue` and `mp-simple-queue`.

    `fed`: a Queue with its feeder thread; else a SimpleQueue.
    """

    name: str
    traits: Traits
    fed: bool

    def probe(self) -> Limits | Unavailable:
        try:
            MpQueueChannel(Spec(size=1), fed=self.fed).close()
        except Unavailable as reason:
            return reason
        most = os.sysconf("SC_SEM_VALUE_MAX")
        depth = Limit("messages in a queue", most, "SEM_VALUE_MAX, sem_overview(7)")
        return Limits(
            message=Limit("message", None, "it has no bound: it is made of a stream"),
            others=(depth,) if self.fed else (),
        )

    def create(self, spec: Spec) -> MpQueueChannel:
        check_spec(self, spec, None)
        return MpQueueChannel(spec, fed=self.fed)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return MpQueueEndpoint(ticket, fed=self.fed)


def mp_simple_queue() -> MpQueue:
    """Make the transport of a SimpleQueue."""
    return MpQueue("mp-simple-queue", SIMPLE, fed=False)


def mp_queue() -> MpQueue:
    """Make the transport of a Queue."""
    return MpQueue("mp-queue", FED, fed=True)
