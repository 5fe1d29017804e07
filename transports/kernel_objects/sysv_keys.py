"""Names of System V objects: numbers, private and random, or the caller's own."""

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
    """The key that a fixed name is, plus `number`.

    Raises: ValueError for what is no key.
    """
    with contextlib.suppress(ValueError):
        key = int(name.removeprefix("/"), 0) + number
        if 0 < key < 2**KEY_BITS:  # 0 is IPC_PRIVATE
            return key
    raise ValueError(f"{name!r} is no key of System V: write a number from 1 to 2^31 - 2")


def created(kind: str, fixed: int | None, make: Callable[[int], Made]) -> tuple[int, Made]:
    """(the key, what `make` made under it): a private random one, announced first, or `fixed`.

    Raises: FileExistsError where `fixed` is taken, and what `make` raises.
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
            withdraw(kind, str(key))  # somebody else's: take another key
        except BaseException:
            withdraw(kind, str(key))
            raise


def check_sysv(found: Any, what: str) -> None:
    """See that an object belongs to us: its creator keeps his rights, whoever owns it (svipc(7)).

    Raises: PermissionError.
    """
    for owner in (found.cuid, found.uid):
        check_ours(owner, what)
