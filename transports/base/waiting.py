"""Ways of waiting: a spec's `wait` and `nowait`, applied to the calls of an endpoint."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from ipcbench.transports.contract import Spec, Wait, WouldBlock

NEVER = -1  # of `looks_of`
SYSTEM_CALLS = 100  # looks by system calls before an end sleeps: some 20 microseconds

T = TypeVar("T")

Receive: TypeAlias = Callable[[memoryview], int]
Send: TypeAlias = Callable[[Any], None]
Poll: TypeAlias = Callable[..., object]
"""Waits for data: until it is there (None), or not at all (0), and then it is true or false."""


def looks_of(spec: Spec, default: int = SYSTEM_CALLS) -> int:
    """Return how often an end looks before it sleeps: 0: it sleeps at once; NEVER: it spins on.

    Args:
        spec: the requirements.
        default: the looks of a spin-block whose spec names no number, on a CPU of its own. An end
            that yields the CPU between two looks makes a hundredth of them: a yield takes longer
            than a look, and lets other processes run.
    """
    if spec.wait is Wait.SPIN:
        return NEVER
    if spec.wait is not Wait.SPIN_BLOCK:
        return 0
    if spec.looks is not None:
        return spec.looks
    return default if spec.exclusive_cpus else default // 100 + 1


def waiting_receive(receive: Receive, source: int | Poll, spec: Spec) -> Receive:
    """Make a receive wait as the spec says.

    Args:
        receive: receives one message in the facility's own way; where the spec says
            `nowait`, it raises WouldBlock instead of waiting.
        source: the descriptor that poll(2) is asked about, or the facility's own poll.
        spec: the requirements.

    Returns:
        `receive` itself, or a call that polls first.
    """
    if spec.wait is not Wait.POLL:
        return receive
    look: Any = polling(source, select.POLLIN) if isinstance(source, int) else source

    def recv_into(buffer: memoryview, /) -> int:
        look()  # without an argument, poll(2) waits: the shortest call
        return receive(buffer)

    def recv_into_by_its_poll(buffer: memoryview, /) -> int:
        look(None)
        return receive(buffer)

    def recv_into_at_once(buffer: memoryview, /) -> int:
        look(0)
        return receive(buffer)  # raises WouldBlock itself

    if spec.nowait:
        return recv_into_at_once
    return recv_into if isinstance(source, int) else recv_into_by_its_poll


def waiting_get(get: Callable[[], T], source: int | Poll, spec: Spec) -> Callable[[], T]:
    """Make a call that returns a message wait as the spec says: see `waiting_receive`.

    Args:
        get: receives one message in the facility's own way; where the spec says `nowait`, it
            raises WouldBlock instead of waiting.
        source: as of `waiting_receive`.
        spec: the requirements.
    """
    if spec.wait is not Wait.POLL:
        return get
    look: Any = polling(source, select.POLLIN) if isinstance(source, int) else source
    timeout = 0 if spec.nowait else None

    def get_polling() -> T:
        look(timeout)
        return get()

    return get_polling


def spins(spec: Spec) -> bool:
    """Tell whether an end looks more than once before it sleeps, at handles that do not block."""
    return not spec.nowait and looks_of(spec) != 0


def waiting_call(waiter: Any, spec: Spec) -> Callable[[], object]:
    """Choose the call of a waiter that waits as the spec says.

    Args:
        waiter: has `wait` and `try_wait`, `poll_wait` if it can be polled, and `spinning`, which
            makes its call that spins, if its kind can.
        spec: the requirements.
    """
    if spec.nowait:
        return waiter.try_wait  # type: ignore[no-any-return]
    if spins(spec):
        return waiter.spinning(spec)  # type: ignore[no-any-return]
    return waiter.poll_wait if spec.wait is Wait.POLL else waiter.wait  # type: ignore[no-any-return]


def send_if_room(fd: int, send: Send) -> Send:
    """Make a send that raises WouldBlock unless poll(2) reports ample room.

    A stream socket without room for a whole message takes a part of it (TCP
    does, even of a small one), and the send would have to wait for the rest.

    Args:
        fd: the descriptor that `send` writes to.
        send: sends one whole message.
    """
    look = polling(fd, select.POLLOUT)

    def send_at_once(data: Any, /) -> None:
        if not look(0):
            raise WouldBlock("send: it would have to wait")
        send(data)

    return send_at_once


def polling(fd: int, event: int) -> Poll:
    """Make the call of poll(2) for one event of one descriptor."""
    poller = select.poll()
    poller.register(fd, event)
    return poller.poll
