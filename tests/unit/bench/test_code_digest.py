"""bench.sweep.code_digest: the digest stays the same until any part of the code changes."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest

from ipcbench import bench, transports
from ipcbench.bench.sweep import code_digest
from ipcbench.transports import registry


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of both packages in another folder."""
    for package in (bench, transports):
        name = package.__name__.rpartition(".")[2]
        shutil.copytree(*package.__path__, tmp_path / name)
        monkeypatch.setattr(package, "__path__", [str(tmp_path / name)])
    return tmp_path


def test_the_folder_of_the_code_does_not_matter(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    here = code_digest.digest([])
    request.getfixturevalue("copied")
    assert code_digest.digest([]) == here
    assert len(here) == 16


@pytest.mark.parametrize(
    "name",
    [
        "bench/patterns/latency.py",
        "transports/shm/counted_ring.py",
        "bench/profiles/smoke.toml",
    ],
)
def test_a_change_gives_another_name(name: str, copied: Path) -> None:
    before = code_digest.digest([])
    data = (copied / name).read_text()
    (copied / name).write_text(data + "#")
    assert code_digest.digest([]) != before
    (copied / name).write_text(data)
    assert code_digest.digest([]) == before
    (copied / name).rename(copied / name.replace(".", "_2."))
    assert code_digest.digest([]) != before


def test_files_that_do_not_measure_do_not_matter(copied: Path) -> None:
    before = code_digest.digest([])
    (copied / "bench/__pycache__").mkdir(exist_ok=True)
    (copied / "bench/__pycache__/loops.cpython-311.pyc").write_bytes(b"compiled")
    (copied / "bench/notes.txt").write_text("notes")
    assert code_digest.digest(["pipe", "null"]) == before


def test_a_plug_in_s_code_counts_where_it_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("a_plug_in")
    module.__file__ = str(tmp_path / "a_plug_in.py")
    (tmp_path / "a_plug_in.py").write_text("1")
    monkeypatch.setitem(sys.modules, "a_plug_in", module)
    kind = type("Plugged", (), {"__module__": "a_plug_in"})
    get = registry.get
    monkeypatch.setattr(registry, "get", lambda name: kind() if name == "plugged" else get(name))
    before = code_digest.digest(["pipe", "plugged"])
    assert before != code_digest.digest(["pipe"])
    (tmp_path / "a_plug_in.py").write_text("2")
    assert code_digest.digest(["pipe", "plugged"]) != before
