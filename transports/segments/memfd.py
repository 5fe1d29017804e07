"""Shared memory without a name: memfd_create(2), passed as a descriptor."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ipcbench.transports.base import refused
from ipcbench.transports.base.memory import free_memory
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
from ipcbench.transports.segments.mapped import (
    Allocate,
    MappedSegment,
    allocate,
    owned,
)
from ipcbench.transports.segments.protocol import try_kind


@dataclass(frozen=True)
class MemfdSegments:
    """Anonymous files in memory; `huge`: of huge pages."""

    huge: bool = False
    name = "memfd"
    sharing = Sharing.DESCRIPTORS
    lifetime = Lifetime.PROCESS

    def probe(self) -> Unavailable | None:
        return try_kind(self)

    def capacity(self) -> Limit | Unavailable:
        if not self.huge:
            return free_memory()
        try:
            return Pages.now().capacity()
        except Unavailable as reason:
            return reason

    @property
    def _give(self) -> Allocate:
        return huge_pages.allocate if self.huge else allocate

    def create(self, size: int, name: str | None) -> MappedSegment:
        if self.huge:
            Pages.now()  # where there are none, no system call's error says so
        try:
            flags = os.MFD_CLOEXEC | (os.MFD_HUGETLB if self.huge else 0)
            fd = os.memfd_create(fresh_name(), flags)
        except OSError as error:
            raise refused("memfd_create(2)", error) from error
        os.fchmod(fd, 0o600)  # created as 0777, and reachable through /proc/PID/fd
        return owned(fd, size, None, shared_by_fd=True, remove=lambda: None, give=self._give)

    def open(
        self, address: Json, fd: int | None = None, mapping: Mapping = Mapping.SHARED
    ) -> MappedSegment:
        if fd is None:
            raise ValueError("memory without a name is opened by its descriptor, and there is none")
        if self.huge and mapping is Mapping.PRIVATE:
            raise ValueError(
                "no private mapping of huge pages: each write would allocate another one"
            )
        return MappedSegment(fd, None, mapping=mapping, shared_by_fd=True, give=self._give)
