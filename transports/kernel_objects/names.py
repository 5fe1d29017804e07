"""Private names and keys of kernel objects: random, and recognisable as those of ipcbench."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

from ipcbench.transports.kernel_objects.home import KEY_BASE, KEY_RANDOM_BITS, PREFIX

_FRESH_NAME = re.compile(PREFIX + "[0-9a-f]{16}")


def is_private_name(name: str) -> bool:
    """Tell whether `fresh_name` could have made a name, or the last part of a path."""
    return _FRESH_NAME.fullmatch(Path(name).name) is not None


def is_private_key(name: str) -> bool:
    """Tell whether `fresh_key` could have made a key."""
    digits = name.isascii() and name.isdigit() and len(name) < 20  # int() refuses 4300 digits
    return digits and int(name) >> KEY_RANDOM_BITS == KEY_BASE >> KEY_RANDOM_BITS


def fresh_name() -> str:
    """Make a name that cannot be guessed: a prefix and 64 random bits."""
    return PREFIX + secrets.token_hex(8)


def fresh_key() -> int:
    """Make a System V key: a fixed upper byte and random bits; never IPC_PRIVATE, which is 0.

    Several hundred objects may exist at once, so another one may have the key: create
    with IPC_EXCL, and take another key then.
    """
    return KEY_BASE | secrets.randbits(KEY_RANDOM_BITS)
