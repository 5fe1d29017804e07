"""POSIX signals between processes: signal(7), sigwaitinfo(2).

They are real-time signals, which are queued: two pending ones are received twice,
while a standard signal would be received once.
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

from ipcbench.transports.base import (
    PlainChannel,
    check_spec,
    forbidden,
    raise_limit,
    refused,
    spinning_call,
    spins,
)
from ipcbench.transports.contract import (
    Endpoint,
    Json,
    Limit,
    Limits,
    PeerGone,
    Spec,
    Ticket,
    Topology,
    Unavailable,
    WouldBlock,
)
from ipcbench.transports.native import WaitPolicy, build
from ipcbench.transports.sync.endpoint import NOTHING, TOKEN, TokenEndpoint

SIGNAL = signal.SIGRTMIN  # the first that the C library does not use itself

TRAITS = replace(TOKEN, topologies=frozenset({Topology.SIGNAL}), spins=True)


class SignalEndpoint(TokenEndpoint):
    """One process's end. It blocks the signal, whose default action would end the process."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__()
        self._peer = -1
        self._policy = WaitPolicy.of(ticket.spec)
        signal.pthread_sigmask(signal.SIG_BLOCK, {SIGNAL})
        _drain()
        self.notify: Any = forbidden("connect first: a signal needs the other process's id")
        # sigwait(3) would continue to wait after another signal, so that Python could not run
        # the handler that has to end the wait.
        wait = partial(signal.sigwaitinfo, {SIGNAL})
        if ticket.spec.nowait:
            self.wait: Any = _take_now
        elif spins(ticket.spec):
            look = partial(signal.sigtimedwait, {SIGNAL}, 0)
            self.wait = spinning_call(look, wait, ticket.spec)
        else:
            self.wait = wait

    def hello(self) -> Json:
        return os.getpid()

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        (peer,) = (pid for pid in hellos if pid != os.getpid())
        try:
            # A pidfd refers to one process for ever; a pid is reused.
            self._peer = os.pidfd_open(peer)
        except ProcessLookupError as error:
            raise PeerGone(f"process {peer} has ended") from error
        self.notify = _notifier(self._peer)

    def native(self) -> object | None:
        return build("process_signal", self, self._peer, SIGNAL, self._policy)

    def _close(self) -> None:
        # The signal stays blocked: a later one of the peer would end this process.
        if self._peer >= 0:
            os.close(self._peer)
            _drain()


def _notifier(peer: int) -> Any:
    send = signal.pidfd_send_signal

    def notify() -> None:
        try:
            send(peer, SIGNAL)
        except ProcessLookupError as error:
            raise PeerGone("notify: the other process has ended") from error

    return notify


def _take_now() -> None:
    if signal.sigtimedwait({SIGNAL}, 0) is None:
        raise WouldBlock("it would have to wait")


def _drain() -> None:
    """Receive all pending signals."""
    while signal.sigtimedwait({SIGNAL}, 0) is not None:
        pass


class SignalChannel(PlainChannel):
    """A channel without objects: the processes' ids are exchanged by `hello`."""


def _more_signals() -> str:
    """Return the remedy for too few pending signals of this user: getrlimit(2)."""
    soft, _ = resource.getrlimit(resource.RLIMIT_SIGPENDING)
    if soft == resource.RLIM_INFINITY:
        return ""
    return raise_limit("RLIMIT_SIGPENDING", max(1024, 2 * soft))


@dataclass(frozen=True, slots=True)
class Signals:
    """The transport `signal`."""

    name: str = "signal"
    traits: Any = TRAITS

    def probe(self) -> Limits | Unavailable:
        # Sent to this thread only: another one may not block the signal.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {SIGNAL})
        try:
            os.close(os.pidfd_open(os.getpid()))
            signal.pthread_kill(threading.get_ident(), SIGNAL)
            if signal.sigtimedwait({SIGNAL}, 1) is None:
                return Unavailable("the real-time signal sent to this process was not delivered")
        except OSError as error:
            if error.errno == errno.EAGAIN:  # of pthread_kill: no more signals can be queued
                return refused("sigqueue(3)", error, _more_signals())
            return refused("pidfd_open(2), of Linux 5.3,", error)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        most, _ = resource.getrlimit(resource.RLIMIT_SIGPENDING)
        return replace(
            NOTHING,
            others=(Limit("pending signals", most, "RLIMIT_SIGPENDING", _more_signals()),),
        )

    def create(self, spec: Spec) -> SignalChannel:
        check_spec(self, spec, 0)
        return SignalChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return SignalEndpoint(ticket)
