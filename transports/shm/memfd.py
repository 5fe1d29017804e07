"""memfd_create(2): memory without a name, handed over as a descriptor."""

from __future__ import annotations

import os
from dataclasses import dataclass

from transports.contract import Json, Lifetime, Limit, Mapping, Sharing, Unavailable
from transports.naming import fresh_name
from transports.remedies import refused
from transports.shm.segments import MappedSegment, free_memory, owned


@dataclass(frozen=True)
class MemfdSegments:
    name = "memfd"
    sharing = Sharing.DESCRIPTORS
    lifetime = Lifetime.PROCESS

    def probe(self) -> Unavailable | None:
        try:
            self.create(1, None).close()
        except Unavailable as reason:
            return reason
        return None

    def room(self) -> Limit | Unavailable:
        return free_memory()

    def create(self, size: int, name: str | None) -> MappedSegment:
        try:
            fd = os.memfd_create(fresh_name(), os.MFD_CLOEXEC)
        except OSError as error:
            raise refused("memfd_create(2)", error) from error
        os.fchmod(fd, 0o600)  # it begins as 0777: /proc/PID/fd leads to it
        return owned(fd, size, None, shared_by_fd=True, remove=lambda: None)

    def open(
        self, address: Json, fd: int | None = None, mapping: Mapping = Mapping.SHARED
    ) -> MappedSegment:
        if fd is None:
            raise ValueError("memory without a name is opened by its descriptor")
        return MappedSegment(fd, None, mapping=mapping, shared_by_fd=True)
