"""Guards that are no semaphores of ours: locks on a file, multiprocessing's lock, and none."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ipcbench.transports.base import PlainChannel, check_seat, check_spec, refused, refused_in_shm
from ipcbench.transports.contract import (
    Closed,
    Endpoint,
    Lifetime,
    Limits,
    PeerGone,
    Role,
    Sharing,
    Spec,
    Ticket,
    Topology,
    Traits,
    Unavailable,
    Wait,
)
from ipcbench.transports.kernel_objects import announce, fresh_name, open_ours, withdraw
from ipcbench.transports.kernel_objects.home import home
from ipcbench.transports.native import built, operations
from ipcbench.transports.sync.endpoint import NOTHING, TOKEN, TokenEndpoint

GUARD = replace(TOKEN, topologies=frozenset({Topology.GUARD}))
FILE_LOCK = replace(
    GUARD,
    lifetime=Lifetime.FILE_SYSTEM,
    undo=True,  # the kernel gives it back when the holder's file is closed
)
HELD = replace(GUARD, sharing=Sharing.INHERIT, native=False)
NO_GUARD = replace(GUARD, waiting=Wait.NONE, excludes=False)


class _Lock(Protocol):
    """What multiprocessing's lock has."""

    def acquire(self) -> bool: ...
    def release(self) -> None: ...


class FileLockEndpoint(TokenEndpoint):
    """Each member opens the file for itself: flock(2) belongs to the open file description."""

    def __init__(self, call: Callable[[int, int], object], ticket: Ticket) -> None:
        super().__init__()
        path = ticket.data["path"]
        self._records = call is fcntl.lockf
        try:
            self._fd = open_ours(path, os.O_RDWR)
        except FileNotFoundError as error:
            raise PeerGone(f"the file {path} is gone") from error
        self.acquire: Any = partial(call, self._fd, fcntl.LOCK_EX)
        self.release: Any = partial(call, self._fd, fcntl.LOCK_UN)

    def native(self) -> object | None:
        if built() is not None:
            return None
        return operations.file_lock(self, self._fd, self._records)  # type: ignore[no-any-return]

    def close(self) -> None:
        super().close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class FileLockChannel:
    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._closed = False
        self._named = False
        if spec.name is None:
            self._path = home() / fresh_name()
            announce("file", str(self._path))
        else:
            self._path = Path(spec.name)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            os.close(os.open(self._path, flags, 0o600))
        except FileExistsError as error:
            raise FileExistsError(f"{self._path} is taken") from error
        except OSError as error:
            if spec.name is None:
                withdraw("file", str(self._path))
            raise Unavailable(f"{self._path} cannot be made: {error.strerror}") from error
        self._named = True

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed:
            raise Closed("the channel is closed")
        return Ticket(role, index, self._spec, data={"path": str(self._path)})

    def close(self) -> None:
        self._closed = True

    def unlink(self) -> None:
        if self._named:  # once only: the name may be somebody else's by then
            self._named = False
            self._path.unlink(missing_ok=True)
            if self._spec.name is None:
                withdraw("file", str(self._path))


@dataclass(frozen=True)
class FileLock:
    """`call`: fcntl.flock, or fcntl.lockf, whose locks belong to the process (fcntl(2))."""

    name: str
    call: Callable[[int, int], object]
    traits: Traits = FILE_LOCK

    def probe(self) -> Limits | Unavailable:
        try:
            channel = FileLockChannel(Spec(0, Topology.GUARD))
        except Unavailable as reason:
            return reason
        endpoint = FileLockEndpoint(self.call, channel.ticket(Role.MEMBER, 0))
        try:
            endpoint.acquire()
            endpoint.release()
        except OSError as error:
            return refused(self.name, error, "set XDG_RUNTIME_DIR to another file system")
        finally:
            endpoint.close()
            channel.unlink()
        return NOTHING

    def create(self, spec: Spec) -> FileLockChannel:
        check_spec(self, spec, 0)
        return FileLockChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return FileLockEndpoint(self.call, ticket)


class HeldEndpoint(TokenEndpoint):
    """A member's end of a lock that this process already has, by fork."""

    def __init__(self, lock: _Lock) -> None:
        super().__init__()
        self.acquire: Any = lock.acquire  # the C methods themselves
        self.release: Any = lock.release


class HeldChannel(PlainChannel):
    """`lock` None: nothing has to be handed over."""

    def __init__(self, spec: Spec, lock: _Lock | None) -> None:
        self._spec = spec
        self._lock = lock
        self._closed = False

    def ticket(self, role: Role, index: int) -> Ticket:
        check_seat(self._spec, role, index)
        if self._closed:
            raise Closed("the channel is closed")
        inherited = () if self._lock is None else (self._lock,)
        return Ticket(role, index, self._spec, inherited=inherited)

    def close(self) -> None:
        self._closed = True
        self._lock = None


@dataclass(frozen=True, slots=True)
class MpLock:
    """multiprocessing.Lock: a POSIX semaphore, whose name goes before anybody sees it."""

    name: str = "mp-lock"
    traits: Traits = HELD

    def _lock(self) -> _Lock:
        """Raises: Unavailable."""
        from multiprocessing import get_context

        try:
            return get_context("fork").Lock()
        except (ImportError, OSError) as error:
            raise refused_in_shm("multiprocessing.Lock", error) from error

    def probe(self) -> Limits | Unavailable:
        try:
            self._lock()
        except Unavailable as reason:
            return reason
        return NOTHING

    def create(self, spec: Spec) -> HeldChannel:
        check_spec(self, spec, 0)
        return HeldChannel(spec, self._lock())

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        lock: Any = ticket.inherited[0]
        return HeldEndpoint(lock)


class _Open:
    """Lets everybody in."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


class OpenEndpoint(HeldEndpoint):
    def __init__(self) -> None:
        super().__init__(_Open())

    def native(self) -> object | None:
        return None if built() is not None else operations.unguarded(self)


@dataclass(frozen=True, slots=True)
class Unguarded:
    """No guard at all, so that the updates which it would have saved are seen to be lost."""

    name: str = "unguarded"
    traits: Traits = NO_GUARD

    def probe(self) -> Limits | Unavailable:
        return NOTHING

    def create(self, spec: Spec) -> HeldChannel:
        check_spec(self, spec, 0)
        return HeldChannel(spec, None)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return OpenEndpoint()


def flock() -> FileLock:
    return FileLock("flock", fcntl.flock)


def lockf() -> FileLock:
    return FileLock("lockf", fcntl.lockf)
