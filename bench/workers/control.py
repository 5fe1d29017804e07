"""Control messages between the processes of a run: typed, over a socket pair.

They never use the measured channel, and none is sent inside a timed loop. A socket pair of
SOCK_SEQPACKET keeps message boundaries (unix(7)), and its end of file reveals the death of a
process where the facility is silent about it.

A message is sent in *records* of a page at most, because the socket's buffer limits the size of
one: net.core.wmem_default, socket(7). The first byte of a record has the flags FIRST and LAST.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from ipcbench.bench.errors import LEAVE_OUT, BenchError
from ipcbench.bench.results.records import Usage
from ipcbench.transports.base import refused
from ipcbench.transports.base.os_errors import remedy
from ipcbench.transports.contract import PeerGone, TimedOut, Unavailable
from ipcbench.transports.registry import UnknownTransport

LARGEST = 1 << 24  # bytes of a message: a peer's data come from a plug-in
RECORD = 4096  # bytes: the smallest buffer of a socket takes it, SOCK_MIN_SNDBUF of the kernel
FIRST, LAST = 1, 2
PAYLOAD = RECORD - 1
LONGEST = 2000  # characters of an error's text


class Message(msgspec.Struct, tag_field="is"):
    """The root of all control messages."""


class Hello(Message, tag="hello"):
    """A peer has attached. `hello`: its endpoint's data for the others."""

    hello: object


class Connect(Message, tag="connect"):
    """All processes have attached.

    `hellos`: those of this process's channel, in the order of the seats. `processes`: of the run.
    """

    hellos: list[object]
    processes: int


class Check(Message, tag="check"):
    """Request to run one side of a step of the check of the channel, counted from 0."""

    step: int = 0


class Block(Message, tag="block"):
    """Announcement of a timed block of `count` loops, the last `stamps` of them timed singly.

    `number`: counts the blocks of a run, for the barrier; 0: the message `Go` is the barrier.
    `turns`: of the delay in each message; 0: none.
    """

    count: int
    stamps: int = 0
    number: int = 0
    turns: int = 0


class Go(Message, tag="go"):
    """The barrier where futex(2) cannot be used: the parts that start a block begin."""


class Ready(Message, tag="ready"):
    """The last request is done, or the process is ready for a block.

    `seen`: after a check, the numbers of the messages that a competing receiver got.
    """

    seen: list[int] = []


class Done(Message, tag="done"):
    """The end of a block: its span in this process, and the resources before and after it."""

    start: float
    end: float
    handled: int
    before: Usage
    after: Usage


class Collect(Message, tag="collect"):
    """Request for the single times of the last block."""


class Tail(Message, tag="tail"):
    """Answer to `Collect`: a histogram (`ipcbench.bench.results.histogram`)."""

    counts: dict[int, int]


class Stop(Message, tag="stop"):
    """Request to close the endpoint and exit."""


class ProcessFailure(Message, tag="failure"):
    """The failure of a process: its name, the phase, the error, and a remedy if one is known."""

    who: str
    where: str
    what: str
    remedy: str = ""


AnyMessage: TypeAlias = (
    Hello | Connect | Check | Block | Go | Ready | Done | Collect | Tail | Stop | ProcessFailure
)
M = TypeVar("M", bound=Message)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyMessage] = msgspec.json.Decoder(AnyMessage)


