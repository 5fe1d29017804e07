"""Capsules of native operations: made from Python functions, and opened.

The struct of ops.h is written a second time with ctypes, as the capsule of a plug-in that is
built separately. A ctypes callback acquires the interpreter's lock itself.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from ipcbench.transports.contract import MessageTooLarge, PeerGone, WouldBlock
from ipcbench.transports.native import translate_native

NAME = b"ipcbench.ops"
ABI = 2
HEADROOM = 64
READ_IN_PLACE = 1

_RESULT, _CTX, _BUFFER, _SIZE = ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t
_SHAPES: dict[str, Any] = {
    "send": (_BUFFER, _SIZE),
    "recv": (_BUFFER, _SIZE),
    "recv_from": (_BUFFER, _SIZE),
    "send_to": (_SIZE, _BUFFER, _SIZE),
    "send_many": (_BUFFER, _SIZE, _SIZE),
    "recv_many": (_BUFFER, _SIZE, _SIZE),
    "loan": (_BUFFER, _SIZE),
    "commit": (_SIZE,),
    "peek": (_BUFFER,),
    "release": (),
    "notify": (),
    "wait": (),
    "acquire": (),
    "leave": (),
    "read_at": (_BUFFER, _SIZE, ctypes.c_uint64),
    "write_at": (_BUFFER, _SIZE, ctypes.c_uint64),
    "extent": (),
    "publish": (_BUFFER, _SIZE),
    "read": (_BUFFER, _SIZE),
    "torn": (),
}


class Ops(ctypes.Structure):
    """The struct `ipcbench_ops` of ops.h."""

    _fields_ = [
        ("abi", ctypes.c_uint32),
        ("struct_size", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("ctx", ctypes.c_void_p),
        *((name, ctypes.c_void_p) for name in _SHAPES),
    ]


FIRST = Ops.read_at.offset
"""The size of the struct in the first version of this ABI."""

_new = ctypes.pythonapi.PyCapsule_New
_new.restype, _new.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_kept: list[Any] = []  # targets of the capsules' pointers, kept until the process ends


def capsule(
    *,
    abi: int = ABI,
    size: int = ctypes.sizeof(Ops),
    name: bytes | None = NAME,
    flags: int = 0,
    into: Ops | None = None,
    **functions: Any,
) -> object:
    """Make a capsule whose operations call these functions without `ctx`.

    Args:
        into: memory for the struct, for tests of the bytes behind it.
    """
    ops = Ops() if into is None else into
    ctypes.memset(ctypes.addressof(ops), 0, ctypes.sizeof(ops))
    ops.abi, ops.struct_size, ops.flags = abi, size, flags
    for operation, function in functions.items():
        shape = ctypes.CFUNCTYPE(_RESULT, _CTX, *_SHAPES[operation])
        called = shape(lambda ctx, *arguments, function=function: function(*arguments))
        setattr(ops, operation, ctypes.cast(called, ctypes.c_void_p))
        _kept.append(called)
    _kept.extend((ops, name))
    made: object = _new(ctypes.addressof(ops), name, None)
    return made


def altered(original: object, **changes: Any) -> object:
    """Make a capsule of the same operations, of which some call these functions.

    Each gets the original operation, which returns -errno, and the arguments without `ctx`.
    """
    ops = Ops.from_buffer_copy(Ops.from_address(_pointer(original, NAME)))
    for operation, change in changes.items():
        shape = ctypes.CFUNCTYPE(_RESULT, _CTX, *_SHAPES[operation])
        call = partial(shape(getattr(ops, operation)), ops.ctx)
        changed = shape(lambda ctx, *arguments, change=change, call=call: change(call, *arguments))
        setattr(ops, operation, ctypes.cast(changed, ctypes.c_void_p))
        _kept.append(changed)
    _kept.extend((ops, original))
    made: object = _new(ctypes.addressof(ops), NAME, None)
    return made


def over(endpoint: Any) -> object:
    """Make a capsule over an endpoint's methods, with the error numbers of ops.h."""

    def send(at: int, size: int) -> int:
        return _tried(lambda: endpoint.send(ctypes.string_at(at, size)))

    def recv(at: int, size: int) -> int:
        buffer = (ctypes.c_char * size).from_address(at)
        return _tried(lambda: endpoint.recv_into(memoryview(buffer).cast("B")))

    return capsule(send=send, recv=recv)


def _tried(call: Callable[[], int | None]) -> int:
    try:
        return call() or 0
    except PeerGone:
        return -32  # EPIPE
    except WouldBlock:
        return -11  # EAGAIN
    except MessageTooLarge:
        return -90  # EMSGSIZE


class Opened:
    """A capsule's operations, called by their pointers as in a compiled loop.

    `call` returns a count and raises the contract's exception for -errno.
    """

    def __init__(self, capsule: object) -> None:
        self._capsule = capsule  # keeps the operations alive
        ops = Ops.from_address(_pointer(capsule, NAME))
        self._ctx = ops.ctx
        self._calls = {
            name: ctypes.CFUNCTYPE(_RESULT, _CTX, *shape)(getattr(ops, name))
            for name, shape in _SHAPES.items()
            if getattr(ops, name)
        }

    def has(self, operation: str) -> bool:
        return operation in self._calls

    def call(self, operation: str, *arguments: Any) -> int:
        found: int = self._calls[operation](self._ctx, *arguments)
        if found < 0:
            raise translate_native(OSError(-found, os.strerror(-found)), operation)
        return found


_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype, _pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
