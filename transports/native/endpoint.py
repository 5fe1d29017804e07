"""An endpoint whose calls are its native operations: what contract tests hold to the contract."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from ipcbench.transports.base.defaults import closed
from ipcbench.transports.base.os_errors import translate
from ipcbench.transports.contract import Endpoint, Json, Unavailable

_NEEDED = "install a C compiler and Python's headers, then install"
REMEDY = f"{_NEEDED} ipcbench anew"
IN_PLACE = {"loan": "send", "commit": "send", "peek": "receive"}  # and `release`
HEADROOM = 64  # bytes before a message that an operation may overwrite: ops.h

operations: Any = None
_why = ""
try:
    operations = import_module("ipcbench.transports._native")
except ImportError as error:
    _why = str(error)


def built() -> Unavailable | None:
    """Whether the compiled part is there; else why not."""
    if operations is not None:
        return None
    return Unavailable(f"the native runtime is not built here: {_why}", REMEDY)


def not_built(package: str, error: ImportError) -> Unavailable:
    """Why a plug-in's own compiled part is not there: for its `Limits.native`."""
    words = " ".join(str(error).split())  # the linker's may have several lines
    return Unavailable(
        f"the compiled part of {package} is not built here: {words}", f"{_NEEDED} {package} anew"
    )


def header() -> Path:
    """The folder of `ops.h`: what a plug-in's compiler is told with -I."""
    return Path(__file__).parent


def native_of(endpoint: Endpoint) -> NativeEndpoint:
    """The endpoint with its operations called from C. Raises: Unavailable where it has none."""
    reason = built()
    if reason is not None:
        raise reason
    capsule = endpoint.native()
    if capsule is None:
        raise Unavailable(
            "native() gave None, and its probe says nothing of that",
            "tell it in Limits.native, or leave the trait native out",
        )
    return NativeEndpoint(endpoint, capsule)


class NativeEndpoint:
    """Everything but the calls of the timed loops is the endpoint's own."""

    send: Any
    recv_into: Any
    recv_from: Any
    send_to: Any
    notify: Any
    wait: Any
    acquire: Any
    release: Any
    loan: Any
    commit: Any
    peek: Any

    def __init__(self, endpoint: Endpoint, capsule: object) -> None:
        self._endpoint = endpoint
        self.capsule: object | None = capsule
        self.depth = endpoint.depth
        bind(self, capsule)

    def hello(self) -> Json:
        return self._endpoint.hello()

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        self._endpoint.connect(hellos, deadline)

    def prepare(self, data: memoryview) -> Any:
        self._endpoint.prepare(data)  # what it refuses
        return data

    def native(self) -> object | None:
        return self.capsule

    def close(self) -> None:
        self.send = self.recv_into = self.recv_from = self.send_to = closed
        self.notify = self.wait = self.acquire = self.release = closed
        for name in IN_PLACE:
            if hasattr(self, name):
                setattr(self, name, closed)
        self.capsule = None  # and what it holds beside the endpoint's own
        self._endpoint.close()


def bind(end: Any, capsule: object, *, restless: bool = False) -> None:
    """Make the capsule's operations the end's own calls; `restless`: see native/futex.h."""
    calls = operations.Calls(capsule, restless)
    there = calls.has()
    end.send = told(calls.send, "send")
    end.recv_into = told(calls.recv_into, "receive")
    end.recv_from = told(calls.recv_from, "receive")
    end.send_to = told(calls.send_to, "send")
    end.notify = told(calls.notify, "notify")
    end.wait = told(calls.wait, "wait")
    end.acquire = told(calls.acquire, "acquire")
    end.release = told(calls.leave if "leave" in there else calls.release, "release")
    for name, what in IN_PLACE.items():
        if calls.in_place and name in there:
            setattr(end, name, told(getattr(calls, name), what))


def told(call: Callable[..., Any], what: str) -> Callable[..., Any]:
    """The call, its errors in the contract's words."""

    def called(*arguments: Any) -> Any:
        while True:
            try:
                return call(*arguments)
            except InterruptedError:
                continue  # a restless end (native/futex.h): handlers have run by now
            except OSError as error:
                raise in_words(error, what) from error

    return called


def in_words(error: OSError, what: str) -> Exception:
    """What an operation's errno is called in the contract."""
    if error.errno == errno.EIDRM:  # a removed object: msgop(2), semop(2)
        error = OSError(errno.EPIPE, error.strerror)
    return translate(error, what)
