"""Guards by file locks and by multiprocessing's lock, and one that does not guard."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ipcbench.transports.base import PlainChannel, check_spec, refused, refused_in_shm
from ipcbench.transports.contract import (
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
from ipcbench.transports.kernel_objects import KernelName, fresh_name, open_ours
from ipcbench.transports.kernel_objects.home import home
from ipcbench.transports.native import build
from ipcbench.transports.sync.endpoint import NOTHING, TOKEN, TokenEndpoint

GUARD = replace(TOKEN, topologies=frozenset({Topology.GUARD}))
FILE_LOCK = replace(
    GUARD,
    lifetime=Lifetime.FILE_SYSTEM,
    undo=True,  # the kernel releases it when the holder's file is closed
)
HELD = replace(GUARD, sharing=Sharing.INHERIT, native=False)
NO_GUARD = replace(GUARD, waiting=Wait.NONE, excludes=False)


class _Lock(Protocol):
    """The methods of multiprocessing's lock."""

    def acquire(self) -> bool: ...
    def release(self) -> None: ...


class FileLockEndpoint(TokenEndpoint):
    """A member's end: it opens the file itself, since flock(2) locks an open file description."""

    def __init__(self, call: Callable[[int, int], object], ticket: Ticket) -> None:
        super().__init__()
        path = ticket.data["path"]
        self._records = call is fcntl.lockf
        try:
            self._fd = open_ours(path, os.O_RDWR)
        except FileNotFoundError as error:
            raise PeerGone(f"the file {path} was removed") from error
        self.acquire: Any = partial(call, self._fd, fcntl.LOCK_EX)
        self.release: Any = partial(call, self._fd, fcntl.LOCK_UN)

    def native(self) -> object | None:
        return build("file_lock", self, self._fd, self._records)

    def _close(self) -> None:
        os.close(self._fd)


class FileLockChannel(PlainChannel):
    """The owner's side of a file lock: a file under a private or a fixed name."""

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        path = home() / fresh_name() if spec.name is None else Path(spec.name)
        self._name = KernelName("file", str(path), private=spec.name is None)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            with self._name.creating():
                os.close(os.open(path, flags, 0o600))
        except FileExistsError as error:
            raise FileExistsError(f"{path} is taken") from error
        except OSError as error:
            raise Unavailable(f"{path} cannot be created: {error.strerror}") from error

    def _ticket(self, role: Role, index: int) -> Ticket:
        return Ticket(role, index, self._spec, data={"path": self._name.name})

    def unlink(self) -> None:
        self._name.remove()


@dataclass(frozen=True)
class FileLock:
    """A lock on a file; `call`: fcntl.flock, or fcntl.lockf, a lock of the process (fcntl(2))."""

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
    """A member's end of a lock that this process has inherited."""

    def __init__(self, lock: _Lock) -> None:
        super().__init__()
        self.acquire: Any = lock.acquire  # C methods: no Python frame in the timed loop
        self.release: Any = lock.release


class HeldChannel(PlainChannel):
    """A channel of an inherited lock; `lock` None: nothing is inherited."""

    def __init__(self, spec: Spec, lock: _Lock | None) -> None:
        super().__init__(spec)
        self._lock = lock

    def _ticket(self, role: Role, index: int) -> Ticket:
        inherited = () if self._lock is None else (self._lock,)
        return Ticket(role, index, self._spec, inherited=inherited)

    def _close(self) -> None:
        self._lock = None


@dataclass(frozen=True, slots=True)
class MpLock:
    """multiprocessing.Lock: a POSIX semaphore whose name is removed at once."""

    name: str = "mp-lock"
    traits: Traits = HELD

    def _lock(self) -> _Lock:
        """Make a lock. Raises: Unavailable."""
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


class _NoLock:
    """A lock that does not exclude."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


class OpenEndpoint(HeldEndpoint):
    """A member's end of no guard."""

    def __init__(self) -> None:
        super().__init__(_NoLock())

    def native(self) -> object | None:
        return build("unguarded", self)


@dataclass(frozen=True, slots=True)
class Unguarded:
    """No guard: it shows the updates that are lost without one."""

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
