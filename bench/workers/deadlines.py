"""Time that a run may take beside its blocks: a large message takes long to copy.

The watchdog ends a run that hangs. So the times are generous: a slow facility copies a
message eight times, and its processes may share a CPU with others.
"""

from __future__ import annotations

SETUP_TIME = 10.0  # seconds for the set-up of a run of small messages
ATTACH_TIME = 10.0  # seconds for all processes to attach and connect
SLOWEST = 100e6  # bytes that move through a facility in a second, at least
_BUFFERS = 4  # messages of memory that a process writes when it attaches
_MESSAGES = 30  # sent at most in the check, in calibration and in blocks of one loop
_REHEARSED = 40  # sent at most in the check of messages that are written anew


def attach_time(size: int, processes: int, buffers: int = 1) -> float:
    """Return the seconds for so many processes to attach and connect.

    Args:
        size: bytes of a message.
        processes: those of the run.
        buffers: those that each sender writes into, and as many slots of a channel.
    """
    return ATTACH_TIME + (_BUFFERS + 2 * (buffers - 1)) * size * processes / SLOWEST


def setup_time(size: int, processes: int, buffers: int = 1, loops: int = 0) -> float:
    """Return the seconds for the set-up, for the check, and for the first loops of blocks.

    Args:
        size: bytes of a message.
        processes: those of the run.
        buffers: as of `attach_time`.
        loops: those of all blocks, at least.
    """
    sent = _MESSAGES + (_REHEARSED if buffers > 1 else 0) + loops
    return (
        SETUP_TIME
        + attach_time(size, processes, buffers)
        - ATTACH_TIME
        + sent * size * (processes - 1) / SLOWEST
    )
