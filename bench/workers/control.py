"""How the processes of a run talk beside the channel: typed messages on a socket pair.

Never over the measured channel, and never inside a timed loop. A socket pair
of SOCK_SEQPACKET keeps borders, and its end of file tells that a process is
gone where the facility would not.
"""

from __future__ import annotations

import socket
import time
from typing import TypeAlias, TypeVar

import msgspec

from ipcbench.bench.errors import BenchError
from ipcbench.bench.results.records import Usage
from ipcbench.transports.base.os_errors import refused, remedy
from ipcbench.transports.contract import PeerGone, TimedOut, Unavailable

LARGEST = 1 << 16
LONGEST = 2000  # characters of what went wrong


class Message(msgspec.Struct, tag_field="is"):
    """The common root."""


class Hello(Message, tag="hello"):
    """A peer has attached. `hello`: what its endpoint has to say to the others."""

    hello: object
    depth: int | None


class Connect(Message, tag="connect"):
    """All have attached: the hellos, in the order of the processes."""

    hellos: list[object]


class Check(Message, tag="check"):
    """Play your side of the check of the channel."""


class Block(Message, tag="block"):
    """A timed block of so many loops comes."""

    count: int


class Go(Message, tag="go"):
    """The barrier: who starts, starts."""


class Ready(Message, tag="ready"):
    """The last thing that was asked for is done, or a block may begin.

    `seen`: after a check, the numbers of the messages that a competing receiver got.
    """

    seen: list[int] = []


class Done(Message, tag="done"):
    start: float
    end: float
    handled: int


class Measure(Message, tag="measure"):
    """Say what you have used so far."""


class Used(Message, tag="used"):
    usage: Usage


class Stop(Message, tag="stop"):
    """Close and exit."""


class Broken(Message, tag="broken"):
    """A process gives up: who, where, what; and what would help, if that is known."""

    who: str
    where: str
    what: str
    remedy: str = ""


AnyMessage: TypeAlias = (
    Hello | Connect | Check | Block | Go | Ready | Done | Measure | Used | Stop | Broken
)
M = TypeVar("M", bound=Message)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyMessage] = msgspec.json.Decoder(AnyMessage)


class RunFailed(BenchError):
    """A run came to nothing; `broken` says who, where and what."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(f"{broken.who}, {broken.where}: {broken.what}")
        self.broken = broken


def broken(who: str, error: BaseException, where: str = "") -> Broken:
    """What to say of an error that ends a run."""
    if isinstance(error, Unavailable):
        return Broken(who, where, str(error.reason)[:LONGEST], str(error.remedy)[:LONGEST])
    help_ = remedy(error) if isinstance(error, Exception) else ""
    return Broken(who, where, f"{type(error).__name__}: {error}"[:LONGEST], help_)


class Line:
    """One end of the line between the worker and a peer; `who` is at the other end."""

    def __init__(self, end: socket.socket, who: str) -> None:
        self._end = end
        self._seen = False  # whether the first message in the queue has been told already
        self.who = who

    @classmethod
    def pair(cls, here: str, there: str) -> tuple[Line, Line]:
        """(the end that talks to `there`, the end that talks to `here`). Raises: Unavailable."""
        try:
            one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError as error:
            raise refused("socketpair(2)", error) from error
        return cls(one, there), cls(two, here)

    def say(self, message: Message) -> None:
        """Raises: PeerGone."""
        try:
            self._end.send(_encoder.encode(message))
        except OSError as error:
            raise PeerGone(f"{self.who} is gone") from error

    def listen(self, kind: type[M], deadline: float | None = None) -> M:
        """The next message, which must be of that kind.

        Raises: RunFailed (the other one gave up), PeerGone, TimedOut.
        """
        message = self.next(deadline)
        if isinstance(message, Broken):
            raise RunFailed(message)
        if not isinstance(message, kind):
            raise PeerGone(f"{self.who} said {message!r} where {kind.__name__} was due")
        return message

    def next(self, deadline: float | None = None) -> AnyMessage:
        """The next message, whatever it is. Raises: PeerGone, TimedOut.

        It stays in the queue until another one is wanted: where the news of a death comes
        right behind it and a signal's handler raises that, `last_words` must find it still.
        """
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise TimedOut(f"{self.who} did not answer in time")
        self._end.settimeout(left)
        try:
            if self._seen:
                self._receive()
                self._seen = False
            data = self._receive(socket.MSG_PEEK)
        except TimeoutError as error:
            raise TimedOut(f"{self.who} did not answer in time") from error
        except OSError as error:
            raise PeerGone(f"{self.who} is gone") from error
        if not data:
            raise PeerGone(f"{self.who} is gone")
        self._seen = True
        return _decoder.decode(data)

    def _receive(self, flags: int = 0) -> bytes:
        """Who ends with words of ours unread resets the line: that is told once, ahead of what
        it had said before (unix_release_sock() in Linux's net/unix/af_unix.c). Raises: OSError."""
        try:
            return self._end.recv(LARGEST, flags)
        except ConnectionResetError:
            return self._end.recv(LARGEST, flags)

    def last_words(self) -> Broken | None:
        """What the other one said before it died, if it was that it gives up."""
        self._end.setblocking(False)
        try:
            while data := self._receive():
                message = _decoder.decode(data)
                if isinstance(message, Broken):
                    return message
        except (OSError, msgspec.DecodeError):
            pass
        return None

    def close(self) -> None:
        self._end.close()
