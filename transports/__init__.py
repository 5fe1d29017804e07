"""The facilities that are measured, each under one contract (`transports.contract`)."""

from transports.contract import (
    Channel,
    Closed,
    Endpoint,
    Limits,
    MessageTooLarge,
    PeerGone,
    Role,
    Spec,
    Ticket,
    TimedOut,
    Topology,
    Traits,
    Transport,
    TransportError,
    Unavailable,
    WouldBlock,
)
from transports.registry import get, names

__all__ = [
    "Channel",
    "Closed",
    "Endpoint",
    "Limits",
    "MessageTooLarge",
    "PeerGone",
    "Role",
    "Spec",
    "Ticket",
    "TimedOut",
    "Topology",
    "Traits",
    "Transport",
    "TransportError",
    "Unavailable",
    "WouldBlock",
    "get",
    "names",
]
