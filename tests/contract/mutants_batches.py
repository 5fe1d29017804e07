"""Mutants of native operations on several messages, with one defect each: see mutants.py."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable
from typing import Any

from ipcbench.transports.registry import get
from tests.plugins.capsules import altered

Mutant = Callable[..., None]
Many = Callable[[int, int, int], int]  # address, size and count: how many, or -errno
Change = Callable[[Many, int, int, int], int]

RING = "shm:posix+futex"


def changing(**changes: Change) -> Callable[[Any], Any]:
    """Replace operations of an endpoint: each function gets the correct one first."""

    def alter(endpoint: Any) -> Any:
        native = endpoint.native
        endpoint.native = lambda: altered(native(), **changes)
        return endpoint

    return alter


def one_more(many: Many, at: int, size: int, count: int) -> int:
    found = many(at, size, count)
    return found + 1 if found > 0 else found


def one_fewer(many: Many, at: int, size: int, count: int) -> int:
    found = many(at, size, count)
    return found - 1 if found > 1 else found


def claims_all(many: Many, at: int, size: int, count: int) -> int:
    found = many(at, size, count)
    return count if found > 0 else found


def claims_none(many: Many, at: int, size: int, count: int) -> int:
    """Return 0 for success, as the first version of ops.h had it."""
    return min(many(at, size, count), 0)


def waits_for_all(many: Many, at: int, size: int, count: int) -> int:
    left = count
    while left > 0:
        found = many(at, size, left)
        if found < 0:
            return found
        left -= found
    return count


def waits_always(many: Many, at: int, size: int, count: int) -> int:
    while True:
        found = many(at, size, count)
        if found != -errno.EAGAIN:
            return found


def reports_a_later_one(many: Many, at: int, size: int, count: int) -> int:
    """Consume the message that ended the batch, and return its error."""
    found = many(at, size, count)
    return found if found < 0 else min(found, many(at, size, count))


def any_length(many: Many, at: int, size: int, count: int) -> int:
    return abs(many(at, size, count)) and 1


def every_second(many: Many, at: int, size: int, count: int) -> int:
    """Lose what the first of two calls receives."""
    many(at, size, 1)
    return many(at, size, count)


def in_another_order(many: Many, at: int, size: int, count: int) -> int:
    """Leave the first message of a batch in the buffer, not the last."""
    found = many(at, size, 1)
    first = ctypes.string_at(at, size)
    if found < 0 or count == 1:
        return found
    further = many(at, size, min(count - 1, 2))
    ctypes.memmove(at, first, size)
    return further if further < 0 else 1 + further


def ignores_a_length(many: Many, at: int, size: int, count: int) -> int:
    """Count a batch with a message of another length."""
    found = many(at, size, count)
    return 1 if found in (-errno.EBADMSG, -errno.EMSGSIZE) else found


def _kernel(mutant: Mutant) -> None:
    """Declare those of calls of the kernel, which wait for space for all messages."""
    there, order = "test_batch_takes_the_messages_there_are", "test_batch_keeps_the_order"
    unsent = "test_batch_that_may_not_wait_counts_what_it_sent"
    length = "test_batch_with_another_length_is_reported"

    def declares(name: str, test: str, transport: str, **changes: Change) -> None:
        _declare(mutant, f"{name} ({transport})", test, transport, **changes)

    for transport in ("unix-dgram", "pipe"):
        declares("drops the rest", unsent, transport, send_many=claims_all)
        declares("sends one more", unsent, transport, send_many=one_more)
        declares("waits for the last", there, transport, recv_many=waits_for_all)
        declares("counts one more", there, transport, recv_many=one_more)
        declares("counts one fewer", there, transport, recv_many=one_fewer)
        declares("another order", order, transport, recv_many=in_another_order)
        several = "test_batches_of_several_senders"
        declares("loses some of several", several, transport, recv_many=every_second)
    declares("takes any length", length, "unix-dgram", recv_many=ignores_a_length)
    declares("takes any length", length, "socketpair:seqpacket", recv_many=ignores_a_length)


def declare(mutant: Mutant) -> None:
    _kernel(mutant)

    def sends(name: str, test: str, change: Change) -> None:
        _declare(mutant, name, test, RING, send_many=change)

    def receives(name: str, test: str, change: Change) -> None:
        _declare(mutant, name, test, RING, recv_many=change)

    sends("claims one more", "test_batch_takes_the_space_there_is", one_more)
    sends("claims all", "test_batch_takes_the_space_there_is", claims_all)
    sends("claims one fewer", "test_batch_takes_the_space_there_is", one_fewer)
    sends("claims none", "test_batch_takes_the_space_there_is", claims_none)
    sends("waits for space for all", "test_batch_takes_the_space_there_is", waits_for_all)
    sends("waits for space always", "test_batch_where_there_is_no_space", waits_always)
    receives("claims one more received", "test_batch_takes_the_messages_there_are", one_more)
    receives("claims one fewer received", "test_batch_takes_the_messages_there_are", one_fewer)
    receives("claims none received", "test_batch_takes_the_messages_there_are", claims_none)
    receives("waits for the last", "test_batch_takes_the_messages_there_are", waits_for_all)
    receives("waits for one always", "test_batch_where_there_is_no_message", waits_always)
    receives("another order", "test_batch_keeps_the_order", in_another_order)
    receives("loses some", "test_batches_on_the_way", every_second)
    receives("takes any length", "test_batch_ends_before_another_length", any_length)
    receives("takes longer ones", "test_batch_ends_before_a_longer_message", any_length)
    receives("reports later", "test_batch_ends_before_another_length", reports_a_later_one)


def _declare(mutant: Mutant, name: str, test: str, transport: str, **changes: Change) -> None:
    traits = get(transport).traits
    mutant(f"batch {name}", test, transport, traits=traits, endpoint=changing(**changes))
