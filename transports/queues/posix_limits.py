"""Limits of POSIX message queues, and the settings that are enough for a need: mq_overview(7)."""

from __future__ import annotations

import resource

from ipcbench.transports.base import raise_limit, set_kernel, sysctl
from ipcbench.transports.base.remedies import all_of
from ipcbench.transports.contract import Limit, Need

MOST_MESSAGES = 10  # a queue's default depth, where the limits allow it: mq_overview(7)

# What the kernel counts towards RLIMIT_MSGQUEUE for each message beside its bytes:
# a struct msg_msg and a struct posix_msg_tree_node (getrlimit(2)), on 64 bits.
OVERHEAD = 96

HARD_LONGEST, HARD_DEEPEST = 16 << 20, 65536  # HARD_MSGSIZEMAX, HARD_MSGMAX: mq_overview(7)

LONGEST, DEEPEST, QUEUES = (
    f"fs.mqueue.{name}" for name in ("msgsize_max", "msg_max", "queues_max")
)


def user_bytes() -> int | None:
    """Return the bytes that all queues of this user together may hold; None: no bound."""
    soft, _ = resource.getrlimit(resource.RLIMIT_MSGQUEUE)
    return None if soft == resource.RLIM_INFINITY else soft


def message_limit() -> Limit:
    """Return the longest message of a link of two queues, each of one message at least.

    A process with CAP_SYS_RESOURCE may exceed the setting (mq_overview(7)); it
    is the bound for it too: otherwise root would measure what no other user can.
    """
    longest, user = sysctl(LONGEST), user_bytes()
    remedy = raised(Need(min(HARD_LONGEST, 2 * longest)))
    if user is None or user // 2 - OVERHEAD >= longest:
        return Limit("message", longest, LONGEST, remedy, raised)
    most = max(0, user // 2 - OVERHEAD)
    return Limit("message", most, "RLIMIT_MSGQUEUE", remedy, raised)


def raised(need: Need) -> str:
    """Return the settings and the limit for queues of these messages, all together."""
    if need.size > HARD_LONGEST:
        return f"no setting suffices: {LONGEST} goes up to {HARD_LONGEST}"
    if (need.depth or 0) > HARD_DEEPEST:
        return f"no setting suffices: {DEEPEST} goes up to {HARD_DEEPEST}"
    depth = need.depth or min(MOST_MESSAGES, sysctl(DEEPEST))
    wanted = {LONGEST: need.size, DEEPEST: depth}
    settings = {name: value for name, value in wanted.items() if value > sysctl(name)}
    # Without a depth asked for, a queue is as deep as the limit allows: one message at least.
    least = need.ways * counted(need.depth or 1, need.size)
    return all_of(set_kernel(settings), _more_bytes(least, need.ways * counted(depth, need.size)))


def default_depth(need: Need) -> int:
    """Return a depth that lets all channels have the same, as far as RLIMIT_MSGQUEUE allows."""
    depth, user = min(MOST_MESSAGES, sysctl(DEEPEST)), user_bytes()
    while depth > 1 and user is not None and need.ways * counted(depth, need.size) > user:
        depth //= 2
    return depth


def counted(depth: int, size: int) -> int:
    """Return the bytes of a queue that count towards RLIMIT_MSGQUEUE: getrlimit(2)."""
    return depth * (size + OVERHEAD)


def _more_bytes(least: int, wanted: int) -> str:
    """Return the action that allows so many bytes in queues; "" where the limit is above `least`.

    Other queues of this user may already have used up today's limit.
    """
    user = user_bytes()
    if user is None or least <= user:
        return ""
    return raise_limit("RLIMIT_MSGQUEUE", max(819200, user + wanted))
