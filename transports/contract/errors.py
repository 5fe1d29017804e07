"""The errors of the contract: few, closed, and each says who did it."""

from __future__ import annotations


class TransportError(Exception):
    """The root of all errors that a transport raises on purpose."""


class Unavailable(TransportError):
    """The machine cannot do this; `probe` returns it, `create` raises it.

    `reason` says what is missing, `remedy` what would bring it (or is empty).
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class MessageTooLarge(TransportError):
    """The message is larger than the facility, or the channel's spec, takes."""


class WouldBlock(TransportError):
    """`nowait` was asked for, and the call would have had to wait."""


class PeerGone(TransportError):
    """Somebody else left: the other end was closed, or its process is dead."""


class Closed(TransportError):
    """We left: this endpoint or channel was closed in this very process."""


class TimedOut(TransportError):
    """The deadline passed; the message says who was waited for."""
