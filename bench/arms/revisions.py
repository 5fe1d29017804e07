"""Revisions of the project of the working directory, from its git repository."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ipcbench.bench.arms.arm import ArmError
from ipcbench.bench.arms.programs import Failed, Programs

# Variables by which git finds a repository: git(1). A hook has them.
NAMES = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_NAMESPACE",
)  # fmt: skip
PROJECT = ("pyproject.toml", "setup.py")  # one of them makes a folder a project
# Nothing of the user's may run in a work tree of ours.
_QUIET = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit of a project.

    Args:
        repository: the top folder of its work tree.
        project: the project's folder in it, relative: "." in most repositories.
        commit: its whole name.
        date: of the commit, `2026-11-29`.
        changed: files of the work tree that differ from it, if it is checked out; else 0.
    """

    repository: Path
    project: Path
    commit: str
    date: str
    changed: int


class Repository:
    """The git repository of a folder."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        """Find it. Raises: ArmError."""
        self._programs = programs
        self._cwd = folder
        try:
            self.top = Path(self._git("rev-parse", "--show-toplevel").strip())
        except Failed as failure:
            raise ArmError(
                f"{folder} is in no git repository that can be used: {failure}",
                _trusting(failure),
            ) from failure
        self.project = _project(folder.resolve(), self.top.resolve())

    def revision(self, name: str) -> Revision:
        """Find a revision. Raises: ArmError."""
        try:
            commit = self._git(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
            ).strip()
        except Failed as failure:
            raise ArmError(f"{self.top} has no revision {name!r}", self._remedy()) from failure
        date = self._git("show", "-s", "--format=%cs", commit).strip()
        return Revision(self.top, self.project, commit, date, self._changed(commit))

    def _remedy(self) -> str:
        if self._git("rev-parse", "--is-shallow-repository").strip() == "true":
            return "the clone is shallow: git fetch --unshallow, or fetch-depth: 0 in a workflow"
        return "git fetch it, or see git log for those that there are"

    def _changed(self, commit: str) -> int:
        """Count the tracked files that differ from the commit that is checked out."""
        try:
            if self._git("rev-parse", "--verify", "--quiet", "HEAD").strip() != commit:
                return 0
            listed = self._git("status", "--porcelain", "--untracked-files=no")
        except Failed:
            return 0
        return len(listed.splitlines())

    def check_out(self, revision: Revision, place: Path) -> Path:
        """Check a revision out into a new folder; return the project's folder in it.

        It is a repository of its own that borrows the objects of the other one: `git worktree`
        would write into that, and `git archive` has no tags, from which some projects make
        their version. Raises: ArmError.
        """
        try:
            self._borrow(place)
            self._own(place, "checkout", "--quiet", "--detach", revision.commit)
        except Failed as failure:
            raise ArmError(f"{revision.commit[:10]} cannot be checked out: {failure}") from failure
        found = place / revision.project
        if not any((found / name).is_file() for name in PROJECT):
            raise ArmError(
                f"commit {revision.commit[:10]} has no pyproject.toml in {revision.project}",
                "give a revision that has the project",
            )
        return found

    def _borrow(self, place: Path) -> None:
        """Make a repository that has all objects and tags of this one."""
        objects = self._path("objects")
        form = self._git("rev-parse", "--show-object-format").strip()
        self._own(self._cwd, "init", "--quiet", "--template=", f"--object-format={form}", place)
        (place / ".git/objects/info").mkdir(parents=True, exist_ok=True)
        (place / ".git/objects/info/alternates").write_text(f"{objects}\n")
        shallow = self._path("shallow")
        if shallow.exists():
            (place / ".git/shallow").write_bytes(shallow.read_bytes())
        tags = self._git("for-each-ref", "--format=create %(refname) %(objectname)", "refs/tags")
        self._own(place, "update-ref", "--stdin", given=tags)

    def _path(self, name: str) -> Path:
        return (self._cwd / self._git("rev-parse", "--git-path", name).strip()).resolve()

    def _git(self, *arguments: str) -> str:
        return self._run(self._cwd, os.environ, *arguments)

    def _own(self, place: Path, *arguments: str | Path, given: str | None = None) -> str:
        """Run git in a repository of ours, also where a hook of the other one started us.

        It has no remote, from which the filter of git-lfs(1) could fetch: that leaves pointers.
        """
        own = {**_without_git(), "GIT_LFS_SKIP_SMUDGE": "1"}
        return self._run(place, own, *_QUIET, *arguments, given=given)

    def _run(
        self,
        cwd: Path,
        environment: Mapping[str, str],
        *arguments: str | Path,
        given: str | None = None,
    ) -> str:
        quiet = {**environment, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        return self._programs.run(["git", *arguments], cwd=cwd, environment=quiet, given=given)


def _without_git() -> dict[str, str]:
    """Return the environment without the variables that name a repository."""
    return {name: value for name, value in os.environ.items() if name not in NAMES}


def _trusting(failure: Failed) -> str:
    """Return the remedy where git finds no repository; a container often has another owner's."""
    found = re.search(r"git config --global --add safe\.directory \S.*", failure.output)
    return found[0].strip() if found else "run the command in the work tree of the project"


def _project(folder: Path, top: Path) -> Path:
    """Return the nearest folder with a project, relative to the top. Raises: ArmError."""
    for each in (folder, *folder.parents):
        if any((each / name).is_file() for name in PROJECT):
            return each.relative_to(top)
        if each == top:
            break
    raise ArmError(
        f"{folder} is in no project: there is no pyproject.toml up to {top}",
        "run the command in the folder of the project",
    )
