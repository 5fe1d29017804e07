"""The native runtime's operations: the same handles that Python made, driven from C (ops.h)."""

from transports.native.endpoint import NativeEndpoint, built, header, native_of

__all__ = ["NativeEndpoint", "built", "header", "native_of"]
