"""docs/gating.md: its workflows step by step, its commands, and a slow-down that is caught."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from junitparser import JUnitXml

from tests.e2e.documents import Block
from tests.e2e.gating import (
    ACTIONS,
    INSTALL,
    Project,
    exists,
    of_github,
    page_blocks,
    variables,
    workflow,
)

WRITTEN = "results/gate"  # the folder of a comparison that a later command reads
VERDICTS = {0: "passed", 2: "inconclusive"}  # base and head have the same code


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    found = Project(tmp_path_factory.mktemp("gating"))
    found.install()
    found.commit("head")
    return found


def test_the_workflow_for_github_works_step_by_step(project: Project, tmp_path: Path) -> None:
    env, steps = of_github()
    summary = tmp_path / "summary"
    summary.touch()
    values = variables(env, project)
    uploaded: list[str] = []
    verdict = None
    for step in steps:
        assert "${{" not in step.run, "an expression in a script is run as code"
        if step.uses:
            assert step.uses in ACTIONS
            uploaded += (step.given or {}).get("path", "").split()
            continue
        done = project.step(step.run, GITHUB_STEP_SUMMARY=str(summary), **values)
        if "compare" in step.run:
            verdict = done
        else:
            assert done.returncode == 0, done.stdout + done.stderr
    assert verdict is not None and verdict.returncode in VERDICTS, verdict
    word = VERDICTS[verdict.returncode]
    assert verdict.stdout.startswith(f"{word}: 2 cells")
    assert re.search(rf"^::\w+ title=ipcbench,file=thresholds\.toml::{word}", verdict.stdout, re.M)
    assert summary.read_text().startswith(f"### ipcbench: {word}: 2 cells")
    assert uploaded == ["gate/", "gate.xml"] and exists(project.folder, uploaded)
    (suite,) = JUnitXml.fromfile(str(project.folder / "gate.xml"))
    assert suite.tests == 2
    checkout = next(step for step in steps if step.uses.startswith("actions/checkout"))
    assert checkout.given == {"fetch-depth": 0}  # without it there is no base


def test_the_workflow_for_gitlab_works_step_by_step(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.commit("head")
    (job,) = workflow(".gitlab-ci.yml").values()
    assert set(job) == {"image", "rules", "variables", "script", "allow_failure", "artifacts"}
    assert job["variables"] == {"GIT_DEPTH": 0} and job["allow_failure"] == {"exit_codes": 2}
    base = project.git("rev-parse", "base")
    for line in job["script"]:
        done = project.step(line, CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
        assert done.returncode in (VERDICTS if "compare" in line else (0,)), (
            done.stdout + done.stderr
        )
    files = [*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]]
    assert exists(project.folder, files)


@pytest.mark.parametrize("block", page_blocks("sh"), ids=str)
def test_every_command_works(block: Block, project: Project) -> None:
    """One reads what another one has written, also where that is left out of a sample."""
    shutil.rmtree(project.folder / "gate", ignore_errors=True)
    if reads(block) and not (project.folder / WRITTEN).exists():
        play(next(one for one in page_blocks("sh") if f"-o {WRITTEN}" in one.text), project)
    play(block, project)


def reads(block: Block) -> bool:
    return f" {WRITTEN}/" in block.text


def play(block: Block, project: Project) -> None:
    """Run the commands of a block."""
    if f"-o {WRITTEN}" in block.text:  # a new folder
        shutil.rmtree(project.folder / WRITTEN, ignore_errors=True)
    for line in block.text.splitlines():
        done = project.step(line)
        assert "Traceback" not in done.stderr
        codes = {0, 1} if "|| [" in line else set(VERDICTS)  # test(1) has codes of its own
        assert done.returncode in codes, f"{line}: {done.stdout}{done.stderr}"


def test_every_step_that_installs_is_the_same() -> None:
    text = "".join(block.text for block in page_blocks("yaml") + page_blocks("sh"))
    assert text.count("pip install") == text.count(INSTALL) == 3


def test_the_example_is_gated_by_its_own_promise(project: Project) -> None:
    from ipcbench.reports.gate.thresholds import load_thresholds

    path = project.folder / "thresholds.toml"
    (promise,) = load_thresholds(path).changes
    assert promise.reason and promise.delta == 0.05
    assert [block.text for block in page_blocks("toml")] == [path.read_text()]


SLOW = ("            write(fd, data)  #", "            sum(range(2000)); write(fd, data)  #")


def test_a_planted_slow_down_of_the_example_is_caught(tmp_path: Path) -> None:
    """With real times, on one core; large enough to be seen on a busy machine."""
    project = Project(tmp_path)
    project.change(*SLOW, "packet pipes: count what is sent")
    promises = project.folder / "thresholds.toml"
    promises.write_text(promises.read_text().replace('["latency", "stream"]', '"latency"'))
    project.install()
    done = project.shell(
        "python -m ipcbench compare packet-pipe --base rev:base --thresholds thresholds.toml "
        "--pattern latency --keep-disturbed -o gate --budget 60s --format json"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    (line,) = json.loads(done.stdout)["lines"]
    assert line["promises"] == ["no change slows small packets on one core"]
    assert line["effect"]["ratio"] >= line["effect"]["low"] > 1
    table = project.shell("python -m pyperf compare_to gate/base.json gate/head.json; echo $?")
    assert "Mean +- std dev" in table.stdout and table.stdout.endswith("\n0\n"), table
