"""POSIX message queues (mq_overview(7)): messages with priorities, on descriptors.

A link is two queues, a hub two for each client: so the server knows by the
queue whose request it has, and waits for all of them with epoll(7). One queue
whose messages' priorities name the clients would always serve the highest
first, and keep the others waiting.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ipcbench.transports.base.bindings import missing, posix_ipc
from ipcbench.transports.base.defaults import (
    PlainEndpoint,
    check_seat,
    check_spec,
    closed,
    fitted,
    forbidden,
)
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
    MessageTooLarge,
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
from ipcbench.transports.kernel_objects import announce, fresh_name, withdraw
from ipcbench.transports.kernel_objects.ownership import check_ours
from ipcbench.transports.native import operations

TRAITS = Traits(
    family=Family.QUEUE,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.FAN_OUT, Topology.HUB}),
    fan_out=FanOut.COMPETE,
    peer_death=PeerDeath.SILENT,
    sharing=Sharing.NAME,
    lifetime=Lifetime.KERNEL,
    waiting=Waiting.BLOCKING,
    zero_length=True,
    pollable=True,
    copies=3,  # into the kernel, out of it into the binding's bytes, and from there
    unlink_early=True,
    depth=True,
    native=True,
    native_copies=2,
)

MOST_MESSAGES = 10  # a queue's default depth, where the limits allow it: mq_overview(7)
PRIORITIES = os.sysconf("SC_MQ_PRIO_MAX")

# What the kernel counts towards RLIMIT_MSGQUEUE for each message beside its bytes:
# a struct msg_msg and a struct posix_msg_tree_node (getrlimit(2)), on 64 bits.
OVERHEAD = 96

_SETTINGS = Path("/proc/sys/fs/mqueue")


def _setting(name: str) -> int:
    return int((_SETTINGS / name).read_text())


def _user_bytes() -> int | None:
    """What all queues of this user together may hold; None: no bound."""
    soft, _ = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
    return None if soft == resource.RLIM_INFINITY else soft


def message_limit() -> Limit:
    """The longest message of a link of two queues, each of one message at least.

    A process with CAP_SYS_RESOURCE may exceed the setting (mq_overview(7)); it
    is the bound for it too, or what root measures would be had by nobody else.
    """
    longest = _setting("msgsize_max")
    user = _user_bytes()
    if user is not None and user // 2 - OVERHEAD < longest:
        return Limit(
            "message", max(0, user // 2 - OVERHEAD), "RLIMIT_MSGQUEUE", f"ulimit -q {2 * user}"
        )
    return Limit(
        "message",
        longest,
        "fs.mqueue.msgsize_max",
        f"sysctl -w fs.mqueue.msgsize_max={2 * longest}",
    )


class PosixQueueEndpoint(PlainEndpoint):
    def __init__(self, ticket: Ticket) -> None:
        self.depth: int | None = ticket.data["depth"]
        self._spec = ticket.spec
        self._queues: list[Any] = []
        self._ends: tuple[list[int], list[int]] = [], []  # descriptors: mq_overview(7)
        self._gatherer: Gatherer | None = None
        self.send: Any = forbidden("this end sends nothing")
        self.recv_into: Any = forbidden("this end receives nothing")
        try:
            self._wire(ticket)
        except BaseException:
            self.close()
            raise

    def _wire(self, ticket: Ticket) -> None:
        spec = ticket.spec
        receivers: dict[int, Callable[[memoryview], int]] = {}
        for name in ticket.data["into"]:
            queue = self._open(name, spec, read=True)
            receivers[queue.mqd] = _receiver(queue)
        queues = [self._open(name, spec, read=False) for name in ticket.data["out"]]
        senders = [_sender(queue, spec.kind or 0) for queue in queues]
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

    def _open(self, name: str, spec: Spec, *, read: bool) -> Any:
        try:
            queue = posix_ipc.MessageQueue(name, read=read, write=not read)
        except posix_ipc.ExistentialError as error:
            raise PeerGone(f"the queue {name} is gone") from error
        except OSError as error:
            raise _unopened(error) from error
        self._queues.append(queue)
        check_ours(os.fstat(queue.mqd).st_uid, f"the queue {name}")
        self._ends[0 if read else 1].append(queue.mqd)
        queue.block = not spec.nowait
        return queue

    def prepare(self, data: memoryview) -> bytes:
        return bytes(data)  # what the binding takes most quickly

    def native(self) -> object | None:
        if operations is None:
            return None
        spec = self._spec
        epoll = -1 if self._gatherer is None else self._gatherer.fileno()
        reading, writing = map(tuple, self._ends)
        return operations.posix_queues(  # type: ignore[no-any-return]
            self, reading, writing, _room(spec), epoll, spec.poll, spec.nowait, spec.kind or 0
        )

    def close(self) -> None:
        self.send = self.recv_into = self.recv_from = self.send_to = closed
        if self._gatherer is not None:
            self._gatherer.close()
        queues, self._queues = self._queues, []
        for queue in queues:
            queue.close()


def _sender(queue: Any, priority: int) -> Any:
    put = queue.send

    def send(data: Any, /) -> None:
        try:
            put(data, None, priority)
        except (ValueError, posix_ipc.Error) as error:
            raise _translated(error, "send") from error

    return send


def _receiver(queue: Any) -> Any:
    take = queue.receive

    def recv_into(buffer: memoryview, /) -> int:
        try:
            data, _ = take()
        except posix_ipc.Error as error:
            raise _translated(error, "receive") from error
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return received

    return recv_into


def _translated(error: Exception, what: str) -> Exception:
    if isinstance(error, posix_ipc.BusyError):
        return WouldBlock(f"{what}: it would have to wait")
    if isinstance(error, posix_ipc.SignalError):
        # The binding has run the signal's handler and dropped what that raised, so
        # to wait again, as PEP 475 has it, could be to wait for ever.
        return InterruptedError(errno.EINTR, f"{what}: interrupted by a signal")
    if isinstance(error, ValueError):
        return MessageTooLarge(f"{what}: {error}")
    return error


class _UserLimit(Unavailable):
    """RLIMIT_MSGQUEUE stands in the way; a queue of fewer messages may do."""


class PosixQueueChannel:
    """`_names`: of one queue, or of each client's forth and back in turn."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._closed = False
        self._names: list[str] = []
        one_way = spec.topology in (Topology.FAN_IN, Topology.FAN_OUT)
        count = 1 if one_way else 2 * (spec.parties - 1)
        self._depth = spec.depth or min(MOST_MESSAGES, _setting("msg_max"))
        while True:
            try:
                for number in range(count):
                    self._names.append(_create(spec, number, self._depth))
                break
            except _UserLimit:
                self.unlink()
                if spec.depth is not None or self._depth == 1:
                    raise
                self._depth //= 2
            except BaseException:
                self.unlink()
                raise

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed:
            raise Closed("the channel is closed")
        forth, back = self._names[0::2], self._names[1::2]
        into, out = {
            Role.CLIENT: (back[index : index + 1], forth[index : index + 1]),
            Role.SERVER: (forth, back),
            Role.SENDER: ([], forth),
            Role.RECEIVER: (forth, []),
        }[role]
        return Ticket(
            role, index, self._spec, data={"into": into, "out": out, "depth": self._depth}
        )

    def close(self) -> None:
        self._closed = True

    def unlink(self) -> None:
        names, self._names = self._names, []
        for name in names:
            with contextlib.suppress(posix_ipc.ExistentialError):
                posix_ipc.unlink_message_queue(name)
            if self._spec.name is None:
                withdraw("posix queue", name)


