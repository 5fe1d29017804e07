"""Experiment `map-keeps`: the content of a mapped file when the processes that wrote it have gone.

A store through MAP_SHARED changes the file, for all processes that map or read it; a store through
MAP_PRIVATE changes a copy of the page that no other process sees: mmap(2). Content that shall
outlive a power cut needs msync(2) as well, which is not tried here.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ipcbench.bench.experiments.children import Child, ChildFailed, Stuck, together
from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.results.entries.bounds import Number
from ipcbench.bench.results.records import Observation
from ipcbench.transports.contract import Mapping, Unavailable
from ipcbench.transports.kernel_objects import KernelName, fresh_name
from ipcbench.transports.segments.file import FILE, TMPFS, FileSegments

SIZE = 256 * 1024  # bytes: many pages
TIME = 5.0  # seconds for a process that writes or reads, which takes milliseconds
FIRST, SECOND, PRIVATE = b"\x5a", b"\xa5", b"\x33"  # what each writer fills it with


def play(shared: Mapping = Mapping.SHARED, private: Mapping = Mapping.PRIVATE) -> Observation:
    """Write through maps by processes that end, that are killed, or that map privately; read.

    `shared`, `private`: the mappings of these writers.
    """
    seen = Observation(experiment=EXPERIMENT.name)
    figures = seen.figures
    segments, folder = _folder()
    name = KernelName("file", str(folder / fresh_name()), private=True)
    seen.texts["file system"] = "a disk" if segments is FILE else "a tmpfs"
    figures["size, bytes"] = SIZE
    try:
        with name.creating() as path:
            together([partial(_create, segments, path)], TIME)
        together([partial(_write, segments, path, shared, FIRST)], TIME)
        ended = figures["bytes kept after the writer ended"] = _found(path, FIRST)
        _killed(partial(_write, segments, path, shared, SECOND))
        killed = figures["bytes kept after the writer was killed"] = _found(path, SECOND)
        figures |= _stored_privately(segments, path, private)
    finally:
        name.remove()
    seen.rows += [
        {"stored by": "a process that ended", "in the file": ended},
        {"stored by": "a process that was killed", "in the file": killed},
        {
            "stored by": "a private map",
            "in the file": figures["bytes stored privately, in the file"],
            "in a shared map": figures["bytes stored privately, in a shared map"],
        },
    ]
    return seen


def _stored_privately(segments: FileSegments, path: str, mapping: Mapping) -> dict[str, Number]:
    """Store through a private map of this process; return what others see of it meanwhile."""
    segment = segments.open(path, mapping=mapping)
    try:
        segment.memory[:] = PRIVATE * SIZE
        own = segment.memory.tobytes().count(PRIVATE)
        (mapped,) = together([partial(_mapped, segments, path, PRIVATE)], TIME)
        return {
            "bytes stored privately, in that map": own,
            "bytes stored privately, in the file": _found(path, PRIVATE),
            "bytes stored privately, in a shared map": mapped,
        }
    finally:
        segment.close()


def _folder() -> tuple[FileSegments, Path]:
    """Return a folder on a disk, or else on a tmpfs. Raises: Unavailable."""
    segments = FILE if isinstance(FILE.folder(), Path) else TMPFS
    folder = segments.folder()
    if isinstance(folder, Unavailable):
        raise folder
    return segments, folder


def _create(segments: FileSegments, path: str) -> None:
    segments.create(SIZE, path).close()


def _write(segments: FileSegments, path: str, mapping: Mapping, byte: bytes) -> None:
    """Fill the file through a map. This process ends without munmap(2) or msync(2)."""
    segments.open(path, mapping=mapping).memory[:] = byte * SIZE


def _killed(body: Callable[[], None]) -> None:
    """Call a function in a process that is killed behind it.

    Raises: Stuck, ChildFailed, Unavailable.
    """

    def whole() -> None:
        body()
        os.kill(os.getpid(), signal.SIGKILL)

    with Child(whole) as child:
        if not child.ends(time.monotonic() + TIME):
            raise Stuck([0], TIME)
        try:
            child.result()
        except ChildFailed as error:
            if signal.SIGKILL.name not in str(error):
                raise


def _found(path: str, byte: bytes) -> int:
    """Return how many such bytes a process that starts now reads from the file: read(2)."""
    (found,) = together([lambda: Path(path).read_bytes().count(byte)], TIME)
    return int(found)


def _mapped(segments: FileSegments, path: str, byte: bytes) -> int:
    segment = segments.open(path, mapping=Mapping.READ_ONLY)
    return segment.memory.tobytes().count(byte)


EXPERIMENT = Experiment(
    name="map-keeps",
    question="Does a mapped file keep its content, and does a private map reach anyone?",
    statements=("mmap-keeps",),
    limit=30.0,
    usual=0.3,
    play=play,
)
