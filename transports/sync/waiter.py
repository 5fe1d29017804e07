"""Waiters: counted notifications by which shared memory waits, and signals of their own.

Every waiter is a `Signal`: `notify` adds one, `wait` takes one and waits until
there is one. Its *kind* decides where it lives (the kernel, a name, a word of
shared memory) and how it waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ipcbench.transports.contract import Json, Lifetime, Sharing, Spec, Unavailable, Wait
from ipcbench.transports.native import WaitPolicy

# Of a waiter in memory: two cache lines of its own, since x86 fetches lines in pairs. Its neighbour
# is written by the other process. IPCBENCH_LINE_PAIR of native/futex.h.
WORD_BYTES = 128

NATIVE_SPINS = 2300  # looks at a word before a native end sleeps: some 20 microseconds


class Fixed(NamedTuple):
    """A name that the caller chose, and the number of the channel's waiter."""

    name: str
    number: int


class Waiter(Protocol):
    """A `Signal` with its handles; its calls raise the kind's `errors`."""

    @property
    def notify(self) -> Callable[[], object]:
        """Add one."""

    @property
    def wait(self) -> Callable[[], object]:
        """Take one; wait until there is one."""

    @property
    def address(self) -> Json:
        """The argument of `WaiterKind.open`, or None."""

    @property
    def fd(self) -> int | None:
        """The descriptor by which it is shared, or None."""

    def try_wait(self) -> object:
        """Take one, or raise WouldBlock."""

    def spinning(self, spec: Spec) -> Callable[[], object]:
        """Return the `wait` of an end that spins, if its kind is `nonblocking`."""

    def native(self, policy: WaitPolicy) -> object | None:
        """Return a capsule of native/waiters.h over the same object; None if it is in memory.

        It must be made while the name exists. It holds its own handles, but for a
        descriptor, which stays this waiter's.
        """

    def close(self) -> None:
        """Close the handles. May be called twice."""

    def unlink(self) -> None:
        """Remove the name. May be called twice."""


class WaiterKind(Protocol):
    """A way to create and to open waiters.

    With `sharing` NAME and `lifetime` PROCESS, a waiter adds nothing to those of the
    memory that it is in.
    """

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
    def nonblocking(self) -> bool:
        """Its waiters can be waited for by calls that do not block: `Waiter.spinning`."""

    @property
    def native_looks(self) -> int:
        """The looks of a native spin-block whose spec names no number: some 20 microseconds."""

    @property
    def unlink_early(self) -> bool: ...
    @property
    def counted(self) -> bool:
        """Rings notify it for each message and each free slot, instead of only a sleeper."""

    @property
    def in_memory(self) -> bool:
        """It is in `WORD_BYTES` of shared memory, which the caller provides."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors of a waiter's calls, besides the contract's own."""

    def translate(self, error: Exception) -> Exception | None:
        """Return the contract's error for one of `errors`; None after a signal's handler.

        After a handler, the call may be repeated.
        """

    def is_full(self, error: Exception) -> bool:
        """Tell if `notify` raised the error because the waiter holds as many as it can."""

    def probe(self) -> Unavailable | None:
        """Create a waiter and remove it; the reason where that fails."""

    def create(self, initial: int, fixed: Fixed | None, memory: memoryview | None = None) -> Waiter:
        """Create a waiter that holds `initial`.

        Raises: FileExistsError (a fixed name is taken), ValueError (it is not a
        name of this kind, or `initial` is too large), Unavailable.
        """

    def open(self, address: Json, fd: int | None, memory: memoryview | None = None) -> Waiter:
        """Open an existing waiter; it takes over `fd`. Raises: PeerGone (it was removed)."""


def uninterrupted(call: Callable[[], object], kind: WaiterKind) -> Callable[[], Any]:
    """Wrap a call: raise the contract's errors, and repeat it after a signal's handler."""
    errors, translate = kind.errors, kind.translate
    if not errors:
        return call

    def repeat() -> None:
        try:
            call()
        except errors as error:
            cause = translate(error)
            if cause is not None:
                raise cause from error
            repeat()

    return repeat
