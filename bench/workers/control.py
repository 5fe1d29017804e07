"""Control messages between the processes of a run: typed, over a socket pair.

They never use the measured channel, and none is sent inside a timed loop. A socket pair of
SOCK_SEQPACKET keeps message boundaries (unix(7)), and its end of file reveals the death of a
process where the facility is silent about it.
"""

from __future__ import annotations

import socket
import time
from typing import TypeAlias, TypeVar

import msgspec

from ipcbench.bench.errors import BenchError
from ipcbench.bench.results.records import Usage
from ipcbench.transports.base import refused
from ipcbench.transports.base.os_errors import remedy
from ipcbench.transports.contract import PeerGone, TimedOut, Unavailable

LARGEST = 1 << 16
LONGEST = 2000  # characters of an error's text


class Message(msgspec.Struct, tag_field="is"):
    """The root of all control messages."""


class Hello(Message, tag="hello"):
    """A peer has attached. `hello`: its endpoint's data for the others."""

    hello: object
    depth: int | None


class Connect(Message, tag="connect"):
    """All processes have attached: their hellos, in the order of the processes."""

    hellos: list[object]


class Check(Message, tag="check"):
    """Request to run one side of the check of the channel."""


class Block(Message, tag="block"):
    """Announcement of a timed block of `count` loops, the last `stamps` of them timed singly.

    `number`: counts the blocks of a run, for the barrier; 0: the message `Go` is the barrier.
    """

    count: int
    stamps: int = 0
    number: int = 0


class Go(Message, tag="go"):
    """The barrier where futex(2) cannot be used: the parts that start a block begin."""


class Ready(Message, tag="ready"):
    """The last request is done, or the process is ready for a block.

    `seen`: after a check, the numbers of the messages that a competing receiver got.
    """

    seen: list[int] = []


class Done(Message, tag="done"):
    """The end of a block: its span in this process."""

    start: float
    end: float
    handled: int


class Collect(Message, tag="collect"):
    """Request for the single times of the last block."""


class Tail(Message, tag="tail"):
    """Answer to `Collect`: a histogram (`ipcbench.bench.results.histogram`)."""

    counts: dict[int, int]


class Measure(Message, tag="measure"):
    """Request for the resources used so far."""


class Used(Message, tag="used"):
    """Answer to `Measure`."""

    usage: Usage


class Stop(Message, tag="stop"):
    """Request to close the endpoint and exit."""


class ProcessFailure(Message, tag="failure"):
    """The failure of a process: its name, the phase, the error, and a remedy if one is known."""

    who: str
    where: str
    what: str
    remedy: str = ""


AnyMessage: TypeAlias = (
    Hello
    | Connect
    | Check
    | Block
    | Go
    | Ready
    | Done
    | Collect
    | Tail
    | Measure
    | Used
    | Stop
    | ProcessFailure
)
M = TypeVar("M", bound=Message)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyMessage] = msgspec.json.Decoder(AnyMessage)


class RunFailed(BenchError):
    """A run failed. `failure`: the process, the phase and the error."""

    def __init__(self, failure: ProcessFailure) -> None:
        super().__init__(f"{failure.who}, {failure.where}: {failure.what}")
        self.failure = failure


def failure_of(who: str, error: BaseException, where: str = "") -> ProcessFailure:
    """Describe an error that ends a run."""
    if isinstance(error, Unavailable):
        return ProcessFailure(who, where, str(error.reason)[:LONGEST], str(error.remedy)[:LONGEST])
    help_ = remedy(error) if isinstance(error, Exception) else ""
    return ProcessFailure(who, where, f"{type(error).__name__}: {error}"[:LONGEST], help_)


class ControlSocket:
    """One end of the socket pair between the worker and a peer.

    `who` names the process at the other end.
    """

    def __init__(self, end: socket.socket, who: str) -> None:
        self._end = end
        self._peeked = False  # the first message in the queue has been returned already
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
        """Send a message. Raises: PeerGone."""
        try:
            self._end.send(_encoder.encode(message))
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
        """Return the next message of any kind. Raises: PeerGone, TimedOut.

        The message stays in the queue until the next call. Where SIGCHLD follows right behind
        it and the handler raises, `last_words` still finds it.
        """
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimedOut(f"{self.who} did not answer in time")
        self._end.settimeout(left)
        try:
            if self._peeked:
                self._receive()
                self._peeked = False
            data = self._receive(socket.MSG_PEEK)
        except TimeoutError as error:
            raise TimedOut(f"{self.who} did not answer in time") from error
        except OSError as error:
            raise PeerGone(f"{self.who} is gone") from error
        if not data:
            raise PeerGone(f"{self.who} is gone")
        self._peeked = True
        return _decoder.decode(data)

    def _receive(self, flags: int = 0) -> bytes:
        """Receive one message, past one ECONNRESET. Raises: OSError.

        A process that ends with messages unread resets the connection: the error comes once,
        ahead of its own last messages (unix_release_sock() in Linux's net/unix/af_unix.c).
        """
        try:
            return self._end.recv(LARGEST, flags)
        except ConnectionResetError:
            return self._end.recv(LARGEST, flags)

    def last_words(self) -> ProcessFailure | None:
        """Return the failure that the other process reported before it died, or None."""
        self._end.setblocking(False)
        try:
            while data := self._receive():
                message = _decoder.decode(data)
                if isinstance(message, ProcessFailure):
                    return message
        except (OSError, msgspec.DecodeError):
            pass
        return None

    def close(self) -> None:
        """Close this end."""
        self._end.close()
