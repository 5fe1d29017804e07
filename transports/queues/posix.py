"""POSIX message queues (mq_overview(7)): messages with priorities, on descriptors.

A link is two queues, a hub two for each client: so the server knows a client by
the queue its request is in, and waits for all queues with epoll(7). One queue
with a priority for each client would always serve the highest first, and keep
the other clients waiting.
"""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from functools import partial
from typing import Any

from ipcbench.transports.base import (
    DescriptorEndpoint,
    PlainChannel,
    check_message,
    check_spec,
    raise_limit,
    refused,
    set_kernel,
    spins,
    sysctl,
    sysctl_limit,
)
from ipcbench.transports.base.bindings import posix_ipc, require
from ipcbench.transports.base.remedies import either_of
from ipcbench.transports.contract import (
    Endpoint,
    Family,
    FanOut,
    Framing,
    Lifetime,
    Limit,
    Limits,
    Need,
    PeerDeath,
    PeerGone,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
)
from ipcbench.transports.kernel_objects import KernelName, check_ours, fresh_name
from ipcbench.transports.native import build_over_descriptors
from ipcbench.transports.queues.mq_open import create_queue, queues_here
from ipcbench.transports.queues.posix_calls import look, receiver, sender, spinning_sender
from ipcbench.transports.queues.posix_limits import (
    DEEPEST,
    QUEUES,
    counted,
    default_depth,
    message_limit,
    raised,
    user_bytes,
)

TRAITS = Traits(
    family=Family.QUEUE,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.FAN_OUT, Topology.HUB}),
    fan_out=FanOut.COMPETE,
    peer_death=PeerDeath.SILENT,
    sharing=Sharing.NAME,
    lifetime=Lifetime.KERNEL,
    pollable=True,
    spins=True,
    copies=3,  # into the kernel, out of it into the binding's bytes, and from there
    unlink_early=True,
    depth=True,
    native=True,
    native_copies=2,
)

PRIORITIES = os.sysconf("SC_MQ_PRIO_MAX")
REMOVE = "remove queues: mount -t mqueue none /mnt && ls /mnt"


class PosixQueueEndpoint(DescriptorEndpoint):
    """An end of queues, whose handles are descriptors: mq_overview(7)."""

    def __init__(self, ticket: Ticket) -> None:
        self.depth: int | None = ticket.data["depth"]
        self._spec = spec = ticket.spec
        self._queues: list[Any] = []
        try:
            into = [self._open(name, read=True) for name in ticket.data["into"]]
            out = [self._open(name, read=False) for name in ticket.data["out"]]
            self._reading, self._writing = ([queue.mqd for queue in ends] for ends in (into, out))
            priority = spec.kind or 0
            if spins(spec):
                senders = [spinning_sender(queue, priority, spec) for queue in out]
                self._bind_spinning(ticket, {queue.mqd: look(queue) for queue in into}, senders)
            else:
                receivers = {queue.mqd: receiver(queue) for queue in into}
                self._bind(ticket, receivers, [sender(queue, priority) for queue in out])
        except BaseException:
            self.close()
            raise

    def _open(self, name: str, *, read: bool) -> Any:
        queue = open_queue(name, read=read, write=not read)
        self._queues.append(queue)
        # Of this open description, mq_setattr(3): the other ends have descriptions of their own.
        queue.block = not (self._spec.nowait or spins(self._spec))
        return queue

    def prepare(self, data: memoryview) -> bytes:
        check_message(data, self._spec)
        return bytes(data)  # what the binding takes most quickly

    def native(self) -> object | None:
        return build_over_descriptors(
            "posix_queues",
            self,
            self._spec,
            self._reading,
            self._writing,
            self._spec.kind or 0,
            gatherer=self._gatherer,
            size=_capacity(self._spec),
        )

    def _close(self) -> None:
        for queue in self._queues:
            queue.close()


def open_queue(name: str, *, read: bool, write: bool) -> Any:
    """Open a queue of our own user.

    Args:
        name: its name.
        read: it is received from.
        write: it is sent to.

    Raises:
        PeerGone: it was removed.
        PermissionError: it is another user's.
        Unavailable: mq_open(3) fails.
    """
    try:
        queue = posix_ipc.MessageQueue(name, read=read, write=write)
    except posix_ipc.ExistentialError as error:
        raise PeerGone(f"the queue {name} is gone") from error
    except OSError as error:
        raise _unopened(error) from error
    try:
        check_ours(os.fstat(queue.mqd).st_uid, f"the queue {name}")
    except BaseException:
        queue.close()
        raise
    return queue


class _UserLimit(Unavailable):
    """Refusal by RLIMIT_MSGQUEUE; a queue of fewer messages may be possible."""


