"""Faulty transports as plug-ins: a correct transport with one deliberate fault each.

A sweep finds them if this folder is on PYTHONPATH.
"""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import time
from contextlib import suppress
from typing import Any

import capsules

from ipcbench.bench.workers import deadlines
from ipcbench.transports.contract import Role, Ticket
from ipcbench.transports.registry import BrokenPlugin, get

# Short time limits of the sweep, in seconds: each hang here takes as long as the limit.
deadlines.ATTACH_TIME = 1.0
deadlines.SETUP_TIME = 2.0

TIMED = 40  # calls, after which the check of the channel has certainly ended


class _Faulty:
    """A correct transport whose server or client has a fault."""

    name = ""
    kind = "pipe"
    faulty = Role.SERVER

    def __init__(self) -> None:
        self._good = get(self.kind)
        assert not isinstance(self._good, BrokenPlugin)
        self.traits = self._good.traits
        self.probe = self._good.probe
        self.create = self._good.create

    def attach(self, ticket: Ticket, deadline: float) -> Any:
        endpoint = self._good.attach(ticket, deadline)
        if ticket.role is self.faulty:
            self.add_fault(endpoint)
            if ticket.spec.native:  # a capsule with the same fault
                made = capsules.over(endpoint)
                endpoint.native = lambda: made
        return endpoint

    def add_fault(self, endpoint: Any) -> None:
        raise NotImplementedError


def _after(calls: int, good: Any, bad: Any) -> Any:
    """Call `good` for so many calls, then `bad`."""
    left = calls

    def call(data: Any, /) -> Any:
        nonlocal left
        left -= 1
        return (bad if left < 0 else good)(data)

    return call


class Leaves(_Faulty):
    """The peer exits in the middle of a timed block, without a report."""

    name = "leaves"

    def add_fault(self, endpoint: Any) -> None:
        endpoint.send = _after(TIMED, endpoint.send, lambda data: os._exit(7))


class LeavesMemory(Leaves):
    """The same with a facility that does not report it: only the process's end is visible."""

    name = "leaves-memory"
    kind = "shm:posix+posix-sem"


class LeavesQueue(Leaves):
    """The same with a kernel object that outlives the process."""

    name = "leaves-queue"
    kind = "sysv-queue"


class Garbles(_Faulty):
    """One bit of every message is wrong."""

    name = "garbles"

    def add_fault(self, endpoint: Any) -> None:
        good = endpoint.send

        def send(data: Any, /) -> None:
            wrong = bytearray(data)
            wrong[-1] ^= 1
            good(wrong)

        endpoint.send = send


class LeavesUnheard(LeavesMemory):
    """The same, and SIGCHLD is lost, as if it came just before a wait begins."""

    name = "leaves-unheard"

    def attach(self, ticket: Ticket, deadline: float) -> Any:
        endpoint = super().attach(ticket, deadline)
        if ticket.role is Role.CLIENT:
            handler = signal.getsignal(signal.SIGCHLD)
            signal.signal(signal.SIGCHLD, lambda *_: signal.signal(signal.SIGCHLD, handler))
        return endpoint


class LeavesFirst(Leaves):
    """The worker itself exits."""

    name = "leaves-first"
    faulty = Role.CLIENT


class Dies(_Faulty):
    """The peer is killed in the middle of a block, as by the OOM killer."""

    name = "dies"

    def add_fault(self, endpoint: Any) -> None:
        endpoint.send = _after(
            TIMED, endpoint.send, lambda data: os.kill(os.getpid(), signal.SIGKILL)
        )


class Cuts(_Faulty):
    """A message arrives without its last byte."""

    name = "cuts"
    kind = "unix-seqpacket"

    def add_fault(self, endpoint: Any) -> None:
        good = endpoint.send
        endpoint.send = lambda data, /: good(data[:-1])


class Repeats(_Faulty):
    """The second message is the first one again."""

    name = "repeats"

    def add_fault(self, endpoint: Any) -> None:
        good, first = endpoint.send, []

        def send(data: Any, /) -> None:
            first.append(bytes(data))
            good(first[0])

        endpoint.send = send


