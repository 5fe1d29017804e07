"""Calls of POSIX message queues through the binding: mq_send(3), mq_receive(3)."""

from __future__ import annotations

import errno
import select
from typing import Any

from ipcbench.transports.base import Look, Receive, Send, fitted, pass_time_at
from ipcbench.transports.base.bindings import posix_ipc
from ipcbench.transports.contract import MessageTooLarge, Spec, WouldBlock


def sender(queue: Any, priority: int) -> Send:
    """Make the `send` of messages of a priority."""
    put = queue.send

    def send(data: Any, /) -> None:
        try:
            put(data, None, priority)
        except (ValueError, posix_ipc.Error) as error:
            raise _translate(error, "send") from error

    return send


def receiver(queue: Any) -> Receive:
    """Make the `recv_into` of a queue."""
    take = queue.receive

    def recv_into(buffer: memoryview, /) -> int:
        try:
            data, _ = take()
        except posix_ipc.Error as error:
            raise _translate(error, "receive") from error
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return received

    return recv_into


def spinning_sender(queue: Any, priority: int, spec: Spec) -> Send:
    """Make the `send` of an end that spins while the queue is full."""
    put, pass_some = queue.send, pass_time_at(spec, queue.mqd, select.POLLOUT)

    def send(data: Any, /) -> None:
        looked = 0
        while True:
            try:
                put(data, None, priority)
                return
            except posix_ipc.BusyError:
                looked = pass_some(looked)
            except (ValueError, posix_ipc.Error) as error:
                raise _translate(error, "send") from error

    return send


def look(queue: Any) -> Look:
    """Make the receive that does not wait.

    The binding raises BusyError for EAGAIN, which takes a microsecond. To ask mq_getattr(3) or
    poll(2) first takes as long, for it is another system call. A time-out of 0 would be no look:
    mq_timedreceive(3) sleeps until the kernel's timer has run, some 40 microseconds.
    """
    take = queue.receive

    def attempt(buffer: memoryview) -> int | None:
        try:
            data, _ = take()
        except posix_ipc.BusyError:
            return None
        except posix_ipc.Error as error:
            raise _translate(error, "receive") from error
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return received

    return Look(attempt, lambda buffer, received: received)


def _translate(error: Exception, what: str) -> Exception:
    if isinstance(error, posix_ipc.BusyError):
        return WouldBlock(f"{what}: it would have to wait")
    if isinstance(error, posix_ipc.SignalError):
        # The binding has run the signal's handler and dropped the exception that it
        # raised, so to wait again, as PEP 475 has it, could be to wait for ever.
        return InterruptedError(errno.EINTR, f"{what}: interrupted by a signal")
    if isinstance(error, ValueError):
        return MessageTooLarge(f"{what}: {error}")
    return error
