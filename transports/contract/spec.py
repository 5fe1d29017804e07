"""Specs and tickets: what a channel has to be, and what a process needs to attach to it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ipcbench.transports.contract.closing import Closing
from ipcbench.transports.contract.traits import Role, Topology, Wait

Json: TypeAlias = Any
"""A value that `json.dumps` takes; its shape is defined by the transport."""


@dataclass(frozen=True, slots=True)
class Spec:
    """Requirements for a channel.

    Args:
        size: the largest message, in bytes; every message of a stream has this size.
        topology: the arrangement of the processes.
        parties: the number of processes on this channel.
        depth: messages that fit into a direction before a sender waits, into each
            lane or into the one queue of all; None: the transport's own default.
            `create` raises Unavailable where that is more than the machine allows.
        nowait: `send` and `recv_into` raise `WouldBlock` instead of waiting.
        wait: the way in which the ends wait (see `Wait`). `Wait.BLOCK` is the facility's own
            way, which the trait `waiting` names; any other one has to be among
            those that the traits allow (`Traits.can_wait`).
        looks: the looks of `Wait.SPIN_BLOCK` before it sleeps, at all peers together; None: the
            facility's own default.
        exclusive_cpus: each process of the channel has a CPU of its own, so an end that spins
            keeps it. Else it yields the CPU between two looks (sched_yield(2)), which is always
            safe: the process that it waits for may need that CPU. Each seat may set its own in
            its ticket's spec.
        own_framing: the processes tell each other the lengths of a stream's messages in a way of
            their own. Then `prepare` takes any length up to the size, and `recv_into` fills a
            buffer of any length. Else a stream is as strict as messages are: every message has
            the size.
        kind: the type of a System V message (1 or more), or the priority of a POSIX
            message; each seat may set its own in its ticket's spec.
        name: a fixed name instead of a private random one.
        native: the loops will be compiled ones, over `Endpoint.native()`: what only
            those need is created too.
        channels: such channels that exist at once, this one among them: they share the
            bounds of the machine.

    Raises:
        ValueError: the numbers contradict each other or the topology.
    """

    size: int
    topology: Topology = Topology.LINK
    parties: int = 2
    depth: int | None = None
    nowait: bool = False
    wait: Wait = Wait.BLOCK
    looks: int | None = None
    exclusive_cpus: bool = False
    own_framing: bool = False
    kind: int | None = None
    name: str | None = None
    native: bool = False
    channels: int = 1

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError(f"a message of {self.size} bytes: sizes are 0 or more")
        if self.parties < 2:
            raise ValueError(f"{self.parties} parties: a channel joins 2 processes or more")
        if self.topology in (Topology.LINK, Topology.SIGNAL) and self.parties != 2:
            raise ValueError(
                f"{self.parties} parties: a {self.topology.value} joins exactly 2 processes"
            )
        if self.depth is not None and self.depth < 1:
            raise ValueError(f"depth {self.depth}: a channel holds 1 message or more")
        if self.looks is not None and self.looks < 1:
            raise ValueError(f"{self.looks} looks: it looks once or more before it sleeps")

    @property
    def one_way(self) -> bool:
        """True if messages travel in one direction only."""
        return self.topology in (Topology.FAN_IN, Topology.FAN_OUT, Topology.NEWEST)


@dataclass(slots=True)
class Ticket(Closing):
    """The data that one process needs to attach: JSON-able data and file descriptors.

    A ticket owns its descriptors until `attach` takes them over. A process
    that will not use a ticket closes it: a stray copy of a descriptor would
    prevent the end of file. Inherited objects are released in the same way:
    their resources are freed with the last reference.

    It can be an argument of a `multiprocessing.Process` of any start method, unless it has
    inherited objects (`Sharing.INHERIT`): fork(2) alone passes these. The process gets
    descriptors of its own.
    """

    role: Role
    index: int
    spec: Spec
    data: dict[str, Json] = field(default_factory=dict)
    fds: tuple[int, ...] = ()
    inherited: tuple[object, ...] = ()

    @property
    def serves_hub(self) -> bool:
        """True for the seat of a hub's server, which has `recv_from` and `send_to`."""
        return self.spec.topology is Topology.HUB and self.role is Role.SERVER

    def take_fds(self) -> tuple[int, ...]:
        """Hand the descriptors over to the caller, which closes them from now on."""
        fds, self.fds = self.fds, ()
        return fds

    def take_inherited(self) -> tuple[Any, ...]:
        """Hand the inherited objects over to the caller."""
        inherited, self.inherited = self.inherited, ()
        return inherited

    def close(self) -> None:
        """Close the descriptors that were not taken. May be called twice."""
        self.take_inherited()
        for fd in self.take_fds():
            os.close(fd)

    def __reduce__(self) -> tuple[Any, ...]:
        from multiprocessing.reduction import DupFd

        if self.inherited:
            raise TypeError(
                "this ticket holds objects that only fork(2) passes on: start the process with "
                'multiprocessing.get_context("fork")'
            )
        copies = tuple(DupFd(fd) for fd in self.fds)
        return _unpickled, (self.role, self.index, self.spec, self.data, copies)


def _unpickled(
    role: Role, index: int, spec: Spec, data: dict[str, Json], copies: tuple[Any, ...]
) -> Ticket:
    """Make the ticket of a process that multiprocessing has passed it to."""
    fds = tuple(copy.detach() for copy in copies)
    for fd in fds:
        os.set_inheritable(fd, False)  # it was inherited through execve(2), and was to be once
    return Ticket(role, index, spec, data, fds)