def _room(spec: Spec) -> int:
    """A size of 0 is none to mq_open(3), and an acknowledgement has one byte."""
    return max(spec.size, 1)


def _create(spec: Spec, number: int, depth: int) -> str:
    """Make a queue under a private random name, or the spec's with `number` behind it."""
    if spec.name is None:
        name = "/" + fresh_name()
        announce("posix queue", name)
    else:
        name = spec.name if number == 0 else f"{spec.name}-{number}"
    size = _room(spec)
    try:
        posix_ipc.MessageQueue(name, posix_ipc.O_CREX, 0o600, depth, size).close()
    except Exception as error:
        if spec.name is None:
            withdraw("posix queue", name)
        raise _refused(error, name, depth, size) from error
    return name


def _refused(error: Exception, name: str, depth: int, size: int) -> Exception:
    """Why mq_open(3) makes no queue, and what would help."""
    if isinstance(error, posix_ipc.ExistentialError):
        return FileExistsError(f"{name} is taken")
    if isinstance(error, ValueError):
        most = _setting("msg_max")
        if depth > most:
            return Unavailable(
                f"a queue of {depth} messages is more than fs.mqueue.msg_max, {most}",
                f"sysctl -w fs.mqueue.msg_max={depth}",
            )
        return ValueError(f"{name!r} is no queue's name: write /NAME, with no other slash in it")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        most = _setting("queues_max")
        return Unavailable(
            f"there are fs.mqueue.queues_max queues already, {most}",
            f"sysctl -w fs.mqueue.queues_max={2 * most}",
        )
    user = _user_bytes()
    # The binding calls EMFILE a lack of descriptors, and drops the number; mq_open(3)
    # means RLIMIT_MSGQUEUE by it as well.
    exhausted = isinstance(error, OSError) and error.errno is None and _spare_descriptor()
    if exhausted and user is not None:
        return _UserLimit(
            f"the queues of a user hold RLIMIT_MSGQUEUE bytes in all, {user}, and one of "
            f"{depth} messages of {size} bytes would be too much",
            f"ulimit -q {max(819200, 4 * user)}, or remove queues: "
            "mount -t mqueue none /mnt && ls /mnt",
        )
    return _unopened(error)


