"""Mutants of passed memory, with one defect each: see mutants.py.

An end is made in the process of its seat, so a function of a module may be replaced there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipcbench.transports.passing import memfd_passed, slots
from ipcbench.transports.passing.vmsplice import splice_pages

Mutant = Callable[..., None]


def reuses_slots(endpoint: Any) -> Any:
    """Take slots that were not given back, where none is free."""
    good = slots.Slots.take

    def take(self: Any) -> int:
        if not self._free:
            self._free.extend(range(len(self._taken)))
        return good(self)

    slots.Slots.take = take  # type: ignore[method-assign]
    return endpoint


def takes_one_slot(endpoint: Any) -> Any:
    """Take the first slot for every message, as soon as any is free."""
    good = slots.Slots.take

    def take(self: Any) -> int:
        good(self)
        return 0

    slots.Slots.take = take  # type: ignore[method-assign]
    return endpoint


def seals_nothing(endpoint: Any) -> Any:
    memfd_passed.seal = lambda fd, seals: None
    return endpoint


def reads_later(endpoint: Any) -> Any:
    """Return when the message is described, and not when it was read."""
    good = endpoint.connect

    def connect(*arguments: Any) -> None:
        good(*arguments)
        endpoint.send = lambda message: endpoint._out.send(message.packet)

    endpoint.connect = connect
    return endpoint


def splices_on(endpoint: Any) -> Any:
    """Return when the pages are in the pipe, and not when they were read."""
    endpoint.send = lambda message: splice_pages(endpoint._fds[0], message.parts, 2)
    return endpoint


def declare(mutant: Mutant, false_traits: Mutant) -> None:
    """Declare all of them with the two functions of mutants.py."""
    mutant("reuses slots", "test_depth", "memfd-pool", endpoint=reuses_slots)
    mutant("takes one slot", "test_buffer_too_small", "memfd-pool", endpoint=takes_one_slot)
    mutant("seals nothing", "test_order_and_content", "memfd-passed", endpoint=seals_nothing)
    waits = "test_send_waits_for_the_receiver"
    mutant("reads later", waits, "process-vm", endpoint=reads_later)
    mutant("splices on", waits, "vmsplice", endpoint=splices_on)
    false_traits("synchronous", waits, "pipe", synchronous=True)
    false_traits("not synchronous", waits, "process-vm", synchronous=False)
