"""How to wait: a counted wake-up beside the memory, one for each direction of need.

Every waiter here is a `Signal`: `notify` adds one, `wait` takes one and
waits until there is one. A ring needs two of them, "there is room" and
"there is a message", and nothing else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Protocol

from transports.bindings import missing, posix_ipc
from transports.contract import Json, PeerGone, Signal, Unavailable, Waiting, WouldBlock
from transports.naming import announce, fresh_name, withdraw


class Waiter(Signal, Protocol):
    """A signal with its handles."""

    @property
    def address(self) -> Json:
        """What `WaiterKind.open` needs."""

    def try_wait(self) -> None:
        """Take one, or raise WouldBlock."""

    def close(self) -> None: ...

    def unlink(self) -> None: ...


class WaiterKind(Protocol):
    name: str
    waiting: Waiting

    def probe(self) -> Unavailable | None: ...

    def create(self, initial: int, name: str | None) -> Waiter:
        """A signal that holds `initial` to begin with.

        Raises: FileExistsError (a fixed name is taken), Unavailable.
        """

    def open(self, address: Json) -> Waiter:
        """Raises: PeerGone where it is gone."""


class PosixSemaphore:
    """sem_open(3): no system call while nobody has to wait (sem_overview(7))."""

    def __init__(self, semaphore: Any, private: bool) -> None:
        self._semaphore = semaphore
        self._private = private
        self._named = True
        self.address: str = semaphore.name
        # The bound C methods themselves: no frame of ours in the timed loop.
        self.notify: Callable[[], None] = semaphore.release
        self.wait: Callable[[], None] = semaphore.acquire

    def try_wait(self) -> None:
        try:
            self._semaphore.acquire(0)
        except posix_ipc.BusyError as error:
            raise WouldBlock("it would have to wait") from error

    def close(self) -> None:
        with contextlib.suppress(posix_ipc.ExistentialError):  # closed already
            self._semaphore.close()

    def unlink(self) -> None:
        if self._named:  # once only: the name may be somebody else's by then
            self._named = False
            with contextlib.suppress(posix_ipc.ExistentialError):
                posix_ipc.unlink_semaphore(self.address)
            if self._private:
                withdraw("posix semaphore", self.address)


class PosixSemaphores:
    name = "posix-sem"
    waiting = Waiting.BLOCKING

    def probe(self) -> Unavailable | None:
        if posix_ipc is None:
            return missing("posix_ipc")
        try:
            semaphore = self.create(0, None)
        except Unavailable as reason:
            return reason
        semaphore.close()
        semaphore.unlink()
        return None

    def create(self, initial: int, name: str | None) -> PosixSemaphore:
        address = name or "/" + fresh_name()
        if name is None:
            announce("posix semaphore", address)
        try:
            semaphore = posix_ipc.Semaphore(address, posix_ipc.O_CREX, 0o600, initial)
        except posix_ipc.ExistentialError as error:
            raise FileExistsError(f"{address} is taken") from error
        except OSError as error:
            raise Unavailable(
                f"sem_open(3) fails: {error.strerror}", "mount -t tmpfs tmpfs /dev/shm"
            ) from error
        return PosixSemaphore(semaphore, private=name is None)

    def open(self, address: Json) -> PosixSemaphore:
        try:
            return PosixSemaphore(posix_ipc.Semaphore(address), private=False)
        except posix_ipc.ExistentialError as error:
            raise PeerGone(f"the semaphore {address} is gone") from error
