"""`process-vm`: the receiver copies the message out of the sender's memory, process_vm_readv(2).

The sender names the address and the length of its message in a packet, and waits for the answer:
until the receiver has read the bytes, it may not write to its buffer. So `send` is synchronous, as
the rendezvous of MPI libraries is. The calls that Python's os lacks are made with ctypes.

To read another process's memory takes the permission to trace it (ptrace(2), access mode
PTRACE_MODE_ATTACH_REALCREDS). With Yama, at kernel.yama.ptrace_scope 1, a process permits one other
process that is no ancestor of it: prctl(2), PR_SET_PTRACER. Each end permits its peer when it
connects, and reads a random token of the peer's as a trial. One process can be permitted at a time,
so a process that sends to two peers needs ptrace_scope 0, or a privilege.

What the packet says is not trusted: a message in memory that cannot be read is ignored. If the
answer cannot be sent, the sender has ended. Another process may have its pid, and be the one that
was read: so the message is dropped.
"""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import struct
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from ipcbench.transports.base import Receive, check_spec, refused, set_kernel, sysctl, translate
from ipcbench.transports.base.forking import fork_child
from ipcbench.transports.contract import (
    Endpoint,
    Json,
    Limit,
    Limits,
    MessageTooLarge,
    PeerGone,
    Spec,
    Ticket,
    Traits,
    Unavailable,
)
from ipcbench.transports.native import WaitPolicy, build
from ipcbench.transports.passing.addresses import address_of, iovec
from ipcbench.transports.passing.link import TRAITS as OF_A_LINK
from ipcbench.transports.passing.link import LinkChannel, LinkEndpoint, packets_of, wait_for

TRAITS = replace(OF_A_LINK, synchronous=True, attach_waits=True)

_PACKET = struct.Struct("=QQ")  # address, length
_TOKEN = 16  # bytes
_SCOPE = "kernel.yama.ptrace_scope"
_PR_SET_PTRACER = 0x59616D61  # linux/prctl.h
_ONLY_ROOT, _NOBODY = 2, 3  # of ptrace_scope: Linux's Documentation/admin-guide/LSM/Yama.rst

_libc = ctypes.CDLL(None, use_errno=True)


