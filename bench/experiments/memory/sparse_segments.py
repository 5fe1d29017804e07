"""System V segments of any size, of which only the first and the last page are used.

With SHM_NORESERVE no memory is set aside for the other pages: shmget(2). The binding sysv_ipc
writes to all bytes of a new segment, so these calls go to the C library.
"""

from __future__ import annotations

import ctypes
import errno
import os

from ipcbench.transports.kernel_objects import KernelName, fresh_key

SPARSE = 0o10000  # SHM_NORESERVE of <linux/shm.h>
_CREATE = 0o1000 | 0o2000 | 0o600  # IPC_CREAT, IPC_EXCL, and the mode
_REMOVE = 0  # IPC_RMID of <linux/ipc.h>


class Refused(OSError):
    """A call that failed; `call` is its name."""

    def __init__(self, call: str, number: int) -> None:
        super().__init__(number, os.strerror(number))
        self.call = call


def have_segment(size: int, flags: int = 0) -> None:
    """Create a segment, attach it, store into its first and its last byte, and remove it.

    Args:
        size: bytes.
        flags: SPARSE, or 0: memory for all pages has to be there.

    Raises:
        Refused: the kernel refuses one of these calls.
        Unavailable: the ledger cannot be written.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    name, number = _create(libc, size, flags)
    try:
        address = libc.shmat(number, None, 0)
        if address == ctypes.c_void_p(-1).value:
            raise Refused("shmat(2)", ctypes.get_errno())
        try:
            _touch(address, size)
        finally:
            libc.shmdt(ctypes.c_void_p(address))
    finally:
        name.remove()


def _create(libc: ctypes.CDLL, size: int, flags: int) -> tuple[KernelName, int]:
    while True:
        key = fresh_key()
        numbers: list[int] = []

        def remove(made: list[int] = numbers) -> None:
            libc.shmctl(made[0], _REMOVE, None)

        name = KernelName("sysv memory", str(key), private=True, unlink=remove)
        try:
            with name.creating():
                number = libc.shmget(key, ctypes.c_size_t(size), _CREATE | flags)
                if number < 0:
                    raise Refused("shmget(2)", ctypes.get_errno())
                numbers.append(number)
            return name, number
        except Refused as error:
            if error.errno != errno.EEXIST:  # another program has the key
                raise


def _touch(address: int, size: int) -> None:
    """Allocate the first and the last page.

    read(2) of zeros into them fails with EFAULT where a store would be a SIGBUS.
    """
    fd = os.open("/dev/zero", os.O_RDONLY | os.O_CLOEXEC)
    try:
        for offset in (0, size - 1):
            os.readv(fd, [(ctypes.c_char * 1).from_address(address + offset)])
    except OSError as error:
        raise Refused("the first access to a page", error.errno or errno.EFAULT) from error
    finally:
        os.close(fd)
