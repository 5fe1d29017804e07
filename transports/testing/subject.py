"""The subject of a contract test: a transport, and short ways to set it up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

import pytest

from ipcbench.transports.contract import Channel, Family, Limits, Spec, Topology, Transport
from ipcbench.transports.testing.participants import Participants, fill

TYPICAL = 64
MUCH = 1024 * 1024 + 1  # the largest size tested, where the machine allows more


class Size(Enum):
    NOTHING = "nothing"
    ONE = "one byte"
    TYPICAL = "typical"
    LARGEST = "largest"


@dataclass(frozen=True, slots=True)
class Subject:
    """A transport and its limits; `native`: its endpoints use their native operations."""

    transport: Transport
    limits: Limits
    native: bool = False

    @property
    def calls_for_each(self) -> bool:
        """Each message is a call into the kernel: a ring may call only to wake a sleeper."""
        traits = self.transport.traits
        return traits.signals > 0 or traits.family is not Family.SHARED_MEMORY

    def limit(self, topology: Topology) -> int | None:
        """Return the probed bound of a message."""
        return self.limits.message_for(topology).value

    def largest(self, topology: Topology) -> int:
        """Return the bound of a message, or `MUCH` where that is less."""
        limit = self.limit(topology)
        return MUCH if limit is None else min(limit, MUCH)

    def bytes(self, size: Size, topology: Topology) -> int:
        if size is Size.LARGEST:
            return self.largest(topology)
        return {Size.NOTHING: 0, Size.ONE: 1, Size.TYPICAL: TYPICAL}[size]

    def spec(
        self,
        topology: Topology,
        size: int = TYPICAL,
        *,
        depth: int | None = None,
        nowait: bool = False,
        name: str | None = None,
    ) -> Spec:
        """Return a spec: two processes for a link or signal, else three; size 0 without data."""
        parties = 2 if topology in (Topology.LINK, Topology.SIGNAL) else 3
        lack = self.limits.refuses(topology, parties, native=self.native)
        if lack is not None:
            pytest.skip(f"{lack.reason} ({lack.remedy})")
        if topology in (Topology.SIGNAL, Topology.GUARD):
            size = 0
        if nowait and self.transport.traits.synchronous:
            pytest.skip("its sender waits for the receiver, and `nowait` is refused")
        return Spec(
            size, topology, parties, depth=depth, nowait=nowait, name=name, native=self.native
        )

    @contextmanager
    def channel(self, spec: Spec) -> Iterator[Channel]:
        """Create a channel to which no process has attached; close and remove it at the end."""
        channel = self.transport.create(spec)
        try:
            yield channel
        finally:
            channel.close()
            channel.unlink()

    def participants(
        self,
        topology: Topology,
        size: int = TYPICAL,
        *,
        depth: int | None = None,
        nowait: bool = False,
        name: str | None = None,
    ) -> Participants:
        spec = self.spec(topology, size, depth=depth, nowait=nowait, name=name)
        return Participants(self.transport, spec)

    def capacity(self, topology: Topology, size: int = TYPICAL) -> int:
        """Count the messages of a size that one sender can send before it has to wait."""
        with self.participants(topology, size, nowait=True) as participants:
            count: int = participants.senders[0].do(fill)
            return count
