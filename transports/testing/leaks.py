"""Leak checks: snapshots of everything that a test can leave behind."""

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

SETTLING = 4.0  # seconds: objects of other programs are gone by then, leaks are not

_SYSV_TABLES = {"msg": "msqid", "sem": "semid", "shm": "shmid"}


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """A resource that outlives the function that made it, and often the process."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class KernelObject:
    """A named object of this user."""

    thing: Thing
    mode: int


def kernel_objects() -> dict[Thing, KernelObject]:
    """Return this user's named objects: of POSIX, System V, and in `home()`, without ledgers."""
    mapped = _owned(Path("/var/tmp").glob(f"{PREFIX}*"))  # where `home()` is not on a disk
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
        except FileNotFoundError:  # another program's, removed meanwhile
            continue
        if status.st_uid == os.getuid():
            yield KernelObject(Thing("file", str(path)), status.st_mode & 0o777)


def _posix_queues() -> Iterator[KernelObject]:
    """Find all queues, if their file system is mounted; else those named in a ledger here."""
    mount = Path("/dev/mqueue")
    if mount.is_mount():
        yield from _files(mount)
        return
    if posix_ipc is None:  # then no process here can have made one
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
    """Return the open descriptors of this process: number and target."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(Thing("descriptor", f"{entry.name} {entry.readlink()}"))
        except FileNotFoundError:  # the descriptor of this very listing
            continue
    return found


def mappings() -> set[Thing]:
    """Return the named shared mappings of this process."""
    found = set()
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if fields[1].endswith("s") and len(fields) > 5:
            found.add(Thing("mapping", f"{fields[0]} {fields[5]}"))
    return found


def children() -> set[Thing]:
    """Return the child processes, with zombies."""
    tasks = Path("/proc/self/task")
    numbers = [number for task in tasks.iterdir() for number in _children_of(task)]
    return {Thing("child process", number) for number in numbers}


def _children_of(task: Path) -> list[str]:
    try:
        return (task / "children").read_text().split()
    except FileNotFoundError:
        return []


def outliving() -> set[Thing]:
    """Return all that can outlive a process."""
    return {*kernel_objects(), *ledgers(), *children()}


def snapshot() -> set[Thing]:
    """Return all that a test can leave behind, also in this process."""
    return {*outliving(), *descriptors(), *mappings()}


def left_since(before: set[Thing], look: Callable[[], set[Thing]] = snapshot) -> list[Thing]:
    """Return the things that are new, stay, and belong to no other run."""
    end = time.monotonic() + SETTLING
    while left := look() - before:
        left = without_other_runs(left)
        if not left or time.monotonic() > end:
            return sorted(left)
        time.sleep(0.05)
    return []


def without_other_runs(things: Iterable[Thing]) -> set[Thing]:
    """Leave out what the ledgers of other runs on this machine name."""
    names = names_of_other_runs()
    return {thing for thing in things if not any(name in thing.name for name in names)}


def names_of_other_runs() -> set[str]:
    """Return the names in the ledgers of other runs, in the form of `Thing.name`."""
    temporary = Path(tempfile.gettempdir())
    names = set()
    for pattern in (f"{PREFIX}*/*.ledger", f"*/{PREFIX}*/*.ledger"):
        # Path.glob raises for a folder that is removed meanwhile.
        for path in map(Path, glob(f"{escape(str(temporary))}/{pattern}")):  # noqa: PTH207
            with contextlib.suppress(OSError):  # removed meanwhile; the caller looks again
                if path.parent != home():
                    for kind, name in standing(Ledger(path)):
                        sysv = kind.startswith("sysv")
                        names.add(f"key {name}" if sysv else Path(name).name)
    return names