def read_memory(pid: int, address: int, buffer: memoryview) -> bool:
    """Fill a buffer with the bytes at an address of another process.

    Returns:
        False if that process has no such memory.

    Raises:
        OSError: process_vm_readv(2) fails: ESRCH, EPERM.
    """
    at, left = address_of(buffer), len(buffer)
    while left > 0:  # a call reads 2 GiB at most
        local, remote = iovec(at, left), iovec(address, left)
        read = _libc.process_vm_readv(pid, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
        if read <= 0:
            number = ctypes.get_errno() if read < 0 else errno.EFAULT
            if number == errno.EFAULT:
                return False
            raise OSError(number, os.strerror(number))
        at, address, left = at + read, address + read, left - read
    return True


_libc.process_vm_readv.restype = ctypes.c_ssize_t


def refusal(error: OSError) -> Unavailable:
    """Return the reason why no memory can be read, with the action that permits it."""
    try:
        scope = sysctl(_SCOPE)
    except OSError:  # this kernel has no Yama
        scope = 0
    if error.errno == errno.EPERM and scope == _ONLY_ROOT:
        return Unavailable(
            f"only a process with CAP_SYS_PTRACE may read another one's memory ({_SCOPE} is 2)",
            set_kernel({_SCOPE: 1}),
        )
    if error.errno == errno.EPERM and scope == _NOBODY:
        return Unavailable(
            f"no process may read another one's memory ({_SCOPE} is 3, which cannot be changed)",
            f"set {_SCOPE} to 1 in sysctl.d(5), and restart the machine",
        )
    return refused("process_vm_readv(2)", error)


def permit(pid: int) -> None:
    """Permit a process to read this one's memory; 0: none. Without Yama, this does nothing."""
    _libc.prctl(_PR_SET_PTRACER, ctypes.c_ulong(pid), 0, 0, 0)


@dataclass(slots=True)
class Prepared:
    """A message and its description."""

    data: memoryview  # keeps the bytes at their address
    packet: bytes
    shows_buffer: ClassVar[bool] = True


class ProcessVmEndpoint(LinkEndpoint):
    """One process's end. The token shows a peer that it reads the memory of this very process."""

    def __init__(self, ticket: Ticket) -> None:
        super().__init__(ticket)
        self._token = memoryview(bytearray(secrets.token_bytes(_TOKEN)))
        self._peer = 0

    def hello(self) -> Json:
        return {
            "pid": os.getpid(),
            "address": address_of(self._token),
            "token": self._token.hex(),
        }

    def connect(self, hellos: Sequence[Json], deadline: float) -> None:
        """Permit the peer to read, wait until it permits as well, and try to read its token."""
        theirs = hellos[1 if self._client else 0]
        self._peer = int(theirs["pid"])
        permit(self._peer)
        try:
            self._out.send(b"\0")
        except OSError as error:
            raise translate(error, "connect") from error
        wait_for(self._in, deadline, "the other end", packets_of(self._in, "connect"))
        found = memoryview(bytearray(_TOKEN))
        try:
            same = read_memory(self._peer, int(theirs["address"]), found)
        except OSError as error:
            raise refusal(error) from error
        if not same or found.hex() != theirs["token"]:
            raise Unavailable(
                f"process {self._peer} is another one here: the two ends have two PID namespaces",
                "start both ends in one PID namespace",
            )
        self.send = sending(self)
        self.recv_into = self._described_messages()

    def _described_messages(self) -> Receive:
        return receiving(self, self._described(packets_of(self._in, "receive", self._spec)))

    def prepare(self, data: memoryview) -> Any:
        super().prepare(data)
        return Prepared(data, _PACKET.pack(address_of(data), len(data)))

    def native(self) -> object | None:
        return build(
            "process_vm", self, self._out.fileno(), self._in.fileno(), self._peer,
            self._spec.size, WaitPolicy.of(self._spec),
        )  # fmt: skip

    def _close(self) -> None:
        if self._peer:
            permit(0)
        super()._close()


def sending(end: ProcessVmEndpoint) -> Callable[[Prepared], None]:
    """Make `send`: it returns when the receiver has answered."""
    transmit, answered = end._out.send, packets_of(end._out, "send", end._spec)
    answer = memoryview(bytearray(1))

    def send(message: Prepared, /) -> None:
        try:
            transmit(message.packet)
        except OSError as error:
            raise translate(error, "send") from error
        answered(answer)

    return send


def receiving(end: ProcessVmEndpoint, described: Receive) -> Receive:
    """Make `recv_into`, from the call that receives a packet."""
    peer, transmit = end._peer, end._in.send
    packet = memoryview(bytearray(_PACKET.size + 1))  # a longer packet is ignored

    def answer() -> None:
        try:
            transmit(b"\0")
        except OSError as error:
            raise translate(error, "receive") from error

    def recv_into(buffer: memoryview, /) -> int:
        while True:
            if described(packet) != _PACKET.size:
                continue
            address, length = _PACKET.unpack_from(packet)
            if length > len(buffer):
                answer()
                raise MessageTooLarge(f"receive: {length} bytes for {len(buffer)}")
            try:
                readable = read_memory(peer, address, buffer[:length])
            except ProcessLookupError as error:
                raise PeerGone("receive: the sender has ended") from error
            answer()
            if readable:
                return int(length)

    return recv_into


def _try_reading() -> None:
    """Read a child's memory. Raises: OSError."""
    token = memoryview(bytearray(secrets.token_bytes(_TOKEN)))
    ours, theirs = os.pipe()  # its end of file ends the child

    def wait() -> int:
        os.close(theirs)
        return len(os.read(ours, 1))

    try:
        with warnings.catch_warnings():
            # The child makes system calls alone, so another thread's locks do not matter.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = fork_child(wait)
    except OSError:
        os.close(theirs)
        os.close(ours)
        raise
    try:
        read_memory(child, address_of(token), memoryview(bytearray(_TOKEN)))
    finally:
        os.close(theirs)
        os.close(ours)
        with suppress(ChildProcessError):  # a process may ignore SIGCHLD: wait(2)
            os.waitpid(child, 0)


@dataclass(frozen=True, slots=True)
class ProcessVm:
    """The transport `process-vm`."""

    name: str = "process-vm"
    traits: Traits = TRAITS

    def probe(self) -> Limits | Unavailable:
        try:
            LinkChannel(Spec(size=1)).close()
            _try_reading()
        except OSError as error:
            return refusal(error)
        except Unavailable as reason:
            return reason
        return Limits(
            message=Limit("message", None, "the receiver's buffer, as process_vm_readv(2)")
        )

    def create(self, spec: Spec) -> LinkChannel:
        check_spec(self, spec, None)
        return LinkChannel(spec)

    def attach(self, ticket: Ticket, deadline: float) -> Endpoint:
        return ProcessVmEndpoint(ticket)
