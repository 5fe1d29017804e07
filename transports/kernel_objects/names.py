"""Private names and keys of kernel objects: random, and recognisable as those of ipcbench."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from ipcbench.transports.kernel_objects.home import KEY_BITS, PREFIX

_FRESH_NAME = re.compile(PREFIX + "[0-9a-f]{16}")


def is_private_name(name: str) -> bool:
    """Tell whether `fresh_name` could have made a name, or the last part of a path."""
    return _FRESH_NAME.fullmatch(Path(name).name) is not None


def is_private_key(name: str) -> bool:
    """Tell whether `fresh_key` could have made a key."""
    return name.isascii() and name.isdigit() and 0 < int(name) < 2**KEY_BITS


def fresh_name() -> str:
    """Make a name that cannot be guessed: a prefix and 64 random bits."""
    return PREFIX + secrets.token_hex(8)


def fresh_key() -> int:
    """Make a System V key that cannot be guessed; never IPC_PRIVATE, which is 0."""
    return secrets.randbelow(2**KEY_BITS - 1) + 1
