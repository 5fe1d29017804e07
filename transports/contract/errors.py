"""The errors of the contract: few, and each one says which side caused it."""

from __future__ import annotations


class TransportError(Exception):
    """The root of all errors that a transport raises on purpose."""


class Unavailable(TransportError):
    """Lack of something on this machine; `probe` returns it, `create` raises it.

    `reason` says what is missing, `remedy` what would provide it (or is empty).
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        """Hold the texts.

        Args:
            reason: the lack, as a sentence without a full stop.
            remedy: a command or an advice; empty where none is known.
        """
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class MessageTooLarge(TransportError):
    """Message that is larger than the facility, or the channel's spec, allows."""


class WouldBlock(TransportError):
    """Call that would have had to wait, although the spec says `nowait`."""


class PeerGone(TransportError):
    """Loss of the peer: the other end was closed, or its process is dead."""


class Closed(TransportError):
    """Use of an endpoint or channel that was closed in this process."""


class TimedOut(TransportError):
    """Deadline that has passed; the message names what was waited for."""
