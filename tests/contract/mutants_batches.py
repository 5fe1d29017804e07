"""Mutants of native operations on several messages, with one defect each: see mutants.py."""

from __future__ import annotations

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


def declare(mutant: Mutant) -> None:
    def sends(name: str, test: str, change: Change) -> None:
        _declare(mutant, name, test, send_many=change)

    def receives(name: str, test: str, change: Change) -> None:
        _declare(mutant, name, test, recv_many=change)

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
    receives("loses some", "test_batches_on_the_way", every_second)
    receives("takes any length", "test_batch_ends_before_another_length", any_length)
    receives("takes longer ones", "test_batch_ends_before_a_longer_message", any_length)
    receives("reports later", "test_batch_ends_before_another_length", reports_a_later_one)


def _declare(mutant: Mutant, name: str, test: str, **changes: Change) -> None:
    mutant(f"batch {name}", test, RING, traits=get(RING).traits, endpoint=changing(**changes))
