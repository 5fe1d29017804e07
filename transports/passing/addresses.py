"""Addresses of buffers, for system calls that Python's os module lacks."""

from __future__ import annotations

import ctypes
from typing import ClassVar


class _Buffer(ctypes.Structure):
    """A Py_buffer: the stable ABI has it since Python 3.11, in this layout."""

    _fields_: ClassVar = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


_get = ctypes.pythonapi.PyObject_GetBuffer
_get.argtypes = [ctypes.py_object, ctypes.POINTER(_Buffer), ctypes.c_int]
_release = ctypes.pythonapi.PyBuffer_Release
_release.argtypes = [ctypes.POINTER(_Buffer)]
_release.restype = None
_SIMPLE = 0  # PyBUF_SIMPLE: contiguous bytes, which may be read-only


class iovec(ctypes.Structure):  # noqa: N801 (the name of readv(2))
    """A part of a message in memory: readv(2)."""

    _fields_: ClassVar = [("iov_base", ctypes.c_void_p), ("iov_len", ctypes.c_size_t)]


def address_of(data: memoryview) -> int:
    """Return the address of the first byte of a buffer, which may be read-only; 0: it is empty.

    Args:
        data: the buffer, which the caller keeps as long as the address is used.
    """
    if not len(data):
        return 0
    view = _Buffer()
    _get(data, ctypes.byref(view), _SIMPLE)
    address = view.buf
    _release(ctypes.byref(view))
    return int(address)
