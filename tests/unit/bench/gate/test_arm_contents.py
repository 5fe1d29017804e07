"""The source files of a plug-in's folder: their digest, and the copy that is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcbench.bench.arms import contents
from ipcbench.bench.arms.arm import ArmError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with sources, a link, and what is no source."""
    found = tmp_path / "plugin"
    for name in ("pyproject.toml", "code/a.py", "code/b.c"):
        (found / name).parent.mkdir(parents=True, exist_ok=True)
        (found / name).write_text(name)
    (found / "linked").symlink_to("code")
    (tmp_path / "beside").mkdir()
    (found / "outside").symlink_to("../beside")
    for name in (
        ".git/HEAD", "build/lib/a.py", "code/a.pyc", "code/b.so", "env/pyvenv.cfg", "env/a.py",
        "code/__pycache__/a.txt",
    ):  # fmt: skip
        (found / name).parent.mkdir(parents=True, exist_ok=True)
        (found / name).write_text(name)
    return found


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_only_sources_are_copied(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "elsewhere/copy"
    contents.copy(folder, place)
    assert files(place) == {"pyproject.toml", "code/a.py", "code/b.c"}
    assert (place / "linked/a.py").read_text() == "code/a.py"
    assert (place / "linked").readlink() == Path("code")
    assert (place / "outside").resolve() == tmp_path / "beside"


def test_the_digest_is_of_the_sources(folder: Path, tmp_path: Path) -> None:
    before = contents.digest(folder)
    contents.copy(folder, tmp_path / "plugin-copy")
    (folder / "build/lib/a.py").write_text("built anew")
    assert contents.digest(folder) == before
    (folder / "code/b.c").write_text("changed")
    assert contents.digest(folder) != before


def test_a_renamed_file_changes_the_digest(folder: Path) -> None:
    before = contents.digest(folder)
    (folder / "code/a.py").rename(folder / "code/c.py")
    assert contents.digest(folder) != before


def test_a_wheel_has_a_digest(tmp_path: Path) -> None:
    for name in ("a.whl", "b.whl"):
        (tmp_path / name).write_bytes(name.encode())
    assert contents.digest(tmp_path / "a.whl") != contents.digest(tmp_path / "b.whl")


def test_a_folder_of_data_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "LARGEST", 10)
    with pytest.raises(ArmError, match="MiB of files") as refused:
        contents.digest(folder)
    assert refused.value.remedy == "give a wheel of it"