def _unopened(error: Exception) -> Unavailable:
    if isinstance(error, OSError) and error.errno is None:  # the binding's text for EMFILE
        error = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return refused("mq_open(3)", error)


def _spare_descriptor() -> bool:
    try:
        os.close(os.open("/", os.O_PATH | os.O_CLOEXEC))
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class PosixQueue:
    name: str = "posix-queue"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        if posix_ipc is None:
            return missing("posix_ipc")
        if not _SETTINGS.exists():
            return Unavailable(f"this kernel has no message queues of POSIX: no {_SETTINGS}")
        try:
            channel = PosixQueueChannel(Spec(size=1, topology=Topology.FAN_IN, depth=1))
        except Unavailable as reason:
            return reason
        channel.unlink()
        most, queues, user = _setting("msg_max"), _setting("queues_max"), _user_bytes()
        return Limits(
            message=message_limit(),
            others=(
                Limit(
                    "messages in a queue",
                    most,
                    "fs.mqueue.msg_max",
                    f"sysctl -w fs.mqueue.msg_max={2 * most}",
                ),
                Limit(
                    "bytes in all queues of a user",
                    user,
                    "RLIMIT_MSGQUEUE",
                    "" if user is None else f"ulimit -q {2 * user}",
                ),
                Limit(
                    "queues",
                    queues,
                    "fs.mqueue.queues_max",
                    f"sysctl -w fs.mqueue.queues_max={2 * queues}",
                ),
            ),
        )

    def create(self, spec: Spec) -> PosixQueueChannel:
        if posix_ipc is None:
            raise missing("posix_ipc")
        check_spec(self, spec, message_limit().value)
        _check_priority(spec)
        return PosixQueueChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        if posix_ipc is None:
            raise missing("posix_ipc")
        _check_priority(ticket.spec)  # each seat may have one of its own
        return PosixQueueEndpoint(ticket)


def _check_priority(spec: Spec) -> None:
    if spec.kind is not None and not 0 <= spec.kind < PRIORITIES:
        raise ValueError(f"priority {spec.kind}: they go from 0 to {PRIORITIES - 1}")
