"""Revisions of a project: found in its repository, and checked out without a trace in it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ipcbench.bench.arms.arm import ArmError
from ipcbench.bench.arms.programs import Failed, Programs, reason_of
from ipcbench.bench.arms.revisions import Repository

WHO = ("-c", "user.name=author", "-c", "user.email=author@localhost", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a repository with three commits, the first without the project."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "nothing")
    for number in (1, 2):
        (folder / "pyproject.toml").write_text(f"# {number}\n")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", str(number))
        git(folder, "tag", f"v{number}")
    return folder


def everything(folder: Path) -> set[tuple[str, float]]:
    return {(str(path), path.stat().st_mtime) for path in folder.rglob("*") if path.name != "index"}


def check_out(folder: Path, name: str, place: Path) -> Path:
    repository = Repository(Programs(), folder)
    return repository.check_out(repository.revision(name), place)


def test_a_revision_is_checked_out_with_its_tags(project: Path, tmp_path: Path) -> None:
    found = check_out(project, "v1", tmp_path / "source")
    assert (found / "pyproject.toml").read_text() == "# 1\n"
    assert git(found, "describe", "--tags") == "v1"


def test_the_repository_stays_as_it_is(project: Path, tmp_path: Path) -> None:
    before = everything(project)
    check_out(project, "v1", tmp_path / "source")
    assert everything(project) == before


def test_a_commit_that_no_branch_has(project: Path, tmp_path: Path) -> None:
    git(project, "checkout", "-q", "--detach")
    git(project, "commit", "-q", "--allow-empty", "-m", "three")
    commit = git(project, "rev-parse", "HEAD")
    git(project, "checkout", "-q", "main")
    check_out(project, commit[:12], tmp_path / "source")


def test_a_shallow_clone_has_what_was_fetched(project: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{project}", str(shallow))
    check_out(shallow, "origin/main", tmp_path / "source")
    with pytest.raises(ArmError, match="no revision 'v1'") as refused:
        Repository(Programs(), shallow).revision("v1")
    assert "fetch-depth: 0" in refused.value.remedy


def test_a_project_in_a_folder_of_the_repository(project: Path, tmp_path: Path) -> None:
    (project / "plugin/tests").mkdir(parents=True)
    (project / "plugin/setup.py").touch()
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "plugin")
    found = check_out(project / "plugin/tests", "main", tmp_path / "source")
    assert found == tmp_path / "source/plugin"
    with pytest.raises(ArmError, match=r"has no pyproject.toml in plugin"):
        check_out(project / "plugin", "v2", tmp_path / "earlier")


def test_a_hook_compares_too(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook has the repository in its environment, in other folders as well: githooks(5)."""
    monkeypatch.setenv("GIT_DIR", str(project / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(project / ".git/index"))
    found = check_out(project, "v1", tmp_path / "source")
    assert (found / "pyproject.toml").read_text() == "# 1\n"
    monkeypatch.undo()
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "branch", "--show-current") == "main"


def test_hooks_of_the_user_do_not_run(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hooks").mkdir()
    hook = tmp_path / "hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    (tmp_path / "config").write_text(f"[core]\n\thooksPath = {tmp_path}/hooks\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    check_out(project, "v1", tmp_path / "source")
    assert not (tmp_path / "ran").exists()


def test_large_files_stay_pointers(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    smudge = 'test \\"$GIT_LFS_SKIP_SMUDGE\\" = 1 && cat'
    config.write_text(f'[filter "lfs"]\nclean = cat\nsmudge = "{smudge}"\nrequired = true\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    (project / ".gitattributes").write_text("*.bin filter=lfs\n")
    (project / "large.bin").write_text("pointer\n")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "large")
    found = check_out(project, "HEAD", tmp_path / "source")
    assert (found / "large.bin").read_text() == "pointer\n"


def test_changed_files_are_counted(project: Path) -> None:
    repository = Repository(Programs(), project)
    assert repository.revision("HEAD").changed == 0
    (project / "pyproject.toml").write_text("# changed\n")
    assert repository.revision("main").changed == 1
    assert repository.revision("v1").changed == 0  # an earlier one lacks more than that


@pytest.mark.parametrize("name", ["nowhere", "-h", "--all", "HEAD:pyproject.toml", "", "v1..v2"])
def test_what_names_no_commit_is_refused(name: str, project: Path) -> None:
    with pytest.raises(ArmError, match="has no revision") as refused:
        Repository(Programs(), project).revision(name)
    assert len(str(refused.value).splitlines()) == 1


def test_a_folder_without_a_project_is_refused(project: Path, tmp_path: Path) -> None:
    with pytest.raises(ArmError, match="in no git repository"):
        Repository(Programs(), tmp_path)
    (project / "pyproject.toml").unlink()
    with pytest.raises(ArmError, match="is in no project"):
        Repository(Programs(), project)


def test_a_repository_of_another_owner_names_the_command(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own tests have it
    with pytest.raises(ArmError, match="dubious ownership") as refused:
        Repository(Programs(), project)
    assert refused.value.remedy == f"git config --global --add safe.directory {project}"


def test_a_machine_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ArmError, match="git cannot be run") as refused:
        Repository(Programs(), tmp_path)
    assert refused.value.remedy == "install git"


def test_programs_end_together(tmp_path: Path) -> None:
    programs = Programs()
    programs.stop()
    with pytest.raises(Failed, match="stopped"):
        programs.run(["true"], cwd=tmp_path, environment=os.environ)


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("a.c:3:1: error: expected ';'\nerror: command 'gcc' failed\nERROR: Failed building wheel"
         " for x\nnote: This is no problem of pip.", "a.c:3:1: error: expected ';'"),
        ("ERROR: No matching distribution found for a\n\n[notice] update pip",
         "ERROR: No matching distribution found for a"),
        ("Traceback:\n  File x\nModuleNotFoundError: No module named 'x'\n",
         "ModuleNotFoundError: No module named 'x'"),
        ("fatal: not a git repository\n", "fatal: not a git repository"),
        ("first\nlast\n", "first"),
        ("\n ╰─>\n", "it says nothing"),
        ("\x1b[31merror: red", "\\x1b[31merror: red"),
    ],
)  # fmt: skip
def test_one_line_of_an_output_says_why(output: str, reason: str) -> None:
    assert reason_of(output) == reason
