"""The workflows and commands of docs/gating.md, as steps in a project that has a base and a head.

A step runs in a shell as a runner would run it. Two things are replaced: pip has no registry, so
the step that installs does so from this tree; and `ipcbench compare` has made-up times.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.command import environment
from tests.e2e.documents import GATING_PAGE, ROOT, Block, blocks

EXAMPLE = ROOT / "examples/ipcbench-packet-pipe"
INSTALL = "python -m pip install ipcbench --editable ."
BASE_OF = {
    "${{ github.event.pull_request.base.sha }}": "base",  # expressions of GitHub -> git tag
}
ACTIONS = {"actions/checkout@v4", "actions/setup-python@v5", "actions/upload-artifact@v4"}

# In front of the real command; a made-up clock makes a sweep short.
WRAPPER = """#!/bin/sh
case "$1" in
  compare) set -- "$@" --clock fake --budget 1s ;;
  run) set -- "$@" --clock fake --budget 5s ;;
esac
exec "{python}" -m ipcbench "$@"
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a workflow, or an action that is used."""

    run: str = ""
    uses: str = ""
    given: dict[str, Any] | None = None


def page_blocks(language: str) -> list[Block]:
    return [one for one in blocks(GATING_PAGE, GATING_PAGE.read_text()) if one.language == language]


def workflow(name: str) -> Any:
    """Read a workflow of the page by the name of its file. YAML takes `on` for true."""
    (text,) = (one.text for one in page_blocks("yaml") if one.text.startswith(f"# {name}\n"))
    return yaml.safe_load(text)


def of_github() -> tuple[dict[str, str], list[Step]]:
    """Return the variables and the steps of the job."""
    found = workflow(".github/workflows/gate.yml")
    assert set(found) == {"name", True, "permissions", "jobs"}
    (job,) = found["jobs"].values()
    assert set(job) == {"runs-on", "timeout-minutes", "env", "steps"}
    steps = [Step(one.get("run", ""), one.get("uses", ""), one.get("with")) for one in job["steps"]]
    return job["env"], steps


class Project:
    """A package with a tag `base` and a commit behind it, and an environment of its own."""

    def __init__(self, place: Path) -> None:
        self.folder = place / "project"
        shutil.copytree(EXAMPLE, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit("base")
        self.git("tag", "base")
        self._venv = place / "venv"
        venv.EnvBuilder(symlinks=True).create(self._venv)
        (site,) = self._venv.glob("lib/python*/site-packages")
        # ipcbench and its dependencies, as the step that installs would bring them.
        behind = [str(ROOT), *{sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}]
        (site / "dependencies.pth").write_text("\n".join(behind))
        self.python = self._venv / "bin/python"
        program = self._venv / "bin/ipcbench"
        program.write_text(WRAPPER.format(python=self.python))
        program.chmod(0o755)

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=ci", "-c", "user.email=ci@localhost", *words],
            cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, subject: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject)

    def change(self, before: str, after: str, subject: str) -> None:
        """Commit a change of the transport."""
        path = self.folder / "ipcbench_packet_pipe.py"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        self.commit(subject)

    def install(self) -> None:
        """Install the project, as the step with pip does: without a registry or isolation."""
        done = self.shell(
            "python -m pip install --quiet --no-input --disable-pip-version-check --no-index "
            "--no-deps --no-build-isolation --editable ."
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def shell(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a script as GitHub does; `more` are variables."""
        env = environment(**more)
        env["PATH"] = f"{self._venv / 'bin'}:{env['PATH']}"
        for name in {"VIRTUAL_ENV", "PYTHONPATH", "GITHUB_STEP_SUMMARY"} - set(more):
            env.pop(name, None)
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.folder, env=env, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip

    def step(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a step of a document; the part that installs is replaced."""
        rest = script
        if INSTALL in script:
            self.install()
            rest = re.sub(re.escape(INSTALL) + r"( && )?", "", script)
        return self.shell(rest, **more)


def variables(env: dict[str, str], project: Project) -> dict[str, str]:
    """Evaluate the expressions of a workflow's variables."""
    return {name: project.git("rev-parse", BASE_OF[value]) for name, value in env.items()}


def exists(folder: Path, names: list[str]) -> bool:
    return all(os.path.exists(folder / name) for name in names)
