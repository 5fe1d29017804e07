"""Names of kernel objects: private, random, written down before they exist.

A killed process cannot tidy up after itself, so every key or name goes to a
*ledger* before the object is created, and never is `IPC_PRIVATE` used, which
nobody could find again. One ledger is a file of JSON lines in a private
folder; its first line names the process that owns the objects. `remove_all`
takes away what a ledger names; `abandoned` finds the ledgers whose owner is
dead. Objects under a fixed name, asked for by a caller who wants them to be
found, are the caller's to remove and stand in no ledger.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from transports.errors import Unavailable

PREFIX = "ipcbench-"
LEDGER_VARIABLE = "IPCBENCH_LEDGER"

_FRESH_NAME = re.compile(PREFIX + "[0-9a-f]{16}")

KEY_BITS = 31  # a System V key is a C int: sysv_ipc cuts a longer one in silence


def home() -> Path:
    """The private folder (0700) of ledgers and socket paths, made if missing.

    Raises: PermissionError where somebody else has made it, or others may
    enter it; Unavailable where it cannot be made.
    """
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    folder = Path(base) / f"{PREFIX}{os.getuid()}"
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
    except OSError as error:
        raise Unavailable(
            f"{folder} cannot be made: {error.strerror}",
            "set XDG_RUNTIME_DIR or TMPDIR to a folder that you may write to",
        ) from error
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not private or stat.S_IMODE(found.st_mode) & 0o077:
        raise PermissionError(
            f"{folder} is not a folder of ours alone (0700): remove it, or set XDG_RUNTIME_DIR"
        )
    return folder


def process_start(pid: int) -> int | None:
    """When a process began, in clock ticks since boot, or None: no such process.

    With the pid it names a process for ever; the pid alone is used again
    (proc_pid_stat(5), field 22).
    """
    try:
        line = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = line.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


class Ledger:
    """An append-only list of the kernel objects that one owner answers for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open_new(cls, owner: int) -> Ledger:
        """A fresh ledger in `home()`, owned by the process `owner`."""
        # It gets its name once its owner stands in it: one without an owner would
        # look abandoned to a process that cleans up just then.
        path = home() / f"{secrets.token_hex(8)}.new"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.close(fd)
        cls(path).write({"owner": owner, "start": process_start(owner)})
        return cls(path.rename(path.with_suffix(".ledger")))

    def write(self, entry: dict[str, object]) -> None:
        """Append one line, in one write: several processes share a ledger.

        Raises: OSError, also where the disk took a part of it.
        """
        # It begins with a line's end too, so that a torn line spoils no other.
        line = b"\n" + json.dumps(entry).encode() + b"\n"
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if os.write(fd, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        finally:
            os.close(fd)

    def entries(self) -> Iterator[dict[str, object]]:
        """What stands in it; a line torn by a kill, or garbled, is passed over."""
        with contextlib.suppress(FileNotFoundError), self.path.open("rb") as lines:
            for line in lines:
                with contextlib.suppress(ValueError, RecursionError):
                    entry = json.loads(line)
                    if isinstance(entry, dict):
                        yield entry

    def owner_alive(self) -> bool:
        first = next(self.entries(), {})
        pid, start = first.get("owner"), first.get("start")
        return isinstance(pid, int) and start is not None and process_start(pid) == start

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)


def current() -> Ledger:
    """The ledger of this process tree: the one in the environment, or a new one."""
    path = os.environ.get(LEDGER_VARIABLE)
    if path and Path(path).exists():
        return Ledger(Path(path))
    ledger = Ledger.open_new(os.getpid())
    os.environ[LEDGER_VARIABLE] = str(ledger.path)
    atexit.register(_settle, ledger, os.getpid())
    return ledger


