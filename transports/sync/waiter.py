"""Counted wake-ups: what shared memory waits with, and what is measured as a signal of its own.

Every waiter is a `Signal`: `notify` adds one, `wait` takes one and waits
until there is one. Where it lives (the kernel, a name, a word of shared
memory) and how it waits is its *kind*'s affair.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ipcbench.transports.contract import Json, Lifetime, Sharing, Unavailable, Wait
from ipcbench.transports.native import WaitPolicy

WORD_BYTES = 64  # what a waiter in memory takes: a cache line of its own


class Fixed(NamedTuple):
    """A name that the caller chose, and which of the channel's waiters it is for."""

    name: str
    number: int


class Waiter(Protocol):
    """A `Signal` with its handles, whose calls raise the kind's `errors`."""

    @property
    def notify(self) -> Callable[[], object]:
        """Add one."""

    @property
    def wait(self) -> Callable[[], object]:
        """Take one; waits until there is one."""

    @property
    def address(self) -> Json:
        """What `WaiterKind.open` needs, or None."""

    @property
    def fd(self) -> int | None:
        """The descriptor that it is shared by, or None."""

    def try_wait(self) -> object:
        """Take one, or raise WouldBlock."""

    def native(self, policy: WaitPolicy) -> object | None:
        """A capsule of native/waiters.h over the same object; None where it lives in memory.

        To be asked for while there still is a name. It holds what it needs, but for a
        descriptor, which stays this one's.
        """

    def close(self) -> None:
        """Let go of the handles. Twice is harmless."""

    def unlink(self) -> None:
        """Remove the name. Twice is harmless."""


class WaiterKind(Protocol):
    """`sharing` NAME and `lifetime` PROCESS: adds nothing to what the memory beside it has."""

    @property
    def name(self) -> str: ...
    @property
    def waiting(self) -> Wait: ...
    @property
    def sharing(self) -> Sharing: ...
    @property
    def lifetime(self) -> Lifetime: ...
    @property
    def pollable(self) -> bool: ...
    @property
    def unlink_early(self) -> bool: ...
    @property
    def many(self) -> bool:
        """Several processes may notify one waiter; else each needs a waiter of its own."""

    @property
    def in_memory(self) -> bool:
        """It lives in `WORD_BYTES` of shared memory that the caller provides."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What a waiter's calls raise beside the contract's own errors."""

    def told(self, error: Exception) -> Exception | None:
        """Our name for one of `errors`; None: a signal's handler ran, and the call may go on."""

    def probe(self) -> Unavailable | None:
        """Find out by trying, and leave nothing behind."""

    def create(self, initial: int, fixed: Fixed | None, memory: memoryview | None = None) -> Waiter:
        """A signal that holds `initial` to begin with.

        Raises: FileExistsError (a fixed name is taken), ValueError (it is no
        name of this kind, or `initial` is too much for it), Unavailable.
        """

    def open(self, address: Json, fd: int | None, memory: memoryview | None = None) -> Waiter:
        """Takes `fd` over. Raises: PeerGone where it is gone."""


def patient(call: Callable[[], object], kind: WaiterKind) -> Callable[[], Any]:
    """The call, its errors in the contract's words, repeated where only a handler ran."""
    errors, told = kind.errors, kind.told
    if not errors:
        return call

    def patiently() -> None:
        try:
            call()
        except errors as error:
            cause = told(error)
            if cause is not None:
                raise cause from error
            patiently()

    return patiently
