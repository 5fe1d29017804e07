"""POSIX signals: one process wakes another by its pid; signal(7), sigwaitinfo(2).

A real-time signal, because those are counted: two that wait to be taken are
two, where an ordinary signal would be one.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ipcbench.transports.base import PlainChannel, check_seat, check_spec, forbidden, refused
from ipcbench.transports.contract import (
    Closed,
    Endpoint,
    Json,
    Limit,
    Limits,
    PeerGone,
    Role,
    Spec,
    Ticket,
    Topology,
    Unavailable,
    WouldBlock,
)
from ipcbench.transports.native import WaitPolicy, built, operations
from ipcbench.transports.sync.endpoint import NOTHING, TOKEN, TokenEndpoint

SIGNAL = signal.SIGRTMIN  # the first that the C library leaves to programs

TRAITS = replace(TOKEN, topologies=frozenset({Topology.SIGNAL}))


class SignalEndpoint(TokenEndpoint):
    """It blocks the signal, or its default action would end the process before it waits."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__()
        self._peer = -1
        self._policy = WaitPolicy.of(ticket.spec)
        signal.pthread_sigmask(signal.SIG_BLOCK, {SIGNAL})
        _drain()
        self.notify: Any = forbidden("connect first: a signal needs the other one's pid")
        if ticket.spec.nowait:
            self.wait: Any = _take_now
        else:
            # Not sigwait(3), which goes on waiting when another signal comes: the
            # handler that has to end a vain wait would not be run.
            self.wait = partial(signal.sigwaitinfo, {SIGNAL})

    def hello(self) -> Json:
        return os.getpid()

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        (peer,) = (pid for pid in hellos if pid != os.getpid())
        try:
            # A pidfd stays with its process; a pid alone is used again.
            self._peer = os.pidfd_open(peer)
        except ProcessLookupError as error:
            raise PeerGone(f"process {peer} is gone") from error
        self.notify = _notifier(self._peer)

    def native(self) -> object | None:
        if built() is not None:
            return None
        return operations.process_signal(self, self._peer, SIGNAL, self._policy)  # type: ignore[no-any-return]

    def close(self) -> None:
        # It stays blocked: what the other one still sends would end this process.
        super().close()
        if self._peer >= 0:
            os.close(self._peer)
            self._peer = -1
            _drain()


def _notifier(peer: int) -> Any:
    send = signal.pidfd_send_signal

    def notify() -> None:
        try:
            send(peer, SIGNAL)
        except ProcessLookupError as error:
            raise PeerGone("notify: the other process is gone") from error

    return notify


def _take_now() -> None:
    if signal.sigtimedwait({SIGNAL}, 0) is None:
        raise WouldBlock("it would have to wait")


def _drain() -> None:
    """Take what somebody sent before, or still does."""
    while signal.sigtimedwait({SIGNAL}, 0) is not None:
        pass


class SignalChannel(PlainChannel):
    """Nothing is created: the processes' ids are all there is."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._closed = False

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed:
            raise Closed("the channel is closed")
        return Ticket(role, index, self._spec)

    def close(self) -> None:
        self._closed = True


@dataclass(frozen=True, slots=True)
class Signals:
    name: str = "signal"
    traits: Any = TRAITS

    def probe(self) -> Limits | Unavailable:
        # To this thread alone: another one might not have the signal blocked.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {SIGNAL})
        try:
            os.close(os.pidfd_open(os.getpid()))
            signal.pthread_kill(threading.get_ident(), SIGNAL)
            if signal.sigtimedwait({SIGNAL}, 1) is None:
                return Unavailable("a signal to ourselves does not arrive")
        except OSError as error:
            if error.errno == errno.EAGAIN:  # from pthread_kill: no signal can be queued
                return refused("sigqueue(3)", error, "ulimit -i 1024")
            return refused("pidfd_open(2), of Linux 5.3,", error)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        most, _ = resource.getrlimit(resource.RLIMIT_SIGPENDING)
        return replace(
            NOTHING,
            others=(
                Limit("signals that wait to be taken", most, "RLIMIT_SIGPENDING", "ulimit -i"),
            ),
        )

    def create(self, spec: Spec) -> SignalChannel:
        check_spec(self, spec, 0)
        return SignalChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return SignalEndpoint(ticket)
