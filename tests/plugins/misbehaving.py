"""Transports that go wrong on purpose: a good one with one fault each, as plug-ins of ours.

A sweep finds them when this folder is on PYTHONPATH.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import capsules

from ipcbench.bench.sweep import schedule
from ipcbench.bench.workers import peers, worker
from ipcbench.transports.contract import Role, Ticket
from ipcbench.transports.registry import BrokenPlugin, get

# The sweep's own patience, in seconds: a hang costs all of it, and there are many here.
peers.ATTACH_TIME = worker.ATTACH_TIME = 1.0
schedule.SETUP_TIME = 2.0

TIMED = 40  # calls after which the check of the channel is certainly over


class _Faulty:
    """A good transport whose server, or whose client, has the fault."""

    name = ""
    kind = "pipe"
    guilty = Role.SERVER

    def __init__(self) -> None:
        self._good = get(self.kind)
        assert not isinstance(self._good, BrokenPlugin)
        self.traits = self._good.traits
        self.probe = self._good.probe
        self.create = self._good.create

    def attach(self, ticket: Ticket, deadline: float) -> Any:
        endpoint = self._good.attach(ticket, deadline)
        if ticket.role is self.guilty:
            self.spoil(endpoint)
            if ticket.spec.native:  # the fault is in its own capsule as well
                made = capsules.over(endpoint)
                endpoint.native = lambda: made
        return endpoint

    def spoil(self, endpoint: Any) -> None:
        raise NotImplementedError


def _after(calls: int, good: Any, bad: Any) -> Any:
    """Good for so many calls, then bad."""
    left = calls

    def call(data: Any, /) -> Any:
        nonlocal left
        left -= 1
        return (bad if left < 0 else good)(data)

    return call


class Leaves(_Faulty):
    """The peer is gone in the middle of a timed block, with no word."""

    name = "leaves"

    def spoil(self, endpoint: Any) -> None:
        endpoint.send = _after(TIMED, endpoint.send, lambda data: os._exit(7))


class LeavesMemory(Leaves):
    """The same where the facility says nothing of it: only the process's end tells."""

    name = "leaves-memory"
    kind = "shm:posix+posix-sem"


class LeavesQueue(Leaves):
    """And where the name in the kernel outlives the process."""

    name = "leaves-queue"
    kind = "sysv-queue"


class Garbles(_Faulty):
    """One bit of every message is wrong."""

    name = "garbles"

    def spoil(self, endpoint: Any) -> None:
        good = endpoint.send

        def send(data: Any, /) -> None:
            wrong = bytearray(data)
            wrong[-1] ^= 1
            good(wrong)

        endpoint.send = send


class LeavesUnheard(LeavesMemory):
    """And where the signal of it is lost, as one is that comes just before a wait begins."""

    name = "leaves-unheard"

    def attach(self, ticket: Ticket, deadline: float) -> Any:
        endpoint = super().attach(ticket, deadline)
        if ticket.role is Role.CLIENT:
            heard = signal.getsignal(signal.SIGCHLD)
            signal.signal(signal.SIGCHLD, lambda *_: signal.signal(signal.SIGCHLD, heard))
        return endpoint


class LeavesFirst(Leaves):
    """The worker itself is gone."""

    name = "leaves-first"
    guilty = Role.CLIENT


class Dies(_Faulty):
    """Killed in the middle of a block, as by the kernel when memory is short."""

    name = "dies"

    def spoil(self, endpoint: Any) -> None:
        endpoint.send = _after(
            TIMED, endpoint.send, lambda data: os.kill(os.getpid(), signal.SIGKILL)
        )


class Cuts(_Faulty):
    """A message arrives without its last byte."""

    name = "cuts"
    kind = "unix-seqpacket"

    def spoil(self, endpoint: Any) -> None:
        good = endpoint.send
        endpoint.send = lambda data, /: good(data[:-1])


class Repeats(_Faulty):
    """The second message is the first one again."""

    name = "repeats"

    def spoil(self, endpoint: Any) -> None:
        good, first = endpoint.send, []

        def send(data: Any, /) -> None:
            first.append(bytes(data))
            good(first[0])

        endpoint.send = send


class AnswersLate(_Faulty):
    """The reply to the first message comes when nobody waits for it any more."""

    name = "answers-late"

    def spoil(self, endpoint: Any) -> None:
        good = endpoint.send

        def send(data: Any, /) -> None:
            time.sleep(60)
            good(data)

        endpoint.send = send


class ComesLate(_Faulty):
    """Attaches when the others have given it up."""

    name = "comes-late"

    def spoil(self, endpoint: Any) -> None:
        time.sleep(60)


class StaysAway(_Faulty):
    """The barrier before the first block never fills."""

    name = "stays-away"

    def spoil(self, endpoint: Any) -> None:
        endpoint.connect = lambda hellos, deadline: time.sleep(60)


class HangsFirst(_Faulty):
    """The worker's own `send` never returns."""

    name = "hangs-first"
    guilty = Role.CLIENT

    def spoil(self, endpoint: Any) -> None:
        endpoint.send = _after(TIMED, endpoint.send, lambda data: time.sleep(3600))


class Hangs(_Faulty):
    """`send` never returns, from the middle of a timed block on."""

    name = "hangs"

    def spoil(self, endpoint: Any) -> None:
        endpoint.send = _after(TIMED, endpoint.send, lambda data: time.sleep(3600))


class Dawdles(_Faulty):
    """Takes so long that somebody has time to kill it."""

    name = "dawdles"

    def spoil(self, endpoint: Any) -> None:
        good = endpoint.send

        def send(data: Any, /) -> None:
            time.sleep(0.05)
            good(data)

        endpoint.send = send


class Raises(_Faulty):
    """Cannot be attached to."""

    name = "raises"

    def attach(self, ticket: Ticket, deadline: float) -> Any:
        if ticket.role is Role.SERVER:
            raise RuntimeError("no such luck\nin two lines")
        return super().attach(ticket, deadline)
