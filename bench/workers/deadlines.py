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


def attach_time(size: int, processes: int) -> float:
    """Return the seconds for so many processes to attach and connect, for messages of a size."""
    return ATTACH_TIME + _BUFFERS * size * processes / SLOWEST


def setup_time(size: int, processes: int) -> float:
    """Return the seconds for the set-up, for the check, and for the first loops of blocks."""
    return (
        SETUP_TIME
        + attach_time(size, processes)
        - ATTACH_TIME
        + (_MESSAGES * size * (processes - 1) / SLOWEST)
    )
