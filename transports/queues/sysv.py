"""System V message queues (svipc(7)): whole messages of a type each, kept by the kernel.

A link is two queues or, as `sysv-queue:types`, one queue whose two directions
have different message types. A hub is two queues: the type names the client
that sent a request, and the one that a reply is for.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ipcbench.transports.base import (
    Gathered,
    PlainChannel,
    PlainEndpoint,
    check_message,
    check_spec,
    refused,
    serve,
    set_kernel,
    sysctl,
    sysctl_limit,
)
from ipcbench.transports.base.bindings import require, sysv_ipc
from ipcbench.transports.base.proc import MOST, USUAL, in_use
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
from ipcbench.transports.kernel_objects import KernelName
from ipcbench.transports.kernel_objects.sysv_keys import (
    check_sysv,
    create_with_key,
    key_of,
)
from ipcbench.transports.native import WaitPolicy, build
from ipcbench.transports.queues.sysv_calls import receiver, receiver_from, sender, sender_to

TRAITS = Traits(
    family=Family.QUEUE,
    framing=Framing.MESSAGE,
    topologies=frozenset({Topology.LINK, Topology.FAN_IN, Topology.FAN_OUT, Topology.HUB}),
    fan_out=FanOut.COMPETE,
    peer_death=PeerDeath.SILENT,
    sharing=Sharing.NAME,
    lifetime=Lifetime.KERNEL,
    # Into the kernel and out of it; the binding has a struct msgbuf of its own on
    # either side, and makes bytes of the second one, which go into the buffer.
    copies=5,
    spins=True,
    depth=True,
    native=True,
    native_copies=2,
)

ANY = 0  # the type by which a receiver asks for the oldest message of any type: msgop(2)
TO_SERVER, TO_CLIENT = 1, 2  # the directions' types where one queue has both
KIND = "sysv queue"  # in the ledger
LARGEST = 2**31 - 1  # the bound of kernel.msgmax and kernel.msgmnb: ipc/ipc_sysctl.c
MOST_TYPES = 2**31 - 1  # the binding's: a type is a C int there


class SysvQueueEndpoint(PlainEndpoint):
    """An end of one queue, or of two."""

    def __init__(self, ticket: Ticket, *, one: bool) -> None:
        data, spec = ticket.data, ticket.spec
        self.depth: int | None = data["depth"]
        try:
            # The binding checks messages against this size, and allocates as much.
            to_server, to_client = (
                sysv_ipc.MessageQueue(key, 0, max_message_size=_capacity(spec))
                for key in (data["keys"][0], data["keys"][-1])
            )
        except sysv_ipc.ExistentialError as error:
            raise PeerGone(f"the queue with key {data['keys'][0]} is gone") from error
        for queue in (to_server, to_client):
            check_sysv(queue, f"the queue with key {queue.key}")
        self._ticket = ticket
        self._given, self._wanted = _types(ticket, one=one)
        client = ticket.role is Role.CLIENT
        self._into, self._out = (to_client, to_server) if client else (to_server, to_client)
        if ticket.serves_hub:
            receive = receiver(self._into, spec, ANY)
            gathered = Gathered(receive, receiver_from(self._into, spec, ANY))
            serve(self, gathered, sender_to(self._out, spec))
            return
        if ticket.role is not Role.RECEIVER:
            self.send = sender(self._out, spec, self._given)
        if ticket.role is not Role.SENDER:
            self.recv_into = receiver(self._into, spec, self._wanted)

    def prepare(self, data: memoryview) -> bytes:
        check_message(data, self._ticket.spec)
        return bytes(data)  # what the binding takes most quickly

    def native(self) -> object | None:
        spec, role = self._ticket.spec, self._ticket.role
        return build(
            "sysv_queue",
            self,
            -1 if role is Role.SENDER else self._into.id,
            -1 if role is Role.RECEIVER else self._out.id,
            _capacity(spec),
            self._given,
            self._wanted,
            WaitPolicy.of(spec),
            self._ticket.serves_hub,
        )


def _capacity(spec: Spec) -> int:
    """Return the bytes that a message is counted for: one of no bytes as one, msgop(2)."""
    return max(spec.size, 1)


def _types(ticket: Ticket, *, one: bool) -> tuple[int, int]:
    """Return the type of the messages that a seat sends, and the type that it receives."""
    if ticket.serves_hub:
        return 0, ANY  # each message has its client's
    if one:
        client = ticket.role is Role.CLIENT
        return (TO_SERVER, TO_CLIENT) if client else (TO_CLIENT, TO_SERVER)
    if ticket.spec.topology is Topology.HUB:
        return ticket.index + 1, ticket.index + 1
    kind = ticket.spec.kind
    return kind or 1, kind or ANY


class SysvQueueChannel(PlainChannel):
    """One queue for each direction, the one to the server first, or one for both."""

    def __init__(self, spec: Spec, *, one: bool) -> None:
        super().__init__(spec)
        self._queues: list[Any] = []
        self._names: list[KernelName] = []
        self._depth = 0
        both = not spec.one_way and not one
        try:
            for number in range(2 if both else 1):
                self._create(number)
                self._depth = _depth(self._queues[-1], spec)
        except BaseException:
            self.unlink()
            raise

    def _create(self, number: int) -> None:
        """Create a queue under a private random key, or the spec's key plus `number`.

        Raises: FileExistsError, Unavailable, ValueError (the name is no key).
        """
        name = self._spec.name
        fixed = None if name is None else key_of(name, number)
        try:
            key, queue = create_with_key(KIND, fixed, _queue)
        except FileExistsError:
            raise
        except (OSError, sysv_ipc.PermissionsError) as error:
            raise refused("msgget(2)", error, _more_queues()) from error
        self._queues.append(queue)
        self._names.append(
            KernelName(
                KIND, str(key), private=name is None, unlink=partial(_remove, queue), exists=True
            )
        )

    def _ticket(self, role: Role, index: int) -> Ticket:
        keys = [queue.key for queue in self._queues]
        return Ticket(role, index, self._spec, data={"keys": keys, "depth": self._depth})

    def unlink(self) -> None:
        for name in self._names:
            name.remove()


def _queue(key: int) -> Any:
    return sysv_ipc.MessageQueue(key, sysv_ipc.IPC_CREX, 0o600)


def _remove(queue: Any) -> None:
    """Remove a queue by its number, which no other queue is given soon."""
    with contextlib.suppress(sysv_ipc.ExistentialError):
        queue.remove()


def _depth(queue: Any, spec: Spec) -> int:
    """Set a queue's depth, and return how many messages of the spec's size it holds.

    Raises:
        Unavailable: the spec's depth is more than the machine allows.
    """
    size = _capacity(spec)
    if spec.depth is not None:
        try:
            queue.max_size = spec.depth * size  # IPC_SET of msg_qbytes: msgctl(2)
        except (sysv_ipc.PermissionsError, OSError) as error:
            raise Unavailable(
                f"a queue of {spec.depth} messages of {size} bytes is more than kernel.msgmnb, "
                f"{sysctl('kernel.msgmnb')}",
                _raised(Need(size, spec.depth)),
            ) from error
    return int(queue.max_size) // size


@dataclass(frozen=True, slots=True)
class SysvQueue:
    """The transports `sysv-queue` and `sysv-queue:types`.

    `one_for_both`: a link over one queue, whose two directions differ by type.
    """

    name: str = "sysv-queue"
    traits: Traits = TRAITS
    one_for_both: bool = False

    def probe(self) -> Limits | Unavailable:
        try:
            require("sysv_ipc")
            SysvQueueChannel(Spec(size=1, topology=Topology.FAN_IN), one=True).unlink()
        except Unavailable as reason:
            return reason
        queues = Limit("queues", sysctl("kernel.msgmni"), "kernel.msgmni", _more_queues())
        return Limits(
            message=_message_limit(),
            others=(sysctl_limit("bytes in a queue", "kernel.msgmnb"), queues),
        )

    def create(self, spec: Spec) -> SysvQueueChannel:
        require("sysv_ipc")
        check_spec(self, spec, _message_limit().value)
        self._check_kind(spec)
        return SysvQueueChannel(spec, one=self.one_for_both)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        require("sysv_ipc")
        self._check_kind(ticket.spec)  # each seat may have a kind of its own
        return SysvQueueEndpoint(ticket, one=self.one_for_both)

    def _check_kind(self, spec: Spec) -> None:
        if spec.kind is None:
            return
        if not 0 < spec.kind <= MOST_TYPES:
            raise ValueError(f"type {spec.kind}: they go from 1 to {MOST_TYPES}")
        if self.one_for_both or spec.topology is Topology.HUB:
            raise ValueError(f"{self.name} needs the types for itself here: none can be chosen")


def _message_limit() -> Limit:
    """Return the smaller one of the two bounds of a message: msgget(2)."""
    value, name = min((sysctl(name), name) for name in ("kernel.msgmax", "kernel.msgmnb"))
    return Limit("message", value, name, _raised(Need(2 * value)), _raised)


def _raised(need: Need) -> str:
    """Return the settings for messages of a size, and for queues of the depth: proc_sys_kernel(5).

    Both bounds hold for a message. By default the queue holds two of the longest messages.
    """
    wanted = {"kernel.msgmax": need.size, "kernel.msgmnb": (need.depth or 2) * need.size}
    if need.size <= LARGEST < wanted["kernel.msgmnb"] and need.depth is None:
        wanted["kernel.msgmnb"] = LARGEST
    if max(wanted.values()) > LARGEST:
        return f"no setting suffices: kernel.msgmax and kernel.msgmnb go up to {LARGEST}"
    return set_kernel({name: value for name, value in wanted.items() if value > sysctl(name)})


def _more_queues() -> str:
    """Return the remedy for too few queues in this IPC namespace."""
    most = min(MOST, max(USUAL, 2 * sysctl("kernel.msgmni"), 2 * len(in_use("msg"))))
    return either_of("remove queues (ipcs -q, ipcrm -q ID)", set_kernel({"kernel.msgmni": most}))


def types() -> SysvQueue:
    """Make the transport in which one queue serves as two."""
    traits = replace(TRAITS, topologies=frozenset({Topology.LINK}), fan_out=FanOut.NONE)
    return SysvQueue("sysv-queue:types", traits, one_for_both=True)
