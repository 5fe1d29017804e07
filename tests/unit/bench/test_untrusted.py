"""bench.results.untrusted: files are opened without blocking and read up to a limit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipcbench.bench.results import journal
from ipcbench.bench.results.journal import NAME, Journal, Unreadable, read
from ipcbench.bench.results.untrusted import (
    LONGEST_TOML,
    one_line,
    open_file,
    parse_toml,
    read_toml,
)
from tests.unit.bench.test_journal import END, HEADER, folder_with


def test_a_file_is_opened_and_a_link_to_one_where_that_is_meant(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        with open_file(tmp_path / name) as file:
            assert file.read() == b"text"
    with pytest.raises(OSError, match="a link, which may lead anywhere"):
        open_file(tmp_path / "link", follow=False)


def test_a_fifo_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="only a regular file"):
        open_file(tmp_path / "fifo")


def test_a_file_replaced_by_a_fifo_meanwhile_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    look = os.stat

    def swap(path: Path) -> os.stat_result:
        found = look(path)
        (tmp_path / "fifo").replace(path)
        return found

    monkeypatch.setattr(os, "stat", swap)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="only a regular file"):
        open_file(tmp_path / "file")
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_no_more_than_the_bound_is_read(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    data = read_toml(tmp_path / "sparse")
    assert len(data) == LONGEST_TOML + 1
    with pytest.raises(ValueError, match="over 262144 bytes"):
        parse_toml(data)


@pytest.mark.parametrize(
    "data", [b"a = " + b"[" * 400 + b"]" * 400, b"a." * 10_000 + b"a = 1", b"\xff", b"a = 1\na = 2"]
)
def test_toml_that_is_none_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        parse_toml(data * 2 if data.startswith(b"a = [") else data)


def test_one_line_is_one_printable_line() -> None:
    said = one_line("a\x1b[2J\n\u202e\udce9\x9bb" + "x" * 1000)
    assert said.isprintable()
    assert said.startswith("a\\x1b[2J\\n\\u202e\\udce9\\x9bb")
    assert len(said) < 400


# A journal's size.


def test_a_journal_is_read_up_to_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_with(tmp_path, HEADER, *[END] * 100)
    size = (tmp_path / NAME).stat().st_size
    monkeypatch.setattr(journal, "LARGEST", size)
    assert len(list(read(tmp_path))) == 101
    monkeypatch.setattr(journal, "LARGEST", size - 1)
    with pytest.raises(Unreadable, match="MiB"):
        list(read(tmp_path))


def test_a_journal_is_full_before_it_is_too_large_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_with(tmp_path, HEADER)
    size = (tmp_path / NAME).stat().st_size
    monkeypatch.setattr(journal, "LARGEST", 2 * size)
    opened, _ = Journal.resume(tmp_path)
    assert not opened.full()
    while not opened.full():
        opened.write(END)
    opened.close()
    assert len(list(read(tmp_path))) > 1


def test_a_link_is_not_resumed_through(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder_with(tmp_path, HEADER)
    folder.mkdir()
    (folder / NAME).symlink_to(tmp_path / NAME)
    with pytest.raises(OSError):
        Journal.resume(folder)
