"""Endpoints by native operations, for compiled loops and for the contract's tests."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipcbench.transports.base import closed, translate
from ipcbench.transports.contract import Closing, Endpoint, Json, Unavailable

_NEEDED = "install a C compiler and Python's headers, then install"
REMEDY = f"{_NEEDED} ipcbench anew"
HEADROOM = 64  # bytes before a message that an operation may overwrite: ops.h

_why = ""
if TYPE_CHECKING:
    from ipcbench.transports.native import _native

    operations = _native
else:
    operations = None
    try:
        operations = import_module("ipcbench.transports.native._native")
    except ImportError as error:
        _why = str(error) or type(error).__name__  # "" means that it is built


def built() -> Unavailable | None:
    """Return None if the compiled part is there, or else the reason why not."""
    if not _why:
        return None
    return Unavailable(f"the native runtime is not built here: {_why}", REMEDY)


def not_built(package: str, error: ImportError) -> Unavailable:
    """Return the reason why a plug-in's compiled part is not there, for its `Limits.native`."""
    words = " ".join(str(error).split())  # the linker's message may have several lines
    return Unavailable(
        f"the compiled part of {package} is not built here: {words}", f"{_NEEDED} {package} anew"
    )


def header() -> Path:
    """Return the folder of `ops.h`, for a plug-in's compiler (-I)."""
    return Path(__file__).parent


def native_of(endpoint: Endpoint) -> NativeEndpoint:
    """Wrap an endpoint so that its operations are called from C.

    Raises: Unavailable where it has none.
    """
    reason = built()
    if reason is not None:
        raise reason
    capsule = endpoint.native()
    if capsule is None:
        raise Unavailable(
            "native() returned None, and the transport's probe gives no reason",
            "set Limits.native to the reason, or leave the trait native out",
        )
    return NativeEndpoint(endpoint, capsule)


class NativeEndpoint(Closing):
    """An endpoint whose calls are its native operations; all else is the endpoint's own."""

    send: Any
    recv_into: Any

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Each operation of operations.h that the endpoint has is an attribute."""

    def __init__(self, endpoint: Endpoint, capsule: object) -> None:
        self._endpoint = endpoint
        self.capsule: object | None = capsule
        self.depth = endpoint.depth
        bind(self, capsule)

    @property
    def in_flight(self) -> int | None:
        return self._endpoint.in_flight

    def hello(self) -> Json:
        return self._endpoint.hello()

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        self._endpoint.connect(hellos, deadline)

    def prepare(self, data: memoryview) -> Any:
        self._endpoint.prepare(data)  # for the errors that it raises
        return data

    def native(self) -> object | None:
        return self.capsule

    def close(self) -> None:
        unbind(self)
        self.capsule = None  # and all that it keeps alive
        self._endpoint.close()


def bind(end: Any, capsule: object, *, interruptible: bool = False) -> None:
    """Make the operations of a capsule the calls of an end.

    Operations in place are set only where the end has them. `interruptible`: see wait_policy.h.
    """
    calls = operations.Calls(capsule, interruptible)
    present, bound = calls.has(), set[str]()
    for operation, attribute, action, in_place in operations.OPERATIONS:
        optional = in_place or attribute in bound
        if not optional or (operation in present and (calls.in_place or not in_place)):
            setattr(end, attribute, translating(getattr(calls, operation), action))
            bound.add(attribute)


def unbind(end: Any) -> None:
    """Make all calls that `bind` has set raise Closed."""
    for _, attribute, _, _ in operations.OPERATIONS:
        if hasattr(end, attribute):
            setattr(end, attribute, closed)


def translating(call: Callable[..., Any], action: str) -> Callable[..., Any]:
    """Wrap a call so that it raises the errors of the contract."""

    def call_translated(*arguments: Any) -> Any:
        while True:
            try:
                return call(*arguments)
            except InterruptedError:
                continue  # an interruptible operation: the signal handlers have run
            except OSError as error:
                raise translate_native(error, action) from error

    return call_translated


def translate_native(error: OSError, action: str) -> Exception:
    """Return the contract's error for an operation's errno."""
    if error.errno == errno.EIDRM:  # a removed object: msgop(2), semop(2)
        error = OSError(errno.EPIPE, error.strerror)
    return translate(error, action)
