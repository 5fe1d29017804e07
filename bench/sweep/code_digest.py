"""Digest of the code that measures: a version number does not change with every commit."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from ipcbench import bench, transports
from ipcbench.transports import registry

MEASURES = (".py", ".toml", ".so")  # the files that influence a measurement


def digest(names: Iterable[str]) -> str:
    """Return the digest of `transports`, `bench` and the plug-ins among these transports."""
    files = dict(_plugins(names))
    for package in (transports, bench):
        files.update(_files(Path(*package.__path__)))
    found = hashlib.sha256()
    for name in sorted(files):
        data = files[name].read_bytes()
        found.update(f"{name} {len(data)}\n".encode())
        found.update(data)
    return found.hexdigest()[:16]


def _files(package: Path) -> Iterator[tuple[str, Path]]:
    for path in package.rglob("*"):
        if path.suffix in MEASURES:
            yield str(path.relative_to(package.parent)), path


def _plugins(names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    for name in names:
        module = type(registry.get(name)).__module__
        file = getattr(sys.modules.get(module), "__file__", None)
        if file is not None and module.partition(".")[0] != "ipcbench":
            yield module, Path(file)
