"""Calls of System V message queues through the binding: msgop(2).

An end that spins makes them with IPC_NOWAIT. The binding raises BusyError then where it would have
to wait. The exception takes a microsecond. To ask for the number of messages first, which
raises none, takes as long, for it is a system call of its own: msgctl(2).
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from functools import partial
from typing import Any

from ipcbench.transports.base import fitted, spinning_call, spins
from ipcbench.transports.base.bindings import sysv_ipc
from ipcbench.transports.contract import MessageTooLarge, PeerGone, Spec, WouldBlock


def sender(queue: Any, spec: Spec, kind: int) -> Any:
    """Make the `send` of messages of a type."""
    put, block, again = queue.send, not (spec.nowait or spins(spec)), _sending_again(queue, spec)

    def send(data: Any, /) -> None:
        try:
            put(data, block, kind)
        except (ValueError, OSError, sysv_ipc.Error) as error:
            again(error, data, kind)

    return send


def sender_to(queue: Any, spec: Spec) -> Any:
    """Make the `send_to` of a hub's server."""
    put, block, again = queue.send, not (spec.nowait or spins(spec)), _sending_again(queue, spec)

    def send_to(index: int, data: Any, /) -> None:
        try:
            put(data, block, index + 1)
        except (ValueError, OSError, sysv_ipc.Error) as error:
            again(error, data, index + 1)

    return send_to


def _sending_again(queue: Any, spec: Spec) -> Callable[[Exception, Any, int], object]:
    """Make the call that goes on after an error: it waits, or raises the contract's error."""
    put = queue.send

    def look(data: Any, kind: int) -> bool | None:
        try:
            put(data, False, kind)
        except sysv_ipc.BusyError:
            return None
        except (OSError, sysv_ipc.Error) as error:
            raise _translate(error, "send") from error
        return True

    def put_blocking(data: Any, kind: int) -> bool:
        try:
            put(data, True, kind)
        except (OSError, sysv_ipc.Error) as error:
            _retry(error, "send", lambda: put(data, True, kind))
        return True

    def spin(error: Exception, data: Any, kind: int) -> object:
        if not isinstance(error, sysv_ipc.BusyError):
            raise _translate(error, "send") from error
        call = spinning_call(partial(look, data, kind), partial(put_blocking, data, kind), spec)
        return call()

    def retry(error: Exception, data: Any, kind: int) -> object:
        return _retry(error, "send", lambda: put(data, not spec.nowait, kind))

    return spin if spins(spec) else retry


def receiver(queue: Any, spec: Spec, kind: int) -> Any:
    """Make the `recv_into` of messages of a type."""
    if spins(spec):
        return _spinning_receiver(_taking(queue, spec, kind))
    take, block = queue.receive, not spec.nowait

    def recv_into(buffer: memoryview, /) -> int:
        try:
            data, _ = take(block, kind)
        except (OSError, sysv_ipc.Error) as error:
            data, _ = _retry(error, "receive", lambda: take(block, kind))
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return received

    return recv_into


def receiver_from(queue: Any, spec: Spec, kind: int) -> Any:
    """Make the `recv_from` of a hub's server, whose messages have their client's type."""
    if spins(spec):
        return _spinning_receiver_from(_taking(queue, spec, kind))
    take, block = queue.receive, not spec.nowait

    def recv_from(buffer: memoryview, /) -> int:
        try:
            data, sent = take(block, kind)
        except (OSError, sysv_ipc.Error) as error:
            data, sent = _retry(error, "receive", lambda: take(block, kind))
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return sent - 1  # type: ignore[no-any-return]

    return recv_from


def _spinning_receiver(take: Callable[[], Any]) -> Any:
    def recv_into(buffer: memoryview, /) -> int:
        data, _ = take()
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return received

    return recv_into


def _spinning_receiver_from(take: Callable[[], Any]) -> Any:
    def recv_from(buffer: memoryview, /) -> int:
        data, sent = take()
        received = len(data)
        if received != len(buffer):
            buffer = fitted(buffer, received)
        buffer[:] = data
        return sent - 1  # type: ignore[no-any-return]

    return recv_from


def _take(receive: Any, block: bool, kind: int) -> Any:
    try:
        return receive(block, kind)
    except (OSError, sysv_ipc.Error) as error:
        return _retry(error, "receive", lambda: receive(block, kind))


def _taking(queue: Any, spec: Spec, kind: int) -> Callable[[], Any]:
    """Make the call of an end that spins: a message and its type."""
    receive = queue.receive

    def look() -> Any:
        try:
            return receive(False, kind)
        except sysv_ipc.BusyError:
            return None
        except (OSError, sysv_ipc.Error) as error:
            raise _translate(error, "receive") from error

    return spinning_call(look, partial(_take, receive, True, kind), spec)


def _retry(error: Exception, what: str, call: Callable[[], Any]) -> Any:
    """Repeat a call that a signal interrupted, as PEP 475 has it; raise any other error.

    An exception of the signal's handler is raised before this is called.
    """
    while type(error) is sysv_ipc.Error:  # by this the binding reports EINTR alone
        try:
            return call()
        except (ValueError, OSError, sysv_ipc.Error) as next_error:
            error = next_error
    raise _translate(error, what) from error


def _translate(error: Exception, what: str) -> Exception:
    if isinstance(error, sysv_ipc.BusyError):
        return WouldBlock(f"{what}: it would have to wait")
    if isinstance(error, ValueError):
        return MessageTooLarge(f"{what}: {error}")
    removed = isinstance(error, sysv_ipc.ExistentialError | sysv_ipc.InternalError)
    # The binding reports EIDRM, of a call that waited; a later call gets EINVAL: msgop(2).
    if removed or (isinstance(error, OSError) and error.errno in (errno.EINVAL, errno.EIDRM)):
        return PeerGone(f"{what}: the queue has been removed")
    return error