class MessageTooLong(BenchError):
    """A control message that is over the limit."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} has over {LARGEST >> 20} MiB, the most of a control message",
            "have the endpoint's hello() return less",
        )


class RunFailed(BenchError):
    """A run failed. `failure`: the process, the phase and the error."""

    def __init__(self, failure: ProcessFailure) -> None:
        super().__init__(f"{failure.who}, {failure.where}: {failure.what}")
        self.failure = failure


def failure_of(who: str, error: BaseException, where: str = "") -> ProcessFailure:
    """Describe an error that ends a run."""
    if isinstance(error, Unavailable):
        return ProcessFailure(who, where, str(error.reason)[:LONGEST], str(error.remedy)[:LONGEST])
    if isinstance(error, UnknownTransport):
        return ProcessFailure(who, where, str(error)[:LONGEST], LEAVE_OUT)
    if isinstance(error, BenchError) and error.remedy:
        return ProcessFailure(who, where, str(error)[:LONGEST], error.remedy[:LONGEST])
    help_ = remedy(error) if isinstance(error, Exception) else ""
    return ProcessFailure(who, where, f"{type(error).__name__}: {error}"[:LONGEST], help_)


class ControlSocket:
    """One end of the socket pair between the worker and a peer.

    `who` names the process at the other end.
    """

    def __init__(self, end: socket.socket, who: str) -> None:
        self._end = end
        # Of the next message, as far as they have arrived; before them, of the last one.
        self._records: list[bytes] = []
        self.who = who

    @classmethod
    def pair(cls, here: str, there: str) -> tuple[ControlSocket, ControlSocket]:
        """Return the end that talks to `there`, and the end that talks to `here`.

        Raises: Unavailable.
        """
        try:
            one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError as error:
            raise refused("socketpair(2)", error) from error
        return cls(one, there), cls(two, here)

    def say(self, message: Message) -> None:
        """Send a message. Raises: PeerGone, MessageTooLong."""
        data = _encoder.encode(message)
        if len(data) > LARGEST:
            raise MessageTooLong(f"{type(message).__name__} to {self.who}")
        self._wait_until(None)
        try:
            for record in _records_of(data):
                self._end.send(record)
        except OSError as error:
            raise PeerGone(f"{self.who} is gone") from error

    def listen(self, kind: type[M], deadline: float | None = None) -> M:
        """Return the next message, which must be of that kind.

        Raises: RunFailed (the other process failed), PeerGone, TimedOut.
        """
        message = self.next(deadline)
        if isinstance(message, ProcessFailure):
            raise RunFailed(message)
        if not isinstance(message, kind):
            raise PeerGone(f"{self.who} said {message!r} where {kind.__name__} was due")
        return message

    def next(self, deadline: float | None = None) -> AnyMessage:
        """Return the next message of any kind. Raises: PeerGone, TimedOut, RunFailed.

        Its records are kept until the next call. Where SIGCHLD follows right behind it and the
        handler looks for the last words, it still finds them.
        """
        try:
            self._fetch(deadline)
            while (data := _message_in(self._records)) is None:
                self._fetch(deadline)
        except TimeoutError as error:
            raise TimedOut(f"{self.who} did not answer in time") from error
        except OSError as error:
            raise PeerGone(f"{self.who} is gone") from error
        return _decoder.decode(data)

    def _wait_until(self, deadline: float | None) -> None:
        """Set the time that a call may wait. Raises: TimedOut where it is over."""
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimedOut(f"{self.who} did not answer in time")
        if left != self._end.gettimeout():
            self._end.settimeout(left)

    def _fetch(self, deadline: float | None) -> None:
        """Receive a record. Raises: OSError, TimedOut, PeerGone (end of file), RunFailed."""
        self._wait_until(deadline)
        self._receive()
        if not self._records[-1]:
            self._records.pop()
            raise PeerGone(f"{self.who} is gone")
        if self._records[-1][0] & FIRST:
            del self._records[:-1]
        if len(self._records) > LARGEST // PAYLOAD + 1:
            long = MessageTooLong(f"a message of {self.who}")
            raise RunFailed(ProcessFailure(self.who, "", str(long), long.remedy))

    def _receive(self) -> None:
        """Receive one record, past one ECONNRESET. Raises: OSError.

        A process that ends with messages unread resets the connection: the error comes once,
        ahead of its own last messages (unix_release_sock() in Linux's net/unix/af_unix.c).
        """
        # One call into C receives and keeps a record: no signal handler runs in between.
        try:
            self._records.extend(map(self._end.recv, (RECORD,)))
        except ConnectionResetError:
            self._records.extend(map(self._end.recv, (RECORD,)))

    def last_words(self) -> ProcessFailure | None:
        """Return the failure that the other process reported before it died, or None."""
        self._end.setblocking(False)
        while True:
            with contextlib.suppress(msgspec.DecodeError):
                message = _decoder.decode(_message_in(self._records) or b"null")
                if isinstance(message, ProcessFailure):
                    return message
            try:
                self._receive()
            except OSError:  # there are no more
                return None
            if not self._records[-1]:
                return None

    def close(self) -> None:
        """Close this end."""
        self._end.close()


def _records_of(data: bytes) -> Iterator[bytes]:
    """Cut a message into records."""
    for at in range(0, len(data), PAYLOAD):
        flags = (FIRST if at == 0 else 0) | (LAST if at + PAYLOAD >= len(data) else 0)
        yield bytes([flags]) + data[at : at + PAYLOAD]


def _message_in(records: Sequence[bytes]) -> bytes | None:
    """Return the message whose last record is the last of these; None if it is not whole."""
    if records and not records[-1]:  # the end of file, behind it
        records = records[:-1]
    if not records or not records[-1][0] & LAST:
        return None
    for first in reversed(range(len(records))):
        if records[first][0] & FIRST:
            return b"".join(record[1:] for record in records[first:])
    return None
