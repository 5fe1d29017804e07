"""Words for the names on the axes of a sweep: the meaning of each, and for whom it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ipcbench.bench.results import axes


class Words(NamedTuple):
    """The meaning of a name, and the case of a user that it is for."""

    meaning: str
    whom: str


PATTERNS: Mapping[str, Words] = {
    axes.LATENCY: Words(
        "one process sends a message, the other replies with one of the same size",
        "a request and its answer",
    ),
    axes.STREAM: Words(
        "one process sends, the other receives, until the last message is acknowledged",
        "data one way, as fast as possible: logs, files, frames",
    ),
    axes.PACED: Words(
        "one process sends at times drawn beforehand, the other receives",
        "messages that come at a rate: sensors, ticks, events",
    ),
    axes.PAIRS_LATENCY: Words(
        "several pairs of processes do latency at the same time",
        "many requests at once, each between two processes of their own",
    ),
    axes.PAIRS: Words(
        "several pairs of processes do stream at the same time",
        "many streams at once, each between two processes of their own",
    ),
    axes.FAN_IN: Words(
        "several processes send to one receiver over one channel",
        "workers that report to one collector",
    ),
    axes.FAN_OUT: Words(
        "one process sends, several receivers compete for each message",
        "a queue of work for several workers",
    ),
    axes.ECHO: Words(
        "one server replies to several clients",
        "a service with many clients",
    ),
    axes.SIGNAL: Words(
        "two processes wake each other in turn, without data",
        "a wake-up alone: the data is elsewhere, such as in shared memory",
    ),
    axes.COUNTER: Words(
        "all processes increment one shared counter under a lock",
        "data that several processes change: the cost of the lock",
    ),
    axes.LATEST: Words(
        "one process publishes values, all others read the newest one, and may miss some",
        "a state that readers look at when they like: positions, prices, settings",
    ),
    axes.SELF: Words(
        "one process holds both ends of a link and sends to itself",
        "the cost of calls and copies, without a switch between processes",
    ),
    axes.SET_UP: Words(
        "one process makes a channel, sends one message over it and removes it",
        "programs that set up a channel for each request",
    ),
    axes.FILE: Words(
        "one process reads a file in memory in order",
        "a file instead of a channel: read it, or map it",
    ),
    axes.FILE_RANDOM: Words(
        "one process reads a file in memory at random places",
        "an index or a table in a file",
    ),
    axes.FILE_WRITE: Words(
        "one process writes a file in memory in order",
        "a file instead of a channel: write it, or map it",
    ),
    axes.FILE_WRITE_RANDOM: Words(
        "one process writes a file in memory at random places",
        "an index or a table in a file that is changed",
    ),
    axes.FILL: Words(
        "one process alone writes each byte of a message",
        "the cost of making a message, which every transport has",
    ),
    axes.SCAN: Words(
        "one process alone reads each byte of a message",
        "the cost of using a message, which every transport has",
    ),
}

WAITS: Mapping[str, Words] = {
    axes.BLOCK: Words(
        "sleeps in the facility's own call until a message is there",
        "most programs: a process that waits uses no CPU time",
    ),
    axes.POLL: Words(
        "sleeps in poll(2) until a message is there, then reads it",
        "programs that wait for several things at once, as an event loop does",
    ),
    axes.SPIN_BLOCK: Words(
        "looks some number of times (--looks), then sleeps",
        "answers that come within microseconds, where a core is free meanwhile",
    ),
    axes.SPIN: Words(
        "looks again and again, and never sleeps",
        "the lowest latency, where each process may use up a core",
    ),
    axes.NO_WAIT: Words(
        "never waits",
        "the floor (null), which moves no data: no value of --wait",
    ),
}

PLACEMENTS: Mapping[str, str] = {
    axes.SAME_CORE: "calls, copies and switches alone; the figures repeat best",
    axes.SMT: "two processes that share the caches of a core",
    axes.CROSS_CORE: "two processes on cores of their own that sleep between messages; the wake-up "
    "of an idle CPU is much of the time",
    axes.CROSS_CORE_AWAKE: "the same on a machine that is busy or tuned for latency: no CPU has to "
    "leave an idle state",
    axes.CROSS_NODE: "machines with several sockets",
    axes.UNPINNED: "programs that pin nothing, as most do; the figures vary most",
}
"""Placement -> for whom; the meaning is in `axes.MEANINGS`."""

PROFILES: Mapping[str, str] = {
    "smoke": "a first try on a machine",
    "quick": "an answer to every task; the usual choice",
    "standard": "questions about sizes, depths and numbers of processes",
    "rigorous": "figures to publish, and small differences",
}
"""Profile -> for whom; what it measures is in its file."""
