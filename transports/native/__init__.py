"""Native operations: calls in C over the handles that Python has opened (ops.h)."""

from ipcbench.transports.native.build import build, build_over_descriptors
from ipcbench.transports.native.endpoint import (
    HEADROOM,
    REMEDY,
    NativeEndpoint,
    bind,
    built,
    header,
    native_of,
    not_built,
    operations,
    translate_native,
    translating,
    unbind,
)
from ipcbench.transports.native.wait_policy import WaitPolicy

__all__ = [
    "HEADROOM", "NativeEndpoint", "REMEDY", "WaitPolicy", "bind", "build",
    "build_over_descriptors", "built", "header", "native_of", "not_built", "operations",
    "translate_native", "translating", "unbind",
]  # fmt: skip
