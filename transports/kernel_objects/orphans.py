"""Orphans: objects with a name of ipcbench that stand in no ledger here and have no user.

The ledger of a killed container is gone with its files, but objects in the IPC namespace
of the host, or in a folder of the host, remain. An orphan belongs to our user, has a name
or key that only ipcbench chooses, was not used for `QUIET` seconds, and the processes that
the kernel records as its users are dead. Where the kernel records none, no process may
have it open. Where neither can be known, it is listed as undecided, and stays.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ipcbench.transports.base.os_errors import describe
from ipcbench.transports.base.proc import no_proc
from ipcbench.transports.kernel_objects import named_files, removal, sysv_tables, users_of_objects
from ipcbench.transports.kernel_objects.ledger import ledgers, standing
from ipcbench.transports.kernel_objects.names import is_private_key
from ipcbench.transports.kernel_objects.sysv_tables import Row

_ASK = "run this on the host, or in that container"
_QUEUES_OF_KERNEL = Path("/proc/sys/fs/mqueue")
QUIET = 60.0  # seconds: no object of a running sweep is unused for so long


@dataclass(frozen=True, slots=True)
class Candidate:
    """An object that may be an orphan.

    Attributes:
        kind: a key of `ledger.KINDS`.
        name: its name, or its key as `ipcs` shows it.
        evidence: the reason why it is an orphan.
        doubt: the reason why that is undecided, or "".
        found: the object itself.
    """

    kind: str
    name: str
    evidence: str
    doubt: str
    found: Row | Path

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def reason(self) -> str:
        return self.doubt or self.evidence

    def as_dict(self) -> dict[str, str]:
        return {"kind": self.kind, "name": self.name, "reason": self.reason}

    def remove(self) -> None:
        """Remove it. Raises: OSError."""
        if isinstance(self.found, Row):
            sysv_tables.remove(self.found)
        elif self.kind == "folder":
            removal.folder(str(self.found))
        else:
            removal.file(str(self.found))


def candidates() -> list[Candidate]:
    """List the objects of our user that no ledger names and no process is known to use.

    Raises:
        Unavailable: no process can be seen.
    """
    if (lack := no_proc()) is not None:
        raise lack
    known = {name for ledger in ledgers() for _, name in standing(ledger)}
    return [*_sysv(known), *_files(known)]


@dataclass(frozen=True, slots=True)
class Unlisted:
    """Objects that cannot be listed here, and what would show them."""

    what: str
    reason: str
    remedy: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def unlisted() -> list[Unlisted]:
    """List the kinds of objects of this kernel among which orphans cannot be found here."""
    folder = named_files.MESSAGE_QUEUES
    if folder.is_mount() or not _QUEUES_OF_KERNEL.exists():
        return []
    remedy = f"mkdir -p {folder} && mount -t mqueue mqueue {folder}, then run this again"
    return [Unlisted("posix queues", f"{folder} is not mounted", remedy)]


def remove(found: Iterable[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
    """Remove the orphans; return those that were removed, and the others, in doubt."""
    removed, left = [], []
    for each in found:
        try:
            if each.doubt:
                left.append(each)
            else:
                each.remove()
                removed.append(each)
        except FileNotFoundError:  # another process was quicker
            continue
        except OSError as error:
            left.append(replace(each, doubt=f"it cannot be removed: {describe(error)}"))
    return removed, left


def _sysv(known: set[str]) -> Iterator[Candidate]:
    for kind, table in sysv_tables.TABLES.items():
        try:
            found = sysv_tables.rows(table)
        except OSError:  # a kernel without System V objects, or no /proc
            continue
        for row in found:
            if row.ours and is_private_key(row.key) and row.key not in known:
                yield from _judged(kind, row)


def _judged(kind: str, row: Row) -> Iterator[Candidate]:
    try:
        users, used = _users(row)
        unused = time.time() - used
    except OSError:  # removed meanwhile
        return
    if users is None or any(users_of_objects.lives(pid, unused) for pid in users if pid):
        return
    doubt = _doubt_of(users) or _recent(unused)
    pids = ", ".join(map(str, sorted(users)))
    evidence = f"its last users have ended: process {pids}" if users else "it was never used"
    yield Candidate(kind, f"{row.fields['key']:#010x}", evidence, doubt, row)


def _doubt_of(users: set[int]) -> str:
    """Return the reason why a user that the kernel does not name may live, or ""."""
    if 0 in users:
        return f"a process of another PID namespace used it: {_ASK}"
    return "" if users else users_of_objects.unrecorded_creator()


def _users(row: Row) -> tuple[set[int] | None, int]:
    """Return the pids that the kernel records, and the time of the last use.

    None for the pids: processes use it now. 0 among them: a pid of another PID namespace.
    No pid: none has used it; the creator of a queue is not recorded. Raises: OSError.
    """
    of = row.fields
    if row.table == "shm":
        pids = {of["cpid"]} | ({of["lpid"]} if of["atime"] or of["dtime"] else set())
        return (None if of["nattch"] else pids), max(of["ctime"], of["atime"], of["dtime"])
    if row.table == "msg":
        used = {"lspid": of["stime"], "lrpid": of["rtime"]}
        return {of[name] for name, at in used.items() if at}, max(of["ctime"], *used.values())
    pids, waiting = sysv_tables.semaphore_users(row)
    return (None if waiting else pids), max(of["ctime"], of["otime"])


def _recent(unused: float) -> str:
    ago = f"it was used {max(0, unused):.0f} s ago"
    return f"{ago}: run this again in a minute" if unused < QUIET else ""


def _files(known: set[str]) -> Iterator[Candidate]:
    """Yield the files, folders and POSIX objects; the kernel records no pid for them."""
    # A POSIX name begins with a slash, a file's is its path: the last part is what differs.
    last_parts = {Path(name).name for name in known}
    found = [path for path in named_files.ours() if named_files.last_part(path) not in last_parts]
    if not found:
        return
    in_use = users_of_objects.names_in_use()
    unreadable = users_of_objects.unreadable_process()
    for path in found:
        if named_files.last_part(path) in in_use:
            continue
        try:
            status = path.lstat()
            kind = "folder" if path.is_dir() else "file"
        except OSError:  # removed meanwhile
            continue
        unused = time.time() - max(status.st_atime, status.st_mtime, status.st_ctime)
        doubt = users_of_objects.doubt_of(path) or unreadable or _recent(unused)
        yield Candidate(kind, str(path), "no process has it open", doubt, path)
