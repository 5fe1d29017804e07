"""Contract of a transport: its calls and data, and the errors that it may raise."""

from ipcbench.transports.contract.channel import (
    Channel,
    Endpoint,
    File,
    Guard,
    Hub,
    Objects,
    Signal,
    Transport,
)
from ipcbench.transports.contract.closing import Closing
from ipcbench.transports.contract.errors import (
    Closed,
    MessageTooLarge,
    PeerGone,
    TimedOut,
    TransportError,
    Unavailable,
    WouldBlock,
)
from ipcbench.transports.contract.memory import (
    InPlace,
    Mapping,
    Newest,
    Segment,
    SegmentState,
)
from ipcbench.transports.contract.spec import Json, Spec, Ticket
from ipcbench.transports.contract.traits import (
    Family,
    FanOut,
    Framing,
    Lifetime,
    Limit,
    Limits,
    Need,
    PeerDeath,
    Role,
    Sharing,
    Topology,
    Traits,
    Wait,
)

__all__ = [
    "Channel", "Closed", "Closing", "Endpoint", "Family", "FanOut", "File", "Framing", "Guard",
    "Hub", "InPlace", "Json", "Lifetime", "Limit", "Limits", "Mapping",
    "MessageTooLarge", "Need", "Newest", "Objects", "PeerDeath", "PeerGone", "Role", "Segment",
    "SegmentState", "Sharing", "Signal", "Spec", "Ticket", "TimedOut", "Topology", "Traits",
    "Transport", "TransportError", "Unavailable", "Wait", "WouldBlock",
]  # fmt: skip
