"""Facilities of experiments: transports that this machine has, and their channels."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from ipcbench.transports.contract import Role, Spec, Ticket, Transport, Unavailable
from ipcbench.transports.registry import BrokenPlugin, get


def transport(name: str) -> Transport:
    """Return a transport by its name. Raises: Unavailable if this machine does not have it."""
    found = get(name)
    lack = found.reason if isinstance(found, BrokenPlugin) else found.probe()
    if isinstance(lack, Unavailable):
        raise lack
    assert not isinstance(found, BrokenPlugin)
    return found


@contextlib.contextmanager
def channel_of(
    facility: Transport, spec: Spec, seats: Sequence[tuple[Role, int]]
) -> Iterator[list[Ticket]]:
    """Create a channel, and yield a ticket for each seat; at the end it is removed.

    Processes that are forked in the block use the tickets.

    Raises: Unavailable, OSError.
    """
    with contextlib.ExitStack() as undo:
        channel = facility.create(spec)
        undo.callback(channel.unlink)
        undo.callback(channel.close)
        tickets = []
        for role, index in seats:
            tickets.append(channel.ticket(role, index))
            undo.callback(tickets[-1].close)
        yield tickets