class PosixQueueChannel(PlainChannel):
    """One queue, or for each client one to the server and one back, by `_names` in this order."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        self._names: list[KernelName] = []
        size, depth = _capacity(spec), spec.depth
        self._need = Need(size, depth, spec.topology, spec.parties, spec.channels)
        self._depth = depth or default_depth(self._need)
        while True:
            try:
                for number in range(self._need.ways // spec.channels):
                    self._create(number)
                break
            except _UserLimit:
                self.unlink()
                if spec.depth is not None or self._depth == 1:
                    raise
                self._depth //= 2
            except BaseException:
                self.unlink()
                raise

    def _create(self, number: int) -> None:
        """Create a queue under a private random name, or the spec's with `number` behind it."""
        fixed, size = self._spec.name, _capacity(self._spec)
        name = "/" + fresh_name() if fixed is None else f"{fixed}-{number}" if number else fixed
        kernel_name = KernelName(
            "posix queue", name, private=fixed is None, unlink=partial(_unlink, name)
        )
        try:
            with kernel_name.creating():
                create_queue(name, self._depth, size)
        except FileExistsError as error:
            raise FileExistsError(f"{name} is taken") from error
        except OSError as error:
            raise self._refused(error, name, size) from error
        self._names.append(kernel_name)

    def _refused(self, error: OSError, name: str, size: int) -> Exception:
        """Make the error for a queue that mq_open(3) has refused, with its remedy."""
        need, depth = self._need, self._depth
        if error.errno in (errno.EINVAL, errno.ENOENT, errno.ENAMETOOLONG, errno.EACCES):
            if depth > (most := sysctl(DEEPEST)):
                return Unavailable(
                    f"a queue of {depth} messages is more than {DEEPEST}, {most}", raised(need)
                )
            if error.errno != errno.EACCES or "/" in name[1:]:
                return ValueError(
                    f"{name!r} is no queue's name: write /NAME, with no other slash in it"
                )
        if error.errno == errno.ENOSPC:
            most = sysctl(QUEUES)
            enough = max(most, queues_here()) + need.ways
            return Unavailable(
                f"there are {QUEUES} queues already, {most}",
                either_of(REMOVE, set_kernel({QUEUES: enough})),
            )
        # mq_open(3) uses it for both; RLIMIT_NOFILE counts the descriptors of this process.
        if error.errno == errno.EMFILE and _spare_descriptor():
            user = user_bytes()
            return _UserLimit(
                f"the queues of a user hold RLIMIT_MSGQUEUE bytes in all, {user}, and one of "
                f"{depth} messages of {size} bytes would be too much",
                either_of(
                    raise_limit(
                        "RLIMIT_MSGQUEUE",
                        max(819200, (user or 0) + need.ways * counted(depth, size)),
                    ),
                    REMOVE,
                ),
            )
        return _unopened(error)

    def _ticket(self, role: Role, index: int) -> Ticket:
        names = [one.name for one in self._names]
        to_server, to_client = names[0::2], names[1::2]
        into, out = {
            Role.CLIENT: (to_client[index : index + 1], to_server[index : index + 1]),
            Role.SERVER: (to_server, to_client),
            Role.SENDER: ([], names),
            Role.RECEIVER: (names, []),
        }[role]
        data = {"into": into, "out": out, "depth": self._depth}
        return Ticket(role, index, self._spec, data=data)

    def unlink(self) -> None:
        names, self._names = self._names, []
        for name in names:
            name.remove()


def _unlink(name: str) -> None:
    with contextlib.suppress(posix_ipc.ExistentialError):
        posix_ipc.unlink_message_queue(name)


def _capacity(spec: Spec) -> int:
    """Return the bytes of a queue's messages: mq_open(3) refuses 0, an acknowledgement has 1."""
    return max(spec.size, 1)


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
    """The transport `posix-queue`."""

    name: str = "posix-queue"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        try:
            require("posix_ipc")
            sysctl(QUEUES)
            PosixQueueChannel(Spec(size=1, topology=Topology.FAN_IN, depth=1)).unlink()
        except FileNotFoundError as error:
            return Unavailable(f"this kernel has no message queues of POSIX: no {error.filename}")
        except Unavailable as reason:
            return reason
        user = user_bytes()
        return Limits(
            message=message_limit(),
            others=(
                sysctl_limit("messages in a queue", DEEPEST),
                Limit(
                    "bytes in all queues of a user",
                    user,
                    "RLIMIT_MSGQUEUE",
                    "" if user is None else raise_limit("RLIMIT_MSGQUEUE", 2 * user),
                ),
                sysctl_limit("queues", QUEUES),
            ),
        )

    def create(self, spec: Spec) -> PosixQueueChannel:
        require("posix_ipc")
        check_spec(self, spec, message_limit().value)
        _check_priority(spec)
        return PosixQueueChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        require("posix_ipc")
        _check_priority(ticket.spec)  # each seat may have one of its own
        return PosixQueueEndpoint(ticket)


def _check_priority(spec: Spec) -> None:
    if spec.kind is not None and not 0 <= spec.kind < PRIORITIES:
        raise ValueError(f"priority {spec.kind}: they go from 0 to {PRIORITIES - 1}")
