"""Protocols of shared memory: memory that several processes map.

A *segment kind* creates and opens segments. Mapped memory is the same for all
kinds, so the ring over it does not depend on the kind.
"""

from __future__ import annotations

from typing import Protocol

from ipcbench.transports.contract import (
    Json,
    Lifetime,
    Limit,
    Mapping,
    Segment,
    Sharing,
    Unavailable,
)


class OwnedSegment(Segment, Protocol):
    """A segment with what another process needs to open it."""

    @property
    def address(self) -> Json:
        """The argument of `SegmentKind.open`, or None where it needs the descriptor."""

    @property
    def fd(self) -> int | None:
        """The descriptor by which it is shared, or None."""


class SegmentKind(Protocol):
    """A way to create and to open segments."""

    @property
    def name(self) -> str: ...
    @property
    def sharing(self) -> Sharing: ...
    @property
    def lifetime(self) -> Lifetime: ...

    def probe(self) -> Unavailable | None:
        """Create a segment and remove it; the reason where that fails."""

    def capacity(self) -> Limit | Unavailable:
        """The largest size of a segment on this machine, in bytes."""

    def create(self, size: int, name: str | None) -> OwnedSegment:
        """Create a segment of zeros, private (0600), under a random name or the caller's.

        The form of the caller's `name` is the facility's: a name with a leading
        slash, a key, or a path.
        Raises: FileExistsError (a fixed name is taken), ValueError (it is not a
        name of this kind), Unavailable (no memory).
        """

    def open(
        self, address: Json, fd: int | None = None, mapping: Mapping = Mapping.SHARED
    ) -> OwnedSegment:
        """Map an existing segment; it takes over `fd`. A fixed name is its address.

        Raises: PeerGone (it was removed), PermissionError, ValueError (this
        kind has no such mapping).
        """


def try_kind(kind: SegmentKind) -> Unavailable | None:
    """Create a segment of one byte and remove it; the reason where that fails."""
    try:
        segment = kind.create(1, None)
    except Unavailable as reason:
        return reason
    segment.close()
    segment.unlink()
    return None
