"""multiprocessing's queues: pipes behind locks, objects pickled.

A SimpleQueue writes in the caller's thread. A Queue hands objects to a feeder
thread, which its first put starts: so `put` returns early, and what a killed
process had not yet fed is lost. A queue that nobody has put into before a
fork needs no mending after it: what multiprocessing would do in a Process of
its own (`util.register_after_fork`) is to give the child what an unused
queue has anyway.

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

from ipcbench.transports.base.defaults import (
    PlainChannel,
    PlainEndpoint,
    check_seat,
    check_spec,
    closed,
    fitted,
    forbidden,
)
from ipcbench.transports.base.multiplexing import given_room, polled
from ipcbench.transports.base.os_errors import refused_in_shm
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
from ipcbench.transports.multiprocess.pipe import PICKLED_COPIES, context

SIMPLE = Traits(
    family=Family.MULTIPROCESSING,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.FAN_OUT, Topology.HUB}),
    fan_out=FanOut.COMPETE,
    peer_death=PeerDeath.SILENT,  # every process has both ends of the pipe
    sharing=Sharing.INHERIT,
    lifetime=Lifetime.PROCESS,  # the locks' names are removed as soon as they are made
    waiting=Waiting.BLOCKING,
    zero_length=True,
    pollable=True,
    copies=PICKLED_COPIES,
)
FED = replace(SIMPLE, depth=True, delayed=True)

# A Queue has no bound unless it is given one, and would hold a whole block in the
# sender's memory; this many are as good as none to whoever waits for replies.
DEFAULT_DEPTH = 1000
FEEDING = 1.0  # seconds that a message which was put may take to get into the pipe

Anyqueue: TypeAlias = Any  # a SimpleQueue or a Queue; `_reader` and `_writer` are unknown to stubs


class MpQueueEndpoint(PlainEndpoint):
    """`inherited` of its ticket: the queue to get from or None, those to put into."""

    def __init__(self, ticket: Ticket, *, fed: bool) -> None:
        spec = ticket.spec
        self._fed = fed
        into, self._out = ticket.take_inherited()
        self.depth: int | None = ticket.data["depth"]
        self.send: Any = forbidden("this end sends nothing")
        self.recv_into: Any = forbidden("this end receives nothing")
        if spec.topology is Topology.HUB and ticket.role is Role.SERVER:
            senders = [_sender(_put(queue, spec, fed)) for queue in self._out]
            self.send = forbidden("a hub says to whom: send_to")
            self.send_to: Any = lambda index, data: senders[index](data)
            self.recv_from: Any = _as_wanted(_client_finder(_get(into, spec, fed)), into, spec)
            return
        if self._out:
            put = _put(self._out[0], spec, fed)
            hub = spec.topology is Topology.HUB
            self.send = _requester(put, ticket.index) if hub else _sender(put)
        if into is not None:
            self.recv_into = _as_wanted(_receiver(_get(into, spec, fed)), into, spec)

    def prepare(self, data: memoryview) -> bytes:
        return bytes(data)  # a memoryview cannot be pickled

    def close(self) -> None:
        self.send = self.recv_into = self.recv_from = self.send_to = closed
        queues, self._out = self._out, ()
        if self._fed:
            _finish(queues)


def _put(queue: Anyqueue, spec: Spec, fed: bool) -> Callable[[Any], None]:
    if not spec.nowait:
        return queue.put  # type: ignore[no-any-return]
    return queue.put_nowait if fed else given_room(queue._writer.fileno(), queue.put)


def _get(queue: Anyqueue, spec: Spec, fed: bool) -> Callable[[], Any]:
    """What gets one object; with `nowait`, or raises Empty.

    Where several receivers compete for the last one, another may be quicker:
    then a SimpleQueue waits after all, for it has no `get` that does not.
    """

    def get_now() -> Any:
        # What was put is counted before it is in the pipe.
        return queue.get(timeout=FEEDING) if queue.qsize() else queue.get_nowait()

    def get_simply_now() -> Any:
        if queue.empty():
            raise Empty
        return queue.get()

    if not spec.nowait:
        return queue.get  # type: ignore[no-any-return]
    return get_now if fed else get_simply_now


def _as_wanted(receive: Any, queue: Anyqueue, spec: Spec) -> Any:
    return polled(queue._reader.fileno(), receive, nowait=spec.nowait) if spec.poll else receive


def _sender(put: Callable[[Any], None]) -> Any:
    def send(data: Any, /) -> None:
        try:
            put(data)
        except (OSError, Full) as error:
            raise _translated(error, "send") from error

    return send


def _requester(put: Callable[[Any], None], index: int) -> Any:
    def send(data: Any, /) -> None:
        try:
            put((index, data))
        except (OSError, Full) as error:
            raise _translated(error, "send") from error

    return send


def _receiver(get: Callable[[], Any]) -> Any:
    def recv_into(buffer: memoryview, /) -> int:
        try:
            data = get()
        except (OSError, EOFError, Empty) as error:
            raise _translated(error, "receive") from error
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return received

    return recv_into


def _client_finder(get: Callable[[], Any]) -> Any:
    def recv_from(buffer: memoryview, /) -> int:
        try:
            index, data = get()
        except (OSError, EOFError, Empty) as error:
            raise _translated(error, "receive") from error
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return index  # type: ignore[no-any-return]

    return recv_from


def _translated(error: Exception, what: str) -> Exception:
    if isinstance(error, Full | Empty):
        return WouldBlock(f"{what}: it would have to wait")
    return PeerGone(f"{what}: {error or 'end of file'}")


def _finish(queues: tuple[Anyqueue, ...]) -> None:
    """Let the feeder threads pass on what they have, and end.

    One that cannot, for nobody takes anything any more, is left to end with
    the process, which does not wait for it.
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
    """`_queues`: of one direction, forth and back, or requests and each client's replies."""

    def __init__(self, spec: Spec, *, fed: bool) -> None:
        self._spec = spec
        self._closed = False
        self._depth = (spec.depth or DEFAULT_DEPTH) if fed else None
        one_way = spec.topology in (Topology.FAN_IN, Topology.FAN_OUT)
        try:
            self._queues: list[Anyqueue] = [
                context.Queue(self._depth or 0) if fed else context.SimpleQueue()
                for _ in range(1 if one_way else spec.parties)
            ]
        except (OSError, ImportError) as error:
            # Its locks are semaphores of POSIX.
            raise refused_in_shm("multiprocessing's queue", error) from error

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed:
            raise Closed("the channel is closed")
        forth, *back = self._queues
        into = {Role.CLIENT: back[index : index + 1], Role.SENDER: [None]}.get(role, [forth])
        out = {Role.SERVER: tuple(back), Role.RECEIVER: ()}.get(role, (forth,))
        return Ticket(
            role, index, self._spec, data={"depth": self._depth}, inherited=(into[0], out)
        )

    def close(self) -> None:
        # Each queue closes its pipe, and unmaps its locks, with the last reference to it.
        self._closed = True
        self._queues = []


@dataclass(frozen=True, slots=True)
class MpQueue:
    """`fed`: a Queue with its feeder thread; else a SimpleQueue."""

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
            message=Limit("message", None, "it has no bound: a stream is under it"),
            others=(depth,) if self.fed else (),
        )

    def create(self, spec: Spec) -> MpQueueChannel:
        check_spec(self, spec, None)
        return MpQueueChannel(spec, fed=self.fed)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return MpQueueEndpoint(ticket, fed=self.fed)


def mp_simple_queue() -> MpQueue:
    return MpQueue("mp-simple-queue", SIMPLE, fed=False)


def mp_queue() -> MpQueue:
    return MpQueue("mp-queue", FED, fed=True)
