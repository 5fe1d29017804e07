"""The native runtime's operations: the same handles that Python made, driven from C (ops.h)."""

from ipcbench.transports.native.endpoint import (
    HEADROOM,
    REMEDY,
    NativeEndpoint,
    bind,
    built,
    header,
    in_words,
    native_of,
    not_built,
    operations,
    told,
)

__all__ = [
    "HEADROOM", "NativeEndpoint", "REMEDY", "bind", "built", "header", "in_words", "native_of",
    "not_built", "operations", "told",
]  # fmt: skip
