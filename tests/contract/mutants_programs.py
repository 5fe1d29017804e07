"""Defects that only a program notices which uses transports as a library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from ipcbench.transports.contract import Role, Sharing, Ticket

SHM = "shm:posix+posix-sem"


def takes_any_length(endpoint: Any) -> Any:
    """Prepare messages without a look at their length."""
    kind = type(endpoint)
    endpoint.__class__ = type(kind.__name__, (kind,), {"prepare": lambda self, data: data})
    return endpoint


def stays_open(thing: Any) -> Any:
    """Leave a `with` statement as it was entered."""
    kind = type(thing)
    thing.__class__ = type(kind.__name__, (kind,), {"__exit__": lambda self, *error: None})
    return thing


def only_closes(channel: Any) -> Any:
    """Leave the objects of a channel behind at the end of a `with` statement."""
    kind = type(channel)
    leave = {"__exit__": lambda self, *error: self.close()}
    channel.__class__ = type(kind.__name__, (kind,), leave)
    return channel


class Numbers(Ticket):
    """A ticket that passes the numbers of its descriptors, but not what they refer to."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return Ticket, tuple(getattr(self, field.name) for field in fields(self))


def passes_numbers(channel: Any) -> Any:
    good = channel.ticket

    def ticket(role: Role, index: int) -> Ticket:
        made: Ticket = good(role, index)
        return Numbers(made.role, made.index, made.spec, made.data, made.take_fds())

    channel.ticket = ticket
    return channel


def declare(mutant: Callable[..., None], false_traits: Callable[..., None]) -> None:
    """Declare the mutants: see `mutants.py`."""
    mutant("any length", "test_longer_messages_are_refused", "pipe", endpoint=takes_any_length)
    mutant(
        "any length in a ring", "test_longer_messages_are_refused", SHM, endpoint=takes_any_length
    )
    mutant(
        "parts of messages",
        "test_shorter_messages_of_a_stream_are_refused",
        "unix-stream",
        spec=lambda s: replace(s, own_framing=True),
    )
    mutant(
        "parts of messages received",
        "test_buffer_too_small_for_a_stream",
        "pipe",
        spec=lambda s: replace(s, own_framing=True),
    )
    mutant(
        "two messages as one",
        "test_buffer_too_large_for_a_stream",
        "fifo",
        spec=lambda s: replace(s, own_framing=True),
    )
    mutant("endpoint stays open", "test_with_statements", "pipe", endpoint=stays_open)
    mutant("channel stays open", "test_with_statements", "pipe", channel=stays_open)
    mutant("channel leaves its objects", "test_with_statements", "sysv-queue", channel=only_closes)
    mutant("passes numbers", "test_start_method", "pipe", channel=passes_numbers)
    false_traits("inherits", "test_start_method", "unix-stream", sharing=Sharing.INHERIT)
    false_traits("shares", "test_start_method", "mp-pipe", sharing=Sharing.DESCRIPTORS)
