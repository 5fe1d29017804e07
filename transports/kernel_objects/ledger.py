"""Ledgers: lists of the kernel objects that exist, so that a killed run can be cleaned up.

A killed process cannot remove its objects. Therefore every key or name is
written to a *ledger* before the object is created, and `IPC_PRIVATE` is never
used: nothing could find such an object again. A ledger is a file of JSON lines
in a private folder; its first line names the process that owns the objects, and
the host, boot and PID namespace in which that is its pid. `remove_all` removes
the objects that a ledger names; `abandoned` finds the ledgers whose owner is
dead. A ledger whose owner may live elsewhere is left alone. An object under a
fixed name, which the caller of `create` chose, stands in no ledger: its caller
removes it.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ipcbench.transports.base.proc import no_proc
from ipcbench.transports.contract import Unavailable
from ipcbench.transports.kernel_objects import removal
from ipcbench.transports.kernel_objects.home import REMEDY, home
from ipcbench.transports.kernel_objects.names import is_private_key, is_private_name
from ipcbench.transports.kernel_objects.origin import (
    Origin,
    Place,
    in_ipc_namespace,
    in_its_folder,
    in_shared_memory,
)
from ipcbench.transports.kernel_objects.ownership import open_ours

LEDGER_VARIABLE = "IPCBENCH_LEDGER"


def process_start(pid: int) -> int | None:
    """Return the start time of a process in clock ticks since boot; None: there is no such process.

    Together with the pid it identifies a process for ever; the pid alone is reused
    (proc_pid_stat(5), field 22).
    """
    try:
        line = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = line.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def is_hidden(pid: int) -> bool:
    """Tell whether /proc does not show a process of our user that exists.

    With the option hidepid, proc(5), it shows those that we may trace, and a program with
    capabilities of its file is not one of them: ptrace(2).
    """
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):  # there is none, or it is another user's
        return False
    try:
        Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return False


class Owner(Enum):
    """State of the process that owns a ledger."""

    ALIVE = "alive"
    DEAD = "dead"
    ENDED_WITH_ITS_BOOT = "ended with its boot"  # and so did all kernel objects
    UNKNOWN = "unknown"  # of another host or namespace, or hidden, or the ledger does not say


def _line(entry: dict[str, object]) -> bytes:
    """Return a line. It begins with a newline as well, so that a torn one spoils no other."""
    return b"\n" + json.dumps(entry).encode() + b"\n"


def _create_whole(path: Path, content: bytes) -> bool:
    """Create a file that has its content when it gets its name: a kill leaves no draft.

    Returns False where that cannot be done: a file system without O_TMPFILE, open(2), or no /proc.
    """
    try:
        fd = os.open(path.parent, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    try:
        if os.write(fd, content) != len(content):
            return False
        # With a descriptor, Python calls linkat(2), which follows the link in /proc.
        os.link(f"/proc/self/fd/{fd}", path, src_dir_fd=fd, follow_symlinks=True)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


class Ledger:
    """Append-only list of the kernel objects of one owner."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open_new(cls, owner: int) -> Ledger:
        """Create a ledger in `home()` that belongs to the process `owner`. Raises: OSError."""
        # It gets its name once it names its owner: without one it would look abandoned to a
        # process that cleans up at this moment.
        here = Origin.here()
        origin = here.entry() if here else {}
        first = {"owner": owner, "start": process_start(owner), **origin}
        path = home() / f"{secrets.token_hex(8)}.ledger"
        if _create_whole(path, _line(first)):
            return cls(path)
        draft = path.with_suffix(".new")
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.close(fd)
        try:
            cls(draft).write(first)
            return cls(draft.rename(path))
        except BaseException:  # Ctrl-C, too
            draft.unlink(missing_ok=True)
            raise

    def write(self, entry: dict[str, object]) -> None:
        """Append one line, in one write: several processes share a ledger.

        Args:
            entry: a JSON object.

        Raises:
            OSError: it is not written, or only a part of it.
        """
        line = _line(entry)
        fd = open_ours(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            if os.write(fd, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        finally:
            os.close(fd)

    def entries(self) -> Iterator[dict[str, object]]:
        """Yield the entries; a line that a kill has torn, or that is garbled, is skipped."""
        with (
            contextlib.suppress(FileNotFoundError),
            open(open_ours(self.path, os.O_RDONLY), "rb") as lines,  # noqa: PTH123 (a descriptor)
        ):
            for line in lines:
                with contextlib.suppress(ValueError, RecursionError):
                    entry = json.loads(line)
                    if isinstance(entry, dict):
                        yield entry

    def owner(self) -> Owner:
        """Return the state of the process that owns it."""
        first = next(self.entries(), {})
        here, origin = Origin.here(), Origin.of(first)
        if origin is None and not isinstance(first.get("owner"), int) and not standing(self):
            return Owner.DEAD  # damaged, and it names nothing
        if here is None or origin is None:
            return Owner.UNKNOWN
        if origin.same_pids(here):
            return self._seen_owner(first.get("owner"))
        over = origin.ended_before(here, self.path.parent)
        return Owner.ENDED_WITH_ITS_BOOT if over else Owner.UNKNOWN

    def _seen_owner(self, pid: object) -> Owner:
        if self.owner_alive():
            return Owner.ALIVE
        return Owner.UNKNOWN if isinstance(pid, int) and pid > 0 and is_hidden(pid) else Owner.DEAD

    def owner_alive(self) -> bool:
        """Tell whether a process has the owner's pid and start time, in this PID namespace."""
        first = next(self.entries(), {})
        pid, start = first.get("owner"), first.get("start")
        return isinstance(pid, int) and start is not None and process_start(pid) == start

    def discard(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)


def current() -> Ledger:
    """Return the ledger of this process tree: the one in the environment, or a new one."""
    path = os.environ.get(LEDGER_VARIABLE)
    if path and _is_ours(Path(path)):  # su(1) keeps the other user's environment
        return Ledger(Path(path))
    ledger = Ledger.open_new(os.getpid())
    os.environ[LEDGER_VARIABLE] = str(ledger.path)
    atexit.register(_remove_at_exit, ledger, os.getpid())
    return ledger


def _remove_at_exit(ledger: Ledger, owner: int) -> None:
    if os.getpid() == owner:  # not in a child that has inherited this function by fork
        remove_all(ledger)


def _is_ours(path: Path) -> bool:
    try:
        return path.lstat().st_uid == os.geteuid()
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Kind:
    """Kind of kernel object that has a name."""

    name: str
    remove: Callable[..., None]  # removes an object by its name: see removal.py
    is_private: Callable[[str], bool]  # the name could be a private one of ipcbench
    place: Place  # where a name holds


KINDS = {
    kind.name: kind
    for kind in (
        Kind("file", removal.file, is_private_name, in_its_folder),
        Kind("folder", removal.folder, is_private_name, in_its_folder),
        Kind("posix memory", removal.posix_memory, is_private_name, in_shared_memory),
        Kind("posix semaphore", removal.posix_semaphore, is_private_name, in_shared_memory),
        Kind("posix queue", removal.posix_queue, is_private_name, in_ipc_namespace),
        Kind("sysv queue", removal.sysv_queue, is_private_key, in_ipc_namespace),
        Kind("sysv memory", removal.sysv_memory, is_private_key, in_ipc_namespace),
        Kind("sysv semaphore", removal.sysv_semaphore, is_private_key, in_ipc_namespace),
    )
}


def announce(kind: str, name: str) -> None:
    """Write an object that is about to be created to the current ledger.

    Args:
        kind: a key of `KINDS`.
        name: its name, or System V key as text.

    Raises:
        Unavailable: it cannot be written; then the object must not be created,
            because it would never be removed after a kill.
    """
    # A System V key may be another program's as well: the time identifies the object.
    when = {"at": round(time.time(), 1)} if kind.startswith("sysv") else {}
    try:
        current().write(
            {"kind": KINDS[kind].name, "name": name, "in": KINDS[kind].place(name), **when}
        )
    except OSError as error:
        raise unwritten(error) from error


def unwritten(error: OSError) -> Unavailable:
    """Make the error for a ledger or folder that cannot be written."""
    where = f"{error.filename}: " if error.filename else ""
    return Unavailable(f"{where}{error.strerror or error}", REMEDY)


def withdraw(kind: str, name: str) -> None:
    """Write that an object is removed, or was not created.

    A failure is ignored: the clean-up finds later that the object is gone.

    Args:
        kind: a key of `KINDS`.
        name: its name, or System V key as text.
    """
    with contextlib.suppress(OSError, Unavailable):
        current().write({"gone": KINDS[kind].name, "name": name})


def standing(ledger: Ledger) -> list[tuple[str, str]]:
    """List the (kind, name) pairs that were announced and not withdrawn.

    A name that is no private one of ipcbench is skipped: a garbled ledger must not
    remove the objects of other programs.
    """
    return list(_announced(ledger))


@dataclass(frozen=True, slots=True)
class Announced:
    """Object that was announced: when, and where its name holds (None: unknown)."""

    at: float
    place: int | None


def _announced(ledger: Ledger) -> dict[tuple[str, str], Announced]:
    found: dict[tuple[str, str], Announced] = {}
    for entry in ledger.entries():
        kind, gone, name = (str(entry.get(key)) for key in ("kind", "gone", "name"))
        if kind in KINDS and KINDS[kind].is_private(name):
            at, place = entry.get("at"), entry.get("in")
            found[kind, name] = Announced(
                at if isinstance(at, float) else 0.0, place if isinstance(place, int) else None
            )
        else:
            found.pop((gone, name), None)
    return found


def standing_elsewhere(ledger: Ledger) -> list[tuple[str, str]]:
    """List the objects in `standing` whose name means another object here, or none."""
    if ledger.owner() is Owner.ENDED_WITH_ITS_BOOT:  # these places are gone
        return []
    return [key for key, found in _announced(ledger).items() if not _holds_here(*key, found)]


def _holds_here(kind: str, name: str, found: Announced) -> bool:
    return found.place is None or found.place == KINDS[kind].place(name)


def remove_standing(ledger: Ledger) -> list[str]:
    """Remove every object that a ledger still names, and list those that were removed.

    An object that cannot be removed (a binding is missing, say) stays in the ledger, and
    so does one in another IPC namespace or on another file system.
    """
    return [f"{kind} {name}" for (kind, name), removed in _remove(ledger).items() if removed]


def _remove(ledger: Ledger) -> dict[tuple[str, str], bool]:
    """Remove the objects; return those that are gone, and whether this call removed them."""
    gone = {}
    ended = ledger.owner() is Owner.ENDED_WITH_ITS_BOOT
    for (kind, name), found in _announced(ledger).items():
        if not (ended or _holds_here(kind, name, found)):
            continue
        try:
            if ended and kind.startswith("sysv"):
                raise FileNotFoundError(name)  # the key may be another program's since
            KINDS[kind].remove(name, found.at)
            gone[kind, name] = True
        except FileNotFoundError:
            gone[kind, name] = False
        except Exception:  # every binding has errors of its own; go on with the other objects
            continue
        with contextlib.suppress(OSError):  # a full disk must not prevent the clean-up
            ledger.write({"gone": kind, "name": name})
    return gone


def remove_all(ledger: Ledger) -> list[str]:
    """Remove every object that a ledger still names, then the ledger; list the removed objects.

    The ledger stays while an object of it exists, for the next clean-up.
    """
    gone = _remove(ledger)
    # On a full disk, objects that are gone still stand in the ledger.
    if gone.keys() >= set(standing(ledger)):
        ledger.discard()
    return [f"{kind} {name}" for (kind, name), removed in gone.items() if removed]


def ledgers() -> list[Ledger]:
    """List the ledgers in `home()`."""
    return [Ledger(path) for path in sorted(home().glob("*.ledger"))]


def abandoned() -> list[Ledger]:
    """List the ledgers in `home()` whose owner is known to be dead.

    Raises:
        Unavailable: no process can be seen, so that every owner would look dead.
    """
    if (lack := no_proc()) is not None:
        raise lack
    dead = (Owner.DEAD, Owner.ENDED_WITH_ITS_BOOT)
    return [ledger for ledger in ledgers() if ledger.owner() in dead]
