"""Spinning: calls over non-blocking handles, repeated until they succeed.

A *look* is a call that does not block. With `Wait.SPIN` an end looks again and again; with
`Wait.SPIN_BLOCK` it looks some number of times, and then sleeps.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ipcbench.transports.base.os_errors import translate
from ipcbench.transports.base.waiting import SYSTEM_CALLS, Receive, looks_of, polling
from ipcbench.transports.contract import PeerGone, Spec, Wait, WouldBlock

T = TypeVar("T")

PassSome: TypeAlias = Callable[[int], int]
"""Passes some time after so many looks in vain, or sleeps; the number for the next call."""


_Attempt: TypeAlias = Callable[[memoryview], int | None]
_Finish: TypeAlias = Callable[[memoryview, int], int]


class Look(NamedTuple):
    """A receive that does not wait.

    Attributes:
        attempt: receives into the buffer: the number of bytes, or None if there is nothing.
        finish: handles a number that is not the size of the channel's messages: completes the
            message, or raises the contract's error. Returns the length of the message.
    """

    attempt: _Attempt
    finish: _Finish


def _nothing(buffer: memoryview, received: int) -> int:
    """Finish nothing: what makes no attempt receives nothing."""
    return received


def keeps_looking(spec: Spec) -> bool:
    """Tell whether an end looks at its handles without a pause, and never sleeps."""
    return spec.wait is Wait.SPIN and spec.exclusive_cpus


def pass_time(spec: Spec, sleep: Callable[[], object]) -> PassSome:
    """Make the call between two looks of an end that spins.

    Args:
        spec: the seat's spec.
        sleep: waits until another look is worth while; it may return early.
    """
    looks, yields, sched_yield = looks_of(spec), not spec.exclusive_cpus, os.sched_yield

    def pass_some(looked: int) -> int:
        if looked == looks:
            sleep()
            return looked
        if yields:
            sched_yield()
        return looked + 1

    return pass_some


def spinning_call(
    look: Callable[[], T | None], block: Callable[[], T], spec: Spec, default: int = SYSTEM_CALLS
) -> Callable[[], T]:
    """Make a call that spins out of one that does not block and one that does.

    Args:
        look: does its work, or returns None if it would have to wait.
        block: does the same work, and sleeps until it can.
        spec: the seat's spec.
        default: the looks of a spin-block whose spec names no number: see `looks_of`.
    """
    looks, yields, sched_yield = looks_of(spec, default), not spec.exclusive_cpus, os.sched_yield

    def keep_looking() -> T:
        while (found := look()) is None:
            pass
        return found

    def pass_time_between() -> T:
        looked = 0
        while (found := look()) is None:
            if looked == looks:
                return block()
            if yields:
                sched_yield()
            looked += 1
        return found

    return keep_looking if keeps_looking(spec) else pass_time_between


def pass_time_at(spec: Spec, fd: int, event: int) -> PassSome:
    """Make the call between two looks at a descriptor: it sleeps in poll(2) for the event."""
    return pass_time(spec, polling(fd, event))


def spinning_receive(look: Look, spec: Spec, pass_some: PassSome) -> Receive:
    """Make the `recv_into` of an end that spins.

    Args:
        look: the receive that does not wait.
        spec: the seat's spec.
        pass_some: the call between two looks.
    """
    (attempt, finish), size = look, spec.size

    def recv_into(buffer: memoryview, /) -> int:
        try:
            while (received := attempt(buffer)) is None:
                pass
        except OSError as error:
            raise translate(error, "receive") from error
        return received if received == size else finish(buffer, received)

    def recv_into_passing_time(buffer: memoryview, /) -> int:
        looked = 0
        try:
            while (received := attempt(buffer)) is None:
                looked = pass_some(looked)
        except OSError as error:
            raise translate(error, "receive") from error
        return received if received == size else finish(buffer, received)

    return recv_into if keeps_looking(spec) else recv_into_passing_time


def when_full(transmit: Callable[[Any], int], pass_some: PassSome | None) -> Callable[[Any], int]:
    """Make the call of a sender that has found no room: it tries again, or raises WouldBlock.

    Args:
        transmit: sends a message or a part of it; the number of bytes.
        pass_some: the call between two attempts; None: it must not wait.
    """

    def refuse(data: Any) -> int:
        raise WouldBlock("send: it would have to wait")

    def transmit_again(data: Any) -> int:
        assert pass_some is not None
        looked = 0
        while True:
            looked = pass_some(looked)
            try:
                return transmit(data)
            except BlockingIOError:
                continue
            except OSError as error:
                raise translate(error, "send") from error

    return refuse if pass_some is None else transmit_again


class SpinningGatherer:
    """Receiver from several descriptors, which looks at each of them in turn, without epoll(7).

    The next look is at the descriptor behind the one that was served, so a peer that sends
    without pause keeps no other one waiting. A spin-block sleeps in poll(2).
    """

    def __init__(self, looks: Mapping[int, Look], spec: Spec) -> None:
        """Hold the looks.

        Args:
            looks: a look at each descriptor, in the order of the indices.
            spec: the seat's spec.
        """
        self.recv_into, self.recv_from = _gathering(dict(looks), spec)

    def close(self) -> None:
        """Do nothing: the descriptors are the endpoint's."""


def _gathering(looks: dict[int, Look], spec: Spec) -> tuple[Receive, Receive]:
    size, looked = spec.size, 0
    indices = {fd: index for index, fd in enumerate(looks)}
    poller = select.poll()
    for fd in looks:
        poller.register(fd, select.POLLIN)
    pass_some = pass_time(spec, poller.poll)

    def between_passes(buffer: memoryview) -> None:
        """Pass some time after a look at each descriptor: an attempt that receives nothing."""
        nonlocal looked
        looked = pass_some(looked)

    def turns_of() -> Iterator[tuple[int, _Attempt, _Finish]]:
        passed = () if keeps_looking(spec) else ((-1, between_passes, _nothing),)
        return cycle((*((fd, *look) for fd, look in looks.items()), *passed))

    turns = turns_of()  # it goes on where the last call has stopped

    def drop(fd: int, error: Exception) -> None:
        """Forget a peer that is gone; the last one's end is reported at every call."""
        nonlocal turns
        cause = translate(error, "receive") if isinstance(error, OSError) else error
        if not isinstance(cause, PeerGone):
            raise cause from error
        if len(looks) == 1:
            raise PeerGone("receive: all peers are gone") from error
        poller.unregister(fd)
        del looks[fd]
        turns = turns_of()

    def recv_into(buffer: memoryview, /) -> int:
        nonlocal looked
        while True:
            try:
                for fd, attempt, finish in turns:  # noqa: B007 (used where one raises)
                    received = attempt(buffer)
                    if received is not None:
                        looked = 0
                        return received if received == size else finish(buffer, received)
            except (PeerGone, OSError) as error:
                drop(fd, error)

    def recv_from(buffer: memoryview, /) -> int:
        nonlocal looked
        while True:
            try:
                for fd, attempt, finish in turns:
                    received = attempt(buffer)
                    if received is not None:
                        looked = 0
                        if received != size:
                            finish(buffer, received)
                        return indices[fd]
            except (PeerGone, OSError) as error:
                drop(fd, error)

    return recv_into, recv_from
