"""Commands that answers and profiles name for what was not measured: each plans such cells."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from importlib.resources import files

import pytest
from click.testing import CliRunner

from ipcbench.bench import profiles
from ipcbench.bench.commands import run
from ipcbench.bench.plan.named import settings_of_named
from ipcbench.bench.plan.options import Options
from ipcbench.bench.plan.planner import Plan
from ipcbench.bench.results.axes import CROSS_CORE, SAME_CORE
from ipcbench.bench.sweep.plans import planning
from ipcbench.reports.verdicts.cases.case import CASES, CLIENTS, Case
from ipcbench.reports.verdicts.cases.missing import MANY_CLIENTS, command


def orders() -> Iterator[tuple[Case, str]]:
    for case in CASES:
        where = CROSS_CORE if case.needs_apart(SAME_CORE) else SAME_CORE
        for runtime in case.runtimes:
            yield case, command(case, runtime, where)
    yield CLIENTS, command(CLIENTS, "python", SAME_CORE, MANY_CLIENTS + 1)


def planned(words: list[str]) -> Plan:
    context = run.command.make_context("run", words)
    chosen = {name: context.params[name] for name in Options.__struct_fields__}
    return planning.planned(settings_of_named(None), options=Options(**chosen))


@pytest.mark.parametrize(("case", "text"), [pytest.param(*one, id=one[1]) for one in orders()])
def test_each_command_plans_cells_that_answer(case: Case, text: str) -> None:
    words = shlex.split(text)
    assert words[:2] == ["ipcbench", "run"]
    answering = {
        one.cell.present.transport
        for one in planned(words[2:]).cells
        if set(one.tasks) & set(case.tasks)
    }
    missing = {"zmq:ipc", "nng:ipc"} & set(words)  # libraries that need not be installed
    assert len(answering) >= 2 or missing, answering


@pytest.mark.parametrize("case", [case for case in CASES if case.main], ids=lambda one: one.id)
def test_the_command_line_accepts_each_command(case: Case) -> None:
    where = CROSS_CORE if case.needs_apart(SAME_CORE) else SAME_CORE
    words = shlex.split(command(case, case.runtimes[0], where))[2:]
    done = CliRunner().invoke(run.command, [*words, "--dry-run", "--json"])
    assert done.exit_code == 0, done.output
    cells = [one for one in json.loads(done.stdout)["cells"] if "~" not in one]
    assert len(cells) >= 2
    for one in cells:
        assert one.startswith(f"{case.order.pattern}/")
        assert f"/{case.runtimes[0]}/" in one
        assert f"/{where}" in one


def left_out() -> Iterator[str]:
    for path in files(profiles).iterdir():
        if path.name.endswith(".toml"):
            for one in tomllib.loads(path.read_text(encoding="utf-8")).get("left-out", ()):
                yield one["why"]


def test_each_command_that_a_profile_names_plans_cells() -> None:
    reasons = list(left_out())
    commands = [text for one in reasons for text in re.findall(r"ipcbench run ([^;,`]+)", one)]
    assert len(commands) > 5
    for text in commands:
        plan = planned(shlex.split(text.removesuffix(" measures eight")))
        here = plan.cells or [skip for _, skip in plan.skipped if skip.remedy]  # no huge pages
        assert here, text


def test_a_profile_names_no_filter_for_what_it_lacks() -> None:
    """A filter only leaves cells out, so that it is no remedy without a transport or profile."""
    for one in left_out():
        for option in re.finditer(r"--[a-z]+", one):
            before = re.split(r"[;:] ", one[: option.start()])[-1]
            assert re.search(r"ipcbench (run|compare) ", before), one
