"""memfd_create(2): memory without a name, handed over as a descriptor."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ipcbench.transports.base.os_errors import refused
from ipcbench.transports.contract import (
    Json,
    Lifetime,
    Limit,
    Mapping,
    Sharing,
    Unavailable,
)
from ipcbench.transports.kernel_objects import fresh_name
from ipcbench.transports.segments import huge_pages
from ipcbench.transports.segments.huge_pages import Pages
from ipcbench.transports.segments.protocol import (
    Allocate,
    MappedSegment,
    allocate,
    free_memory,
    owned,
)


@dataclass(frozen=True)
class MemfdSegments:
    huge: bool = False
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
        if not self.huge:
            return free_memory()
        try:
            return Pages.now().room()
        except Unavailable as reason:
            return reason

    @property
    def _give(self) -> Allocate:
        return huge_pages.allocate if self.huge else allocate

    def create(self, size: int, name: str | None) -> MappedSegment:
        if self.huge:
            Pages.now()  # where there are none, no call says so in its own words
        try:
            flags = os.MFD_CLOEXEC | (os.MFD_HUGETLB if self.huge else 0)
            fd = os.memfd_create(fresh_name(), flags)
        except OSError as error:
            raise refused("memfd_create(2)", error) from error
        os.fchmod(fd, 0o600)  # it begins as 0777: /proc/PID/fd leads to it
        return owned(fd, size, None, shared_by_fd=True, remove=lambda: None, give=self._give)

    def open(
        self, address: Json, fd: int | None = None, mapping: Mapping = Mapping.SHARED
    ) -> MappedSegment:
        if fd is None:
            raise ValueError("memory without a name is opened by its descriptor")
        if self.huge and mapping is Mapping.PRIVATE:
            raise ValueError("huge pages are mapped shared: each write would take a whole one more")
        return MappedSegment(fd, None, mapping=mapping, shared_by_fd=True, give=self._give)
