"""Private names and keys of kernel objects: random, and recognisable as our own."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from ipcbench.transports.kernel_objects.home import KEY_BITS, PREFIX

_FRESH_NAME = re.compile(PREFIX + "[0-9a-f]{16}")


def is_private_name(name: str) -> bool:
    return _FRESH_NAME.fullmatch(Path(name).name) is not None


def is_private_key(name: str) -> bool:
    return name.isascii() and name.isdigit() and 0 < int(name) < 2**KEY_BITS


def fresh_name() -> str:
    """A name that nobody can guess: 64 random bits behind our prefix."""
    return PREFIX + secrets.token_hex(8)


def fresh_key() -> int:
    """A System V key that nobody can guess; never IPC_PRIVATE, which is 0."""
    return secrets.randbelow(2**KEY_BITS - 1) + 1
