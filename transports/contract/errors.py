"""The errors of the contract: few, and each one tells which side caused it."""

from __future__ import annotations


class TransportError(Exception):
    """The root of all errors that a transport raises on purpose."""


class Unavailable(TransportError):
    """The machine cannot do this; `probe` returns it, `create` raises it.

    `reason` says what is missing, `remedy` what would provide it (or is empty).
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class MessageTooLarge(TransportError):
    """The message is larger than the facility, or the channel's spec, allows."""


class WouldBlock(TransportError):
    """The spec says `nowait`, and the call would have had to wait."""


class PeerGone(TransportError):
    """The other end was closed, or its process is dead."""


class Closed(TransportError):
    """This endpoint or channel was closed in this process."""


class TimedOut(TransportError):
    """The deadline passed; the message names what was waited for."""
