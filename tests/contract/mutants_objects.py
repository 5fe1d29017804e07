"""Mutants of pickled objects, with one defect each: see mutants.py.

An end is made in the process of its seat, so a function of a module may be replaced there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipcbench.transports.multiprocess import out_of_band

Mutant = Callable[..., None]

OUT_OF_BAND, PIPE, QUEUE = "mp-pipe-pickle5", "mp-pipe-pickle", "mp-queue"
MEMORY = "test_objects_with_memory_to_lend"
MUCH = "test_objects_with_much_memory_to_lend"
CHANGED = "test_a_sent_object_may_be_changed"


def lends_too_little(endpoint: Any) -> Any:
    """Receive every buffer into the same memory."""
    good = endpoint._lend

    def lend(lengths: Any) -> Any:
        longest = max(good(lengths), key=len, default=memoryview(b""))
        return [longest[:length] for length in lengths]

    endpoint._lend = lend
    return endpoint


def writes_once(endpoint: Any) -> Any:
    """Take what one call has written for all of it."""

    def write_once(fd: int, parts: Any) -> None:
        out_of_band.os.writev(fd, parts[: out_of_band.AT_ONCE])

    out_of_band.write_all = write_once
    return endpoint


def sends_one_later(endpoint: Any) -> Any:
    """Pickle an object when the next one is sent."""
    good, kept = endpoint.send, list[Any]()

    def send(data: Any) -> None:
        kept.append(data)
        if len(kept) > 1:
            good(kept.pop(0))
        if isinstance(getattr(data, "shape", None), tuple) and data.shape[:1] == (4,):
            good(kept.pop())

    endpoint.send = send
    return endpoint


def returns_bytes(endpoint: Any) -> Any:
    """Return a text as bytes."""
    good = endpoint.recv_object

    def recv_object() -> Any:
        found = good()
        return found.encode() if isinstance(found, str) else found

    endpoint.recv_object = recv_object
    return endpoint


def stays_open(endpoint: Any) -> Any:
    """Receive objects after it was closed."""
    good = endpoint.close

    def close() -> None:
        good()
        endpoint.recv_object = lambda: None

    endpoint.close = close
    return endpoint


def declare(mutant: Mutant, false_traits: Mutant) -> None:
    mutant("objects lent the same memory", MUCH, OUT_OF_BAND, endpoint=lends_too_little)
    mutant("objects written in part", MUCH, OUT_OF_BAND, endpoint=writes_once)
    mutant("objects pickled late", CHANGED, OUT_OF_BAND, endpoint=sends_one_later)
    false_traits("objects pickled by a thread", CHANGED, QUEUE, pickles_late=False)
    mutant("objects of another type", "test_objects_between_messages", PIPE, endpoint=returns_bytes)
    mutant("objects behind the end", "test_no_object", PIPE, endpoint=stays_open)
    false_traits("objects of bytes", MEMORY, "mp-pipe", objects=True)
