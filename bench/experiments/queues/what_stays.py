"""Experiment `what-stays`: messages that are still there when their sender has gone.

A queue keeps its messages until they are taken, or it is removed or the system is shut down:
svipc(7), mq_overview(7). A pipe, a FIFO or a socket keeps them while a process has it open.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial

from ipcbench.bench.experiments.children import together
from ipcbench.bench.experiments.experiment import Experiment
from ipcbench.bench.experiments.lacks import in_words
from ipcbench.bench.experiments.queues.places import (
    FifoPlace,
    PipePlace,
    Place,
    QueuePlace,
    SocketPlace,
)
from ipcbench.bench.results.records import Observation
from ipcbench.transports.contract import Unavailable

MESSAGES = 5
TIME = 5.0  # seconds for a process that puts or takes, which takes milliseconds

PLACES: dict[str, Callable[[], Place]] = {
    "sysv-queue": partial(QueuePlace, "sysv-queue"),
    "posix-queue": partial(QueuePlace, "posix-queue"),
    "pipe": PipePlace,
    "fifo": FifoPlace,
    "unix-stream": partial(SocketPlace, socket.SOCK_STREAM),
    "unix-dgram": partial(SocketPlace, socket.SOCK_DGRAM),
}


def play(places: Mapping[str, Callable[[], Place]] = PLACES) -> Observation:
    """Put messages, end, and take them by another process; once beside an open receiving end."""
    seen = Observation(experiment=EXPERIMENT.name)
    seen.figures["messages sent"] = MESSAGES
    for name, place in places.items():
        try:
            held, later = left(place, held=True), left(place, held=False)
        except Unavailable as lack:
            seen.rows.append({"facility": name, "skipped": in_words(lack)})
            continue
        seen.figures[f"left at an open end, {name}"] = held
        seen.figures[f"left for a later receiver, {name}"] = later
        seen.rows.append({"facility": name, "at an open end": held, "for a later receiver": later})
    return seen


def left(make: Callable[[], Place], *, held: bool) -> int:
    """Return how many messages a receiver finds when the sender has gone.

    `held`: this process has a receiving end open from before until after.
    """
    with ExitStack() as stack:
        place = make()
        stack.callback(place.remove)
        if held:
            place.hold()
        together([partial(place.put, MESSAGES)], TIME)
        (found,) = together([place.take], TIME)
        return int(found)


EXPERIMENT = Experiment(
    name="what-stays",
    question="Which messages are still there when their sender has gone?",
    statements=("mq-keeps", "sysv-is-posix"),
    limit=30.0,
    usual=0.5,
    play=play,
)
