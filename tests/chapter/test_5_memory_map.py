"""Chapter 2.5: a file as shared memory, whose content stays."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipcbench.transports.kernel_objects import announce, fresh_name, withdraw
from tests.available import need
from tests.chapter.programs import output
from tests.chapter.squares import END, FILE

COUNT = 2000  # numbers: more than a page of them

SQUARES = [number * number for number in range(COUNT)]


@pytest.fixture
def path() -> Iterator[Path]:
    """A free path on a file system on disk."""
    folder = FILE.folder()
    need(folder)
    assert isinstance(folder, Path)
    path = folder / fresh_name()
    announce("file", str(path))
    yield path
    path.unlink()
    withdraw("file", str(path))


def content(path: Path) -> list[int]:
    return [number for (number,) in struct.iter_unpack("=Q", path.read_bytes())]


def test_a_consumer_that_starts_later(path: Path) -> None:
    output("squares", "fill", str(path), str(COUNT))
    assert output("squares", "print", str(path)).split() == [str(square) for square in SQUARES]
    assert content(path) == [*SQUARES, END]  # both programs have exited


def test_a_private_map_leaves_the_file_unchanged(path: Path) -> None:
    output("squares", "fill", str(path), str(COUNT))
    assert output("squares", "waste", str(path)) == "True\n"
    assert content(path) == [*SQUARES, END]
    assert output("squares", "print", str(path)).split() == [str(square) for square in SQUARES]