def _settle(ledger: Ledger, owner: int) -> None:
    if os.getpid() == owner:  # and not in a child that inherited this by fork
        remove_all(ledger)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of kernel object that has a name, and how to remove one by it."""

    name: str
    remove: Callable[[str], None]  # raises FileNotFoundError where it is gone already
    ours: Callable[[str], bool]  # could we have given this name?


def _private_name(name: str) -> bool:
    return _FRESH_NAME.fullmatch(Path(name).name) is not None


def _private_key(name: str) -> bool:
    return name.isascii() and name.isdigit() and 0 < int(name) < 2**KEY_BITS


def _remove_file(path: str) -> None:
    Path(path).unlink()


def _remove_folder(path: str) -> None:
    shutil.rmtree(path)


def _remove_posix_memory(name: str) -> None:
    import posix_ipc

    try:
        posix_ipc.unlink_shared_memory(name)
    except posix_ipc.ExistentialError as error:
        raise FileNotFoundError(name) from error


def _remove_posix_semaphore(name: str) -> None:
    import posix_ipc

    try:
        posix_ipc.unlink_semaphore(name)
    except posix_ipc.ExistentialError as error:
        raise FileNotFoundError(name) from error


def _remove_posix_queue(name: str) -> None:
    import posix_ipc

    try:
        posix_ipc.unlink_message_queue(name)
    except posix_ipc.ExistentialError as error:
        raise FileNotFoundError(name) from error


def _remove_sysv_queue(key: str) -> None:
    import sysv_ipc

    try:
        queue = sysv_ipc.MessageQueue(int(key))
        # A key can be used again by another program once ours is gone; keys are
        # random, so a queue of our own user under it is the one that we made.
        if queue.uid != os.getuid():
            raise FileNotFoundError(key)
        queue.remove()
    except sysv_ipc.ExistentialError as error:
        raise FileNotFoundError(key) from error


def _remove_sysv_memory(key: str) -> None:
    import sysv_ipc

    try:
        memory = sysv_ipc.SharedMemory(int(key))
        memory.detach()
        if memory.uid != os.getuid():
            raise FileNotFoundError(key)
        memory.remove()
    except sysv_ipc.ExistentialError as error:
        raise FileNotFoundError(key) from error


def _remove_sysv_semaphore(key: str) -> None:
    import sysv_ipc

    try:
        semaphore = sysv_ipc.Semaphore(int(key))
        if semaphore.uid != os.getuid():
            raise FileNotFoundError(key)
        semaphore.remove()
    except sysv_ipc.ExistentialError as error:
        raise FileNotFoundError(key) from error


KINDS = {
    kind.name: kind
    for kind in (
        Kind("file", _remove_file, _private_name),
        Kind("folder", _remove_folder, _private_name),
        Kind("posix memory", _remove_posix_memory, _private_name),
        Kind("posix semaphore", _remove_posix_semaphore, _private_name),
        Kind("posix queue", _remove_posix_queue, _private_name),
        Kind("sysv queue", _remove_sysv_queue, _private_key),
        Kind("sysv memory", _remove_sysv_memory, _private_key),
        Kind("sysv semaphore", _remove_sysv_semaphore, _private_key),
    )
}


def announce(kind: str, name: str) -> None:
    """Write down an object that is about to be created."""
    current().write({"kind": KINDS[kind].name, "name": name})


def withdraw(kind: str, name: str) -> None:
    """Write down that the object is gone, or never was.

    As well as may be: what stays written down is found to be gone later.
    """
    with contextlib.suppress(OSError):
        current().write({"gone": KINDS[kind].name, "name": name})


def fresh_name() -> str:
    """A name that nobody can guess: 64 random bits behind our prefix."""
    return PREFIX + secrets.token_hex(8)


def fresh_key() -> int:
    """A System V key that nobody can guess; never IPC_PRIVATE, which is 0."""
    return secrets.randbelow(2**KEY_BITS - 1) + 1


def fresh_folder() -> Path:
    """A private folder of its own below `home()`, for what lives in the file system."""
    path = home() / fresh_name()
    announce("folder", str(path))
    path.mkdir(mode=0o700)
    return path


def remove_folder(path: Path) -> None:
    """Remove what `fresh_folder` made. Twice is harmless."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(path)
    withdraw("folder", str(path))


def standing(ledger: Ledger) -> list[tuple[str, str]]:
    """The (kind, name) pairs that were announced and not withdrawn.

    A name that we could not have given is passed over: what a garbled ledger
    says must not remove what belongs to others.
    """
    found: dict[tuple[str, str], None] = {}
    for entry in ledger.entries():
        kind, gone, name = (str(entry.get(key)) for key in ("kind", "gone", "name"))
        if kind in KINDS and KINDS[kind].ours(name):
            found[kind, name] = None
        else:
            found.pop((gone, name), None)
    return list(found)


def remove_standing(ledger: Ledger) -> list[str]:
    """Remove every object that a ledger still names; what was removed.

    What cannot be removed (a binding is missing, say) stays written down.
    """
    removed = []
    for kind, name in standing(ledger):
        try:
            KINDS[kind].remove(name)
            removed.append(f"{kind} {name}")
        except FileNotFoundError:
            pass
        except Exception:  # every binding has errors of its own, and the others' turn comes
            continue
        with contextlib.suppress(OSError):  # a full disk keeps nobody from cleaning up
            ledger.write({"gone": kind, "name": name})
    return removed


def remove_all(ledger: Ledger) -> list[str]:
    """Remove every object that a ledger still names, then the ledger; what was removed.

    The ledger stays while something in it does, for the next one who cleans up.
    """
    removed = remove_standing(ledger)
    if not standing(ledger):
        ledger.discard()
    return removed


def abandoned() -> list[Ledger]:
    """The ledgers in `home()` whose owner is dead."""
    ledgers = [Ledger(path) for path in sorted(home().glob("*.ledger"))]
    return [ledger for ledger in ledgers if not ledger.owner_alive()]
