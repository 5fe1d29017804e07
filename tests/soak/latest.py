"""Newest values: one process publishes without pause, others read, and every byte is compared.

The trials cover each transport, 1 to 16 readers, small values and a frame of video, Python, C, and
both over the same memory, on one CPU and on all. A value that is torn, or older than one that was
read before, fails its trial.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from ipcbench.bench.loops import native_loops
from ipcbench.transports.contract import Limits, Spec, Topology, Transport, Unavailable
from ipcbench.transports.kernel_objects.ledger import current
from ipcbench.transports.registry import BrokenPlugin, get, matching
from ipcbench.transports.testing.actors import Actor
from ipcbench.transports.testing.kinds.newest import publish_for, read_for, torn
from ipcbench.transports.testing.leaks import left_since, snapshot
from ipcbench.transports.testing.participants import Participants, Seat, go_native
from tests.soak.trials import Trial

PYTHON, NATIVE, MIXED = "python", "native", "mixed"
SECONDS = 8.0  # of a trial: all of them take ten minutes together
SIZES = (64, 4096, 1920 * 1080 * 3)
READERS = (1, 4, 16)


@dataclass(frozen=True, slots=True)
class Shape:
    transport: str
    runtime: str
    size: int
    readers: int
    one_cpu: bool

    @property
    def name(self) -> str:
        where = "one CPU" if self.one_cpu else "all CPUs"
        return f"{self.transport}/{self.runtime}/{self.size}B/{self.readers} readers/{where}"


def shapes() -> Iterator[Shape]:
    """Yield the shapes; those that have no native operations are played from Python."""
    for name in matching("latest:*"):
        found = get(name)
        assert not isinstance(found, BrokenPlugin)
        for runtime in (PYTHON, NATIVE, MIXED) if found.traits.native else (PYTHON,):
            for size in SIZES:
                for readers in READERS:
                    one_cpu = readers == 4 and size != max(SIZES)
                    yield Shape(name, runtime, size, readers, one_cpu)


def unable(shape: Shape, transport: Transport) -> Unavailable | None:
    """Return the reason why a shape cannot be played here, or None."""
    limits = transport.probe()
    if not isinstance(limits, Limits):
        return limits
    most = limits.message.value
    if most is not None and shape.size > most:
        return Unavailable(f"it takes {most} bytes at most")
    return None if shape.runtime == PYTHON else native_loops.missing()


def play(shape: Shape, seconds: float = SECONDS) -> str:
    """Publish and read for some time; summarize it. Raises: AssertionError."""
    transport = get(shape.transport)
    assert isinstance(transport, Transport)
    reason = unable(shape, transport)
    if reason is not None:
        return f"not here: {reason.reason}"
    current()  # a ledger before the snapshot
    before = snapshot()
    native = shape.runtime != PYTHON
    spec = Spec(shape.size, Topology.NEWEST, shape.readers + 1, native=native)
    with Participants(transport, spec, driven=False) as crew:
        for number, actor in enumerate(crew.actors):
            actor.do(pin, number, shape.one_cpu)
            if shape.runtime == NATIVE or (shape.runtime == MIXED and number % 2 == 0):
                actor.do(go_native)
        published, seen, discarded = _values(crew.senders[0], crew.receivers, seconds)
    left = left_since(before)
    assert not left, f"left behind: {', '.join(map(str, left))}"
    return f"{published} published, {seen} read, {discarded} torn copies discarded"


def _values(sender: Actor, receivers: list[Actor], seconds: float) -> tuple[int, int, int]:
    for receiver in receivers:
        receiver.begin(read_for, seconds)
    published: int = sender.do(publish_for, seconds)
    counts, faults = zip(*(receiver.answer() for receiver in receivers), strict=True)
    assert not any(faults), f"{', '.join(filter(None, faults))}"
    assert all(counts), f"a reader has seen nothing: {counts}"
    return published, sum(counts), sum(receiver.do(torn) for receiver in receivers)


def pin(seat: Seat, number: int, one_cpu: bool) -> None:
    """Pin a process to a CPU of its own, as far as there are any, or all to the last one."""
    cpus = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpus[-1] if one_cpu else cpus[number % len(cpus)]})


def trials(seed: int) -> Iterator[Trial]:
    """Yield a trial for each shape; they draw nothing from the seed."""
    for shape in shapes():
        yield Trial(f"latest {shape.name}", partial(play, shape))
