"""Keys of System V objects: private random ones, or fixed ones of the caller."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

from ipcbench.transports.base.bindings import sysv_ipc
from ipcbench.transports.kernel_objects.home import KEY_BITS
from ipcbench.transports.kernel_objects.ledger import announce, withdraw
from ipcbench.transports.kernel_objects.names import fresh_key
from ipcbench.transports.kernel_objects.ownership import check_ours

Made = TypeVar("Made")


def key_of(name: str, number: int = 0) -> int:
    """Turn a fixed name into a key.

    Args:
        name: a number, decimal or hexadecimal, perhaps behind a slash.
        number: is added to it, for a channel of several objects.

    Raises:
        ValueError: it is no key.
    """
    with contextlib.suppress(ValueError):
        key = int(name.removeprefix("/"), 0) + number
        if 0 < key < 2**KEY_BITS:  # 0 is IPC_PRIVATE
            return key
    raise ValueError(f"{name!r} is no key of System V: write a number from 1 to 2^31 - 2")


def create_with_key(kind: str, fixed: int | None, make: Callable[[int], Made]) -> tuple[int, Made]:
    """Create a System V object under a key.

    Args:
        kind: the kind of object: a key of `ledger.KINDS`.
        fixed: the key; None: a private random one, which is announced first.
        make: creates the object, and fails where there is one of this key.

    Returns:
        The key, and the object.

    Raises:
        FileExistsError: the fixed key is taken.
        Exception: what `make` raises.
    """
    if fixed is not None:
        try:
            return fixed, make(fixed)
        except sysv_ipc.ExistentialError as error:
            raise FileExistsError(f"the key {fixed} is taken") from error
    while True:
        key = fresh_key()
        announce(kind, str(key))
        try:
            return key, make(key)
        except sysv_ipc.ExistentialError:
            withdraw(kind, str(key))  # another program has it: take another key
        except Exception:  # after an interrupt the object may exist: the key stays in the ledger
            withdraw(kind, str(key))
            raise


def check_sysv(found: Any, what: str) -> None:
    """Check that an object belongs to our user.

    The creator is checked too: it keeps its rights when the owner changes, svipc(7).

    Args:
        found: the binding's object.
        what: the object as the error names it.

    Raises:
        PermissionError: it is another user's.
    """
    for owner in (found.cuid, found.uid):
        check_ours(owner, what)
