"""The native runtime's operations: the same handles that Python made, driven from C (ops.h)."""

from transports.native.endpoint import (
    HEADROOM,
    REMEDY,
    NativeEndpoint,
    built,
    header,
    in_words,
    native_of,
    operations,
)

__all__ = [
    "HEADROOM", "NativeEndpoint", "REMEDY", "built", "header", "in_words", "native_of",
    "operations",
]  # fmt: skip
