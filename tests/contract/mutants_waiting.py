"""Mutants of ends that spin, with one defect each: see mutants.py."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ipcbench.transports.base import spins
from ipcbench.transports.contract import Spec, Wait, WouldBlock

Mutant = Callable[..., None]

LOOKS = 100  # after which a mutant gives up


def spinning(change: Callable[[Any], None]) -> Callable[[Any], Any]:
    """Change an endpoint over pipes where it spins."""

    def alter(endpoint: Any) -> Any:
        if spins(endpoint._spec):
            change(endpoint)
        return endpoint

    return alter


def gives_up(endpoint: Any) -> None:
    """Look some number of times, and not again."""
    if not endpoint._reading:
        return
    readinto = io.FileIO(endpoint._reading[0], closefd=False).readinto

    def recv_into(buffer: memoryview) -> int:
        for _ in range(LOOKS):
            received = readinto(buffer)
            if received is not None:
                return received
        raise WouldBlock("receive: there is no message")

    endpoint.recv_into = recv_into


def drops_the_rest(endpoint: Any) -> None:
    """Send the part of a message for which there is room."""

    def send(data: Any) -> None:
        while True:
            with suppress(BlockingIOError):
                os.write(endpoint._writing[0], data)
                return

    endpoint.send = send


def looks_at_the_first(endpoint: Any) -> None:
    """Look at one client alone."""
    if not hasattr(endpoint, "recv_from"):
        return
    readinto = io.FileIO(endpoint._reading[0], closefd=False).readinto

    def recv_from(buffer: memoryview) -> int:
        while readinto(buffer) is None:
            pass
        return 0

    endpoint.recv_from = recv_from


def never_sleeps(spec: Spec) -> Spec:
    blocks = spec.wait is Wait.SPIN_BLOCK
    return replace(spec, wait=Wait.SPIN, looks=None) if blocks else spec


def always_sleeps(spec: Spec) -> Spec:
    return replace(spec, wait=Wait.BLOCK, looks=None)


def declare(mutant: Mutant, false_traits: Mutant) -> None:
    for test in ("test_spins_for_a_message", "test_spins_for_room"):
        mutant(f"never sleeps {test}", test, "pipe", spec=never_sleeps)
        mutant(f"always sleeps {test}", test, "pipe", spec=always_sleeps)
    mutant("gives up looking", "test_spins_for_a_message", "pipe", endpoint=spinning(gives_up))
    for name in ("sysv-queue", "posix-queue", "shm:posix+posix-sem", "shm:memfd+eventfd-counted"):
        mutant(f"{name} never sleeps", "test_spins_for_a_message", name, spec=never_sleeps)
        mutant(f"{name} sleeps", "test_spins_for_a_message", name, spec=always_sleeps)
    for name in ("eventfd", "posix-sem", "sysv-sem", "futex", "signal"):
        mutant(f"{name} never sleeps", "test_spins_for_a_notify", name, spec=never_sleeps)
        mutant(f"{name} sleeps", "test_spins_for_a_notify", name, spec=always_sleeps)
    mutant(
        "drops the rest",
        "test_spinning_completes_messages",
        "pipe",
        endpoint=spinning(drops_the_rest),
    )
    mutant(
        "looks at the first",
        "test_spinning_server",
        "pipe",
        endpoint=spinning(looks_at_the_first),
    )
    mutant(
        "spins without being asked",
        "test_spinning_is_refused",
        "mp-pipe",
        spec=always_sleeps,
    )
    false_traits("spins not", "test_spinning_is_refused", "pipe", spins=False)
    false_traits("spins by its traits", "test_spins_for_a_message", "mp-pipe", spins=True)
