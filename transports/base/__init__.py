"""Building blocks that most transports share, for plug-ins as well."""

from ipcbench.transports.base.defaults import (
    MappingEndpoint,
    PlainChannel,
    PlainEndpoint,
    check_message,
    check_seat,
    check_spec,
    closed,
    fitted,
    forbidden,
    path_in,
)
from ipcbench.transports.base.descriptors import (
    close_all,
    discard,
    duplicate_all,
    pass_time_to_send,
    read_rest,
    reader,
    rest_reader,
    rest_writer,
    stream_look,
    write_rest,
    writer,
)
from ipcbench.transports.base.in_flight import bytes_in_flight, held_by, held_by_socket
from ipcbench.transports.base.multiplexing import DescriptorEndpoint, Gathered, Gatherer, serve
from ipcbench.transports.base.os_errors import refused, refused_in_shm, translate
from ipcbench.transports.base.remedies import raise_limit, set_kernel, sysctl_limit
from ipcbench.transports.base.spinning import (
    Look,
    PassSome,
    SpinningGatherer,
    keeps_looking,
    pass_time,
    pass_time_at,
    spinning_call,
    spinning_receive,
    when_full,
)
from ipcbench.transports.base.sysctl import sysctl, sysctl_text
from ipcbench.transports.base.waiting import (
    NEVER,
    SYSTEM_CALLS,
    Receive,
    Send,
    looks_of,
    polling,
    send_if_room,
    spins,
    waiting_call,
    waiting_get,
    waiting_receive,
)

__all__ = [
    "NEVER", "SYSTEM_CALLS", "DescriptorEndpoint", "Gathered", "Gatherer", "Look",
    "MappingEndpoint", "PassSome", "PlainChannel", "PlainEndpoint", "Receive", "Send",
    "SpinningGatherer", "bytes_in_flight", "check_message", "check_seat", "check_spec",
    "close_all", "closed", "discard", "duplicate_all", "fitted", "forbidden", "held_by",
    "held_by_socket", "keeps_looking", "looks_of", "pass_time", "pass_time_at",
    "pass_time_to_send", "path_in", "polling", "raise_limit", "read_rest", "reader", "refused",
    "refused_in_shm", "rest_reader", "rest_writer", "send_if_room", "serve", "set_kernel",
    "spinning_call", "spinning_receive", "spins", "stream_look", "sysctl", "sysctl_limit",
    "sysctl_text", "translate", "waiting_call", "waiting_get", "waiting_receive", "when_full",
    "write_rest", "writer",
]  # fmt: skip
