"""bench.results.files: complete files or none, no leftovers, and names that are synced."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ipcbench.bench.results.files import make_folder, sync_folder, write_atomically


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    mask = os.umask(0o027)
    try:
        write_atomically(path, b"old")
        before = path.stat().st_ino
        write_atomically(path, b"new")
    finally:
        os.umask(mask)
    assert path.read_bytes() == b"new"
    assert path.stat().st_ino != before
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_write_over_a_folder_fails_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError):
        write_atomically(tmp_path / "file", b"new")
    assert os.listdir(tmp_path) == ["file"]


def test_an_error_names_the_file_and_not_its_draft(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        write_atomically(tmp_path / "gone" / "file", b"new")
    assert caught.value.filename == str(tmp_path / "gone/file")


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / "file").symlink_to(target)
    write_atomically(tmp_path / "file", b"new")
    assert target.read_text() == "precious"
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


KILLED = """
import os, signal, sys
from pathlib import Path
import ipcbench.bench.results.files as files
os.fsync = lambda fd: os.kill(os.getpid(), signal.SIGKILL)
files.write_atomically(Path(sys.argv[1]), b"half")
"""


def test_the_draft_of_a_killed_writer_is_removed_by_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], timeout=60)
    assert done.returncode == -9
    assert path.read_bytes() == b"old"
    assert len(os.listdir(tmp_path)) == 2
    write_atomically(tmp_path / "other", b"no business of its")
    assert len(os.listdir(tmp_path)) == 3
    write_atomically(path, b"new")
    assert sorted(os.listdir(tmp_path)) == ["file", "other"]


def test_the_draft_of_a_living_writer_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two writers of one file at the same time: the result is the complete file of one."""
    path, fsync = tmp_path / "file", os.fsync

    def meanwhile(fd: int) -> None:
        monkeypatch.setattr(os, "fsync", fsync)
        subprocess.run([sys.executable, "-c", OTHER, str(path)], check=True, timeout=60)
        assert path.read_bytes() == b"other"
        fsync(fd)

    monkeypatch.setattr(os, "fsync", meanwhile)
    write_atomically(path, b"mine")
    assert path.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["file"]


OTHER = """
import sys
from pathlib import Path
from ipcbench.bench.results.files import write_atomically
write_atomically(Path(sys.argv[1]), b"other")
"""


def test_data_is_synced_before_its_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, a crash could leave the new name for an empty file."""
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def synced(fd: int) -> None:
        done.append("folder" if os.readlink(f"/proc/self/fd/{fd}") == str(tmp_path) else "data")
        fsync(fd)

    def renamed(path: Path, to: Path) -> Path:
        done.append("rename")
        return replace(path, to)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    write_atomically(tmp_path / "file", b"new")
    assert done == ["data", "rename", "folder"]


def test_a_new_folder_s_name_is_synced_all_the_way_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr("ipcbench.bench.results.files.sync_folder", synced.append)
    assert make_folder(tmp_path / "a/b/c")
    assert synced == [tmp_path / "a/b", tmp_path / "a", tmp_path]
    assert not make_folder(tmp_path / "a/b/c")


def test_a_file_system_may_have_no_sync_of_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(number: int) -> None:
        def fsync(fd: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "fsync", fsync)

    refused(22)
    sync_folder(tmp_path)
    refused(5)
    with pytest.raises(OSError, match="Input/output error"):
        sync_folder(tmp_path)
