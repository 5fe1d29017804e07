"""Mutants of newest values, with one defect each: see mutants.py.

An end is made in the process of its seat, so its private parts may be replaced there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ipcbench.transports.contract import PeerDeath

Mutant = Callable[..., None]

LOCK, SEVERAL, PIPE, QUEUE = "latest:seqlock", "latest:buffers", "latest:pipe", "latest:queue"
DATAGRAMS = "latest:unix-dgram"
NEWEST, TORN = "test_newest", "test_never_torn"
MIDDLE = 0.001  # seconds in the middle of a value


def _slow_halves(endpoint: Any, *, locks: bool) -> Any:
    """Write a value in two halves, and rest between them."""
    if not endpoint._publishes:
        return endpoint
    from ipcbench.transports.latest.memory import NewestMemory  # in the process of the seat

    memory, number = NewestMemory(endpoint._segment.memory, endpoint._layout), 0

    def publish(data: Any) -> None:
        nonlocal number
        number += 1
        memory.heads[0] = 2 * number - locks
        half = len(data) // 2
        memory.buffers[0][:half] = data[:half]
        time.sleep(MIDDLE)
        memory.buffers[0][half : len(data)] = data[half:]
        memory.heads[1] = len(data)
        memory.heads[0] = 2 * number

    endpoint.publish = publish
    return endpoint


def publishes_without_the_lock(endpoint: Any) -> Any:
    """Say that a value is whole while it is being written."""
    return _slow_halves(endpoint, locks=False)


def reads_without_the_lock(endpoint: Any) -> Any:
    """Copy a value whatever its sequence, from a sender that is slow in the middle of one."""
    if endpoint._publishes:
        return _slow_halves(endpoint, locks=True)
    from ipcbench.transports.latest.memory import NewestMemory

    memory, seen = NewestMemory(endpoint._segment.memory, endpoint._layout), 0

    def read_into(buffer: memoryview) -> int:
        nonlocal seen
        number = (memory.heads[0] + 1) // 2
        if number == seen:
            return 0
        length: int = memory.heads[1]
        buffer[:length] = memory.buffers[0][:length]
        seen = number
        return length

    endpoint.read_into = read_into
    return endpoint


def reads_again(endpoint: Any) -> Any:
    """Return the last value again where there is no newer one."""
    good, last = endpoint.read_into, b""

    def read_into(buffer: memoryview) -> int:
        nonlocal last
        length: int = good(buffer)
        if length:
            last = bytes(buffer[:length])
        elif last:
            buffer[: len(last)] = last
        return length or len(last)

    endpoint.read_into = read_into
    return endpoint


def reads_the_oldest(endpoint: Any) -> Any:
    """Publish only the first value of three."""
    good, count = endpoint.publish, 0

    def publish(data: Any) -> None:
        nonlocal count
        count += 1
        if count % 3 == 1:
            good(data)

    endpoint.publish = publish
    return endpoint


def keeps_what_is_there(endpoint: Any) -> Any:
    """Leave the older value in a queue that has not been read."""
    from ipcbench.transports.base.bindings import posix_ipc

    queues = endpoint._queues

    def publish(data: Any) -> None:
        for queue in queues:
            try:
                queue.send(bytes(data))
            except posix_ipc.BusyError:
                continue

    endpoint.publish = publish
    return endpoint


def waits_for_room(endpoint: Any) -> Any:
    """Wait where a pipe is full."""
    import os

    for fd in endpoint._fds:
        os.set_blocking(fd, True)
    return endpoint


def waits_for_room_in_a_socket(endpoint: Any) -> Any:
    """Wait where the queue of a socket is full."""
    for one in endpoint._sockets:
        one.setblocking(True)
    return endpoint


def reads_one_datagram(endpoint: Any) -> Any:
    """Return the oldest value of a socket's queue."""
    own = endpoint._sockets[0]

    def read_into(buffer: memoryview) -> int:
        try:
            return int(own.recv_into(buffer))
        except BlockingIOError:
            return 0

    if len(endpoint._sockets) == 1:  # a receiver's
        endpoint.read_into = read_into
    return endpoint


def loses_the_rest(endpoint: Any) -> Any:
    """Go on with the next value where a pipe took a part of the last one."""
    import os

    fds = endpoint._fds

    def publish(data: Any) -> None:
        for fd in fds:
            try:
                os.write(fd, data)
            except BlockingIOError:
                continue

    if len(fds) > 1:  # the sender's
        endpoint.publish = publish
    return endpoint


def takes_any_length(endpoint: Any) -> Any:
    """Cut a value that is too long."""
    good, size = endpoint.publish, endpoint._layout.size
    endpoint.publish = lambda data: good(data[:size])
    return endpoint


def declare(mutant: Mutant, false_traits: Mutant) -> None:
    mutant("newest without its lock", TORN, LOCK, endpoint=publishes_without_the_lock)
    mutant("newest read without the lock", TORN, LOCK, endpoint=reads_without_the_lock)
    mutant("newest read twice", NEWEST, SEVERAL, endpoint=reads_again)
    mutant("newest published late", NEWEST, LOCK, endpoint=reads_the_oldest)
    mutant("newest not replaced", NEWEST, QUEUE, endpoint=keeps_what_is_there)
    mutant("newest that waits", "test_no_receiver_reads", PIPE, endpoint=waits_for_room)
    mutant(
        "newest datagram that waits", "test_no_receiver_reads", DATAGRAMS,
        endpoint=waits_for_room_in_a_socket,
    )  # fmt: skip
    mutant("newest datagram not newest", NEWEST, DATAGRAMS, endpoint=reads_one_datagram)
    mutant("newest cut in a pipe", TORN, PIPE, endpoint=loses_the_rest)
    mutant("newest cut", "test_lengths", LOCK, endpoint=takes_any_length)
    false_traits(
        "newest reported", "test_sender_of_values_gone", LOCK, peer_death=PeerDeath.REPORTED
    )
