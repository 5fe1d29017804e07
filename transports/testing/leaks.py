"""What a test may leave behind, as a snapshot: compare one before with one after."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from glob import escape, glob
from pathlib import Path

from ipcbench.transports.base.bindings import posix_ipc
from ipcbench.transports.kernel_objects.home import PREFIX, home
from ipcbench.transports.kernel_objects.ledger import Ledger, standing

SETTLING = 4.0  # seconds: an object of a program beside us is gone by then, a leak is not

_SYSV_TABLES = {"msg": "msqid", "sem": "semid", "shm": "shmid"}


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """Something that outlives a function's return, and often a process."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class KernelObject:
    """A named object of our own user."""

    thing: Thing
    mode: int


def kernel_objects() -> dict[Thing, KernelObject]:
    """Our user's named objects: of POSIX, System V, and in `home()`, without ledgers."""
    mapped = _owned(Path("/var/tmp").glob(f"{PREFIX}*"))  # where `home()` is no disk
    found = (*_files(Path("/dev/shm")), *mapped, *_posix_queues(), *_sysv())
    ours = (thing for thing in _files(home()) if not thing.thing.name.endswith(".ledger"))
    return {each.thing: each for each in (*found, *ours)}


def ledgers() -> set[Thing]:
    return {Thing("ledger", str(path)) for path in home().glob("*.ledger")}


def _files(folder: Path) -> Iterator[KernelObject]:
    return _owned(folder.rglob("*"))


def _owned(paths: Iterable[Path]) -> Iterator[KernelObject]:
    for path in sorted(paths):
        try:
            status = path.lstat()
        except FileNotFoundError:  # somebody else's, gone meanwhile
            continue
        if status.st_uid == os.getuid():
            yield KernelObject(Thing("file", str(path)), status.st_mode & 0o777)


def _posix_queues() -> Iterator[KernelObject]:
    """All, where their file system is mounted; else those that a ledger here ever named."""
    mount = Path("/dev/mqueue")
    if mount.is_mount():
        yield from _files(mount)
        return
    if posix_ipc is None:  # then nobody here can have made one
        return
    entries = [entry for path in ledgers() for entry in Ledger(Path(path.name)).entries()]
    for name in sorted({str(entry.get("name")) for entry in entries if _names_a_queue(entry)}):
        try:
            queue = posix_ipc.MessageQueue(name, read=True, write=False)
        except posix_ipc.ExistentialError:
            continue
        status = os.fstat(queue.mqd)
        queue.close()
        yield KernelObject(Thing("posix queue", name), status.st_mode & 0o777)


def _names_a_queue(entry: dict[str, object]) -> bool:
    return "posix queue" in (entry.get("kind"), entry.get("gone"))


def _sysv() -> Iterator[KernelObject]:
    for table, identifier in _SYSV_TABLES.items():
        path = Path("/proc/sysvipc", table)
        if not path.exists():
            continue
        head, *rows = path.read_text().splitlines()
        for row in rows:
            fields = dict(zip(head.split(), row.split(), strict=True))
            if int(fields["uid"]) == os.getuid():
                name = f"{fields[identifier]} with key {fields['key']}"
                mode = int(fields["perms"], 8) & 0o777
                yield KernelObject(Thing(f"System V {table}", name), mode)


def descriptors() -> set[Thing]:
    """Our open descriptors, by number and what they lead to."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(Thing("descriptor", f"{entry.name} {entry.readlink()}"))
        except FileNotFoundError:  # the one that listed them
            continue
    return found


def mappings() -> set[Thing]:
    """Our shared mappings that have a name."""
    found = set()
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if fields[1].endswith("s") and len(fields) > 5:
            found.add(Thing("mapping", f"{fields[0]} {fields[5]}"))
    return found


def children() -> set[Thing]:
    """Our child processes, dead ones that nobody waited for among them."""
    tasks = Path("/proc/self/task")
    numbers = [number for task in tasks.iterdir() for number in _children_of(task)]
    return {Thing("child process", number) for number in numbers}


def _children_of(task: Path) -> list[str]:
    try:
        return (task / "children").read_text().split()
    except FileNotFoundError:
        return []


def outliving() -> set[Thing]:
    """What a process could leave behind."""
    return {*kernel_objects(), *ledgers(), *children()}


def snapshot() -> set[Thing]:
    """What a test could leave behind: in this process, too."""
    return {*outliving(), *descriptors(), *mappings()}


def left_since(before: set[Thing], look: Callable[[], set[Thing]] = snapshot) -> list[Thing]:
    """What has come since that look, stays, and is no other run's."""
    end = time.monotonic() + SETTLING
    while left := look() - before:
        names = names_of_other_runs()
        left = {thing for thing in left if not any(name in thing.name for name in names)}
        if not left or time.monotonic() > end:
            return sorted(left)
        time.sleep(0.05)
    return []


def names_of_other_runs() -> set[str]:
    """What the ledgers of other runs beside us name, as a `Thing` would have it."""
    temporary = Path(tempfile.gettempdir())
    names = set()
    for pattern in (f"{PREFIX}*/*.ledger", f"*/{PREFIX}*/*.ledger"):
        # Not Path.glob, which raises for a folder that goes meanwhile.
        for path in map(Path, glob(f"{escape(str(temporary))}/{pattern}")):  # noqa: PTH207
            with contextlib.suppress(OSError):  # it went while we looked; we look again
                if path.parent != home():
                    for kind, name in standing(Ledger(path)):
                        sysv = kind.startswith("sysv")
                        names.add(f"key {name}" if sysv else Path(name).name)
    return names
