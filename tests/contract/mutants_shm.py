"""Mutants of shared memory, signals and guards, with one defect each: see mutants.py."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ipcbench.transports.contract import Wait

Mutant = Callable[..., None]

IN_PLACE = "shm:posix+posix-sem/in-place"


def nothing(*_: object) -> None:
    pass


def doing(**changes: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Replace calls of an endpoint: each function gets the correct one."""

    def alter(endpoint: Any) -> Any:
        for name, change in changes.items():
            setattr(endpoint, name, change(getattr(endpoint, name)))
        return endpoint

    return alter


def twice(call: Any) -> Any:
    def both() -> None:
        call()
        call()

    return both


def hundredth(call: Any) -> Any:
    """Omit every hundredth call."""
    count = 0

    def most() -> None:
        nonlocal count
        count += 1
        if count % 100:
            call()

    return most


def never(_: Any) -> Any:
    return nothing


def busy(call: Any) -> Any:
    """Spin before it waits for a signal."""

    def wait() -> None:
        end = 10**9
        while end:
            end -= 1
        call()

    return wait


def unread(endpoint: Any) -> Any:
    """Release the slot without reading it."""

    def recv_into(buffer: memoryview) -> int:
        length = len(endpoint.peek())
        endpoint.release()
        return length

    if hasattr(endpoint, "peek"):
        endpoint.recv_into = recv_into
    return endpoint


def copied(endpoint: Any) -> Any:
    """Copy the message out of the slot."""

    def recv_into(buffer: memoryview) -> int:
        message = endpoint.peek()
        length = len(message)
        buffer[:length] = message
        endpoint.release()
        return length

    endpoint.recv_into = recv_into
    return endpoint


def commits_twice(endpoint: Any) -> Any:
    """Accept a commit without a loan."""
    good = endpoint.commit

    def commit(size: int) -> None:
        with contextlib.suppress(ValueError):
            good(size)

    endpoint.commit = commit
    return endpoint


def commits_all(endpoint: Any) -> Any:
    """Commit the whole slot that was lent, whatever the length."""
    lent, good_loan, good = 0, endpoint.loan, endpoint.commit

    def loan(size: int) -> memoryview:
        nonlocal lent
        lent = size
        slot: memoryview = good_loan(size)
        return slot

    endpoint.loan = loan
    endpoint.commit = lambda size: good(lent)
    return endpoint


def unlinks_again(channel: Any) -> Any:
    """Remove a name a second time, although another owner has it by then."""
    good = channel.unlink

    def unlink() -> None:
        for waiter in channel._waiters:
            waiter._name._exists = True
        good()

    channel.unlink = unlink
    return channel


def declare(mutant: Mutant, false_traits: Mutant) -> None:
    """Declare all of them with the two functions of mutants.py."""
    mutant("notifies twice", "test_each_notify_is_counted", "eventfd", endpoint=doing(notify=twice))
    mutant("forgets", "test_each_notify_is_counted", "sysv-sem", endpoint=doing(notify=hundredth))
    mutant("does not wait", "test_waiting_for_a_notify", "posix-sem", endpoint=doing(wait=never))
    mutant("burns", "test_waiting_for_a_notify", "signal", endpoint=doing(wait=busy))
    mutant("loses a wake-up", "test_taking_turns", "futex", endpoint=doing(notify=hundredth))
    mutant("lets all in", "test_updates", "flock", endpoint=doing(acquire=never, release=never))
    mutant("lets in", "test_one_inside_at_a_time", "posix-sem", endpoint=doing(acquire=never))
    mutant("is kept", "test_one_inside_at_a_time", "mp-lock", endpoint=doing(release=never))
    mutant(
        "forgets a token",
        "test_each_notify_is_counted",
        "pthread-cond",
        endpoint=doing(notify=hundredth),
    )
    mutant(
        "takes one that is not there",
        "test_waiting_for_a_notify",
        "pthread-cond",
        endpoint=doing(wait=never),
    )
    mutant("locks nothing", "test_updates", "futex-mutex", endpoint=doing(acquire=never))
    mutant(
        "unlocks nothing",
        "test_one_inside_at_a_time",
        "pthread-mutex",
        endpoint=doing(release=never),
    )
    mutant("does not read", "test_scanning_reads_all_of_it", IN_PLACE, endpoint=unread)
    mutant("copies", "test_scanning_and_peeking", IN_PLACE, endpoint=copied)
    mutant("lends twice", "test_committing_what_is_not_lent", IN_PLACE, endpoint=commits_twice)
    mutant("commits all", "test_writing_where_it_is_read", IN_PLACE, endpoint=commits_all)
    mutant(
        "unlinks again",
        "test_unlinking_again",
        "shm:posix+posix-sem",
        channel=unlinks_again,
    )
    false_traits("excludes", "test_updates", "unguarded", excludes=True)
    false_traits("does not exclude", "test_updates", "posix-sem", excludes=False)
    false_traits("is undone", "test_holder_killed", "posix-sem", undo=True)
    false_traits("is not undone", "test_holder_killed", "sysv-sem", undo=False)
    mutant(
        "sleeps for a mutex",
        "test_spins_to_enter",
        "robust-mutex",
        spec=lambda spec: replace(spec, wait=Wait.BLOCK, looks=None),
    )
    false_traits("is not robust", "test_holder_killed", "robust-mutex", undo=False)
    false_traits("is robust", "test_holder_killed", "pthread-mutex", undo=True)
    false_traits("recovers", "test_holder_killed", "spin-lock", undo=True)
    false_traits("sleeps inside", "test_one_inside_at_a_time", "spin-lock", waiting=Wait.BLOCK)
    false_traits(
        "spins inside", "test_waits_as_its_traits_say", "shm:posix+pthread-cond", waiting=Wait.SPIN
    )
    false_traits("stays usable", "test_removed_under_a_waiter", "posix-sem", unlink_early=False)
    false_traits("spins on", "test_waits_as_its_traits_say", "shm:posix+futex", waiting=Wait.SPIN)
    false_traits("sleeps", "test_waits_as_its_traits_say", "shm:posix+spin", waiting=Wait.BLOCK)
    false_traits("in place", "test_size", "shm:posix+posix-sem", in_place=True)
