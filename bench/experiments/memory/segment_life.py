"""Experiment `segment-life`: a segment after the end of its creator, and after its removal.

A segment stays when its creator ends. A removed one stays until the last process detaches, while
its key or name is free at once: shmctl(2) of IPC_RMID, shm_unlink(3).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ipcbench.bench.experiments.children import together
from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.lacks import in_words
from ipcbench.bench.results.entries.bounds import Number
from ipcbench.bench.results.records import Observation
from ipcbench.transports.contract import PeerGone, Unavailable
from ipcbench.transports.kernel_objects import KernelName, fresh_key, fresh_name
from ipcbench.transports.kernel_objects.sysv_tables import rows
from ipcbench.transports.shm.kinds import SEGMENTS

SIZE = 64 * 1024  # bytes
TIME = 5.0  # seconds for a process that creates or reads, which takes milliseconds
FIRST, SECOND = b"\x5a", b"\xa5"  # what fills it before, and after its removal
KINDS = ("sysv", "posix")

Remove = Callable[[KernelName], None]


def play(remove: Remove = KernelName.remove, *, early: bool = False) -> Observation:
    """Look at a segment of each kind at the stages of its life.

    Args:
        remove: removes it while processes are attached.
        early: its creator removes it before it ends.
    """
    seen = Observation(experiment=EXPERIMENT.name)
    seen.figures["size, bytes"] = SIZE
    for kind in KINDS:
        try:
            found = stages(kind, remove, early=early)
        except Unavailable as lack:
            seen.rows.append({"memory": kind, "skipped": in_words(lack)})
            continue
        seen.figures |= {f"{stage}, {kind}": number for stage, number in found.items()}
        seen.rows.append({"memory": kind, **found})
    return seen


def stages(kind: str, remove: Remove, *, early: bool) -> dict[str, Number]:
    """Return the figures of one kind's segment. Raises: Unavailable, ChildFailed."""
    name = _private_name(kind)
    found: dict[str, Number] = {
        "bytes kept after its creator": 0,
        "bytes kept after its removal": 0,
        "opened by name after its removal": 0,
    }
    try:
        with name.creating():
            together([partial(_create, kind, name, early)], TIME)
        (found["bytes kept after its creator"],) = together([partial(_read, kind, name)], TIME)
        with suppress(PeerGone):
            found |= _removed(kind, name, remove)
    finally:
        name.remove()
    return found


def _removed(kind: str, name: KernelName, remove: Remove) -> dict[str, Number]:
    """Remove the segment while this process is attached. Raises: PeerGone."""
    segment = SEGMENTS[kind].open(name.name)
    number = _number_of(name)
    try:
        remove(name)
        # Forked, so it is attached as well: shmat(2), mmap(2).
        together([partial(_fill, segment.memory, SECOND)], TIME)
        kept = segment.memory.tobytes().count(SECOND)
        (opened,) = together([partial(_opens, kind, name)], TIME)
        found: dict[str, Number] = {
            "bytes kept after its removal": kept,
            "opened by name after its removal": int(opened),
        }
        if number is not None:
            found["in the kernel after its removal"] = _exists(number)
    finally:
        segment.close()
    if number is not None:
        found["in the kernel after the last detach"] = _exists(number)
    return found


def _private_name(kind: str) -> KernelName:
    name = str(fresh_key()) if kind == "sysv" else f"/{fresh_name()}"
    return KernelName(f"{kind} memory", name, private=True)


def _create(kind: str, name: KernelName, early: bool) -> None:
    """Create and fill the segment. This process ends with it attached."""
    segment = SEGMENTS[kind].create(SIZE, name.name)
    _fill(segment.memory, FIRST)
    if early:
        segment.unlink()


def _fill(memory: memoryview, byte: bytes) -> None:
    memory[:SIZE] = byte * SIZE


def _read(kind: str, name: KernelName) -> int:
    """Return how many bytes of the creator a process that starts later finds."""
    try:
        segment = SEGMENTS[kind].open(name.name)
    except PeerGone:
        return 0
    return segment.memory.tobytes().count(FIRST)


def _opens(kind: str, name: KernelName) -> bool:
    with suppress(PeerGone):
        SEGMENTS[kind].open(name.name)
        return True
    return False


def _number_of(name: KernelName) -> int | None:
    """Return the number of a System V segment, which outlives its key; None: it has none."""
    if name.kind != "sysv memory":
        return None
    try:
        return next((row.number for row in rows("shm") if row.key == name.name), None)
    except OSError:  # no /proc/sysvipc
        return None


def _exists(number: int) -> int:
    """Return 1 if /proc/sysvipc/shm, proc(5), lists the segment of that number, or else 0."""
    return int(any(row.number == number for row in rows("shm")))


EXPERIMENT = Experiment(
    name="segment-life",
    question="Does a segment outlive its creator, and a removed one the last process that uses it?",
    statements=("shm-persists", "sysv-is-posix"),
    limit=30.0,
    usual=0.3,
    play=play,
)