class AnswersLate(_Faulty):
    """The reply to the first message comes after the time limit."""

    name = "answers-late"

    def add_fault(self, endpoint: Any) -> None:
        good = endpoint.send

        def send(data: Any, /) -> None:
            time.sleep(60)
            good(data)

        endpoint.send = send


class ComesLate(_Faulty):
    """The peer attaches after the time limit."""

    name = "comes-late"

    def add_fault(self, endpoint: Any) -> None:
        time.sleep(60)


class GreetsAtLength(_Faulty):
    """The data for the others are long, which is no fault."""

    name = "greets-at-length"
    length = 1 << 20

    def add_fault(self, endpoint: Any) -> None:
        endpoint.hello = lambda: "x" * self.length


class GreetsEndlessly(GreetsAtLength):
    """The data for the others are longer than any."""

    name = "greets-endlessly"
    length = 17 << 20


class WritesEndlessly(_Faulty):
    """The worker fills the pipe of its results."""

    name = "writes-endlessly"
    faulty = Role.CLIENT

    def add_fault(self, endpoint: Any) -> None:
        _write_everywhere(17 << 20)


def _write_everywhere(size: int) -> None:
    """Write to all pipes that this process has inherited for writing."""
    for fd in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):
            if stat.S_ISFIFO(os.fstat(fd).st_mode) and fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_WRONLY:
                os.write(fd, b"\n" * size)


class StaysAway(_Faulty):
    """The barrier before the first block never fills."""

    name = "stays-away"

    def add_fault(self, endpoint: Any) -> None:
        endpoint.connect = lambda hellos, deadline: time.sleep(60)


class HangsFirst(_Faulty):
    """The worker's own `send` never returns."""

    name = "hangs-first"
    faulty = Role.CLIENT

    def add_fault(self, endpoint: Any) -> None:
        endpoint.send = _after(TIMED, endpoint.send, lambda data: time.sleep(3600))


class Hangs(_Faulty):
    """`send` never returns, from the middle of a timed block on."""

    name = "hangs"

    def add_fault(self, endpoint: Any) -> None:
        endpoint.send = _after(TIMED, endpoint.send, lambda data: time.sleep(3600))


class Dawdles(_Faulty):
    """Every `send` is slow, so that a test has time to kill a process."""

    name = "dawdles"

    def add_fault(self, endpoint: Any) -> None:
        good = endpoint.send

        def send(data: Any, /) -> None:
            time.sleep(0.05)
            good(data)

        endpoint.send = send


class SlowsOne(_Faulty):
    """The first of several clients, or senders, is slower than the others."""

    name = "slows-one"

    def attach(self, ticket: Ticket, deadline: float) -> Any:
        endpoint: Any = self._good.attach(ticket, deadline)
        good = endpoint.send
        if ticket.role in (Role.CLIENT, Role.SENDER) and ticket.index == 0:
            endpoint.send = lambda data, /: (time.sleep(0.002), good(data))
        return endpoint


class Raises(_Faulty):
    """Attaching fails with a message of two lines."""

    name = "raises"

    def attach(self, ticket: Ticket, deadline: float) -> Any:
        if ticket.role is Role.SERVER:
            raise RuntimeError("no such luck\nin two lines")
        return super().attach(ticket, deadline)


class Moves(_Faulty):
    """The peer gets another CPU in the middle of a block, as by a cpuset that changes."""

    name = "moves"

    def add_fault(self, endpoint: Any) -> None:
        good = endpoint.send

        def send(data: Any, /) -> None:
            other = {1} if os.sched_getaffinity(0) == {0} else {0}
            os.sched_setaffinity(0, other)
            good(data)
            endpoint.send = good

        endpoint.send = _after(TIMED, good, send)


class StallsOnce(_Faulty):
    """One `send` of a sweep stalls for 8 ms, a while after the check: in its first calibration."""

    name = "stalls-once"

    def add_fault(self, endpoint: Any) -> None:
        good = endpoint.send

        def send(data: Any, /) -> None:
            with suppress(FileExistsError):
                os.close(os.open(os.environ["STALLED"], os.O_CREAT | os.O_EXCL))
                time.sleep(0.008)
            good(data)
            endpoint.send = good

        endpoint.send = _after(2 * TIMED, good, send)
