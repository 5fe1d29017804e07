"""Transport `latest:pipe`: a newest value through a pipe to each receiver, which drains it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ipcbench.transports.base import check_spec, duplicate_all
from ipcbench.transports.contract import (
    Endpoint,
    Limits,
    Role,
    Spec,
    Ticket,
    Traits,
    Unavailable,
)
from ipcbench.transports.latest.ends import StreamEndpoint, traits_of
from ipcbench.transports.pipes.pipe import TRAITS as PIPE
from ipcbench.transports.pipes.pipe import Pipe, PipeChannel

# Into the kernel's pages, out of them, and the last value out of those that came.
TRAITS = traits_of(PIPE, copies=3)


class NewestPipeChannel(PipeChannel):
    """A pipe for each receiver."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec, None)

    def _ticket(self, role: Role, index: int) -> Ticket:
        if role is Role.SENDER:
            fds = [writing for _, writing in self._pipes]
        else:
            fds = [self._pipes[index][0]]
        return Ticket(role, index, self._spec, fds=duplicate_all(fds))


@dataclass(frozen=True, slots=True)
class NewestPipe:
    """The transport `latest:pipe`."""

    name: str = "latest:pipe"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        found = Pipe().probe()
        return replace(found, fan_out_message=None) if isinstance(found, Limits) else found

    def create(self, spec: Spec) -> NewestPipeChannel:
        check_spec(self, spec, None)
        return NewestPipeChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return StreamEndpoint(ticket)
