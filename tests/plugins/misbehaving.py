"""Transports that go wrong on purpose: a pipe with one fault each, as plug-ins of ours.

A sweep finds them when this folder is on PYTHONPATH.
"""

from __future__ import annotations

import os
import time
from typing import Any

from transports.contract import Role, Ticket
from transports.pipe import Pipe, PipeEndpoint

TIMED = 40  # calls after which the check of the channel is certainly over


class _Faulty:
    """A pipe whose server has the fault."""

    name = ""

    def __init__(self) -> None:
        self.traits = Pipe().traits
        self.probe = Pipe().probe
        self.create = Pipe().create

    def attach(self, ticket: Ticket, deadline: float) -> Any:
        server = ticket.role is Role.SERVER
        endpoint = PipeEndpoint(ticket)
        if server:
            self.spoil(endpoint)
        return endpoint

    def spoil(self, endpoint: PipeEndpoint) -> None:
        raise NotImplementedError


def _after(calls: int, good: Any, bad: Any) -> Any:
    """Good for so many calls, then bad."""
    left = calls

    def call(data: Any, /) -> Any:
        nonlocal left
        left -= 1
        return (bad if left < 0 else good)(data)

    return call


class Leaves(_Faulty):
    """The peer is gone in the middle of a timed block, with no word."""

    name = "leaves"

    def spoil(self, endpoint: PipeEndpoint) -> None:
        endpoint.send = _after(TIMED, endpoint.send, lambda data: os._exit(7))


class Garbles(_Faulty):
    """One bit of every message is wrong."""

    name = "garbles"

    def spoil(self, endpoint: PipeEndpoint) -> None:
        good = endpoint.send

        def send(data: Any, /) -> None:
            wrong = bytearray(data)
            wrong[-1] ^= 1
            good(wrong)

        endpoint.send = send


class Hangs(_Faulty):
    """`send` never returns, from the middle of a timed block on."""

    name = "hangs"

    def spoil(self, endpoint: PipeEndpoint) -> None:
        endpoint.send = _after(TIMED, endpoint.send, lambda data: time.sleep(3600))


class Dawdles(_Faulty):
    """Takes so long that somebody has time to kill it."""

    name = "dawdles"

    def spoil(self, endpoint: PipeEndpoint) -> None:
        good = endpoint.send

        def send(data: Any, /) -> None:
            time.sleep(0.05)
            good(data)

        endpoint.send = send


class Raises(_Faulty):
    """Cannot be attached to."""

    name = "raises"

    def attach(self, ticket: Ticket, deadline: float) -> Any:
        if ticket.role is Role.SERVER:
            raise RuntimeError("no such luck\nin two lines")
        return PipeEndpoint(ticket)
