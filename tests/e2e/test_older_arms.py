"""Arms whose ipcbench does not know what a cell asks for: said in one line, and not measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import ipcbench
from tests.e2e.documents import ROOT

KNOWN = "fan-in/unix-dgram/python/4096B/3p/same-core"
UNKNOWN = f"{KNOWN}/fresh"
RAISED = 'raise Lacking(f"ipcbench {VERSION} has no {lacking}", LEAVE_OUT)'
WITH_ALL = "ANEW: Mapping[str, Pattern] = FRESH | SEVERAL"
DEAF = """
def pattern_of(cell, known=pattern_of):
    import os, sys
    return os._exit(1) if sys.argv[0] == "-c" else known(cell)
"""


def older(place: Path, *, answers: bool = True) -> Path:
    """Copy ipcbench as it was before its fan-in had messages that are written anew.

    `answers`: it says, when it is asked, which cells it cannot play; else its runs alone do.
    """
    package = place / "ipcbench"
    shutil.copytree(ROOT / "ipcbench", package, ignore=shutil.ignore_patterns("__pycache__"))
    table = package / "bench/patterns/table.py"
    text = table.read_text()
    assert RAISED in text and WITH_ALL in text
    text = text.replace(RAISED, "raise KeyError(cell.pattern)")
    text = text.replace(WITH_ALL, WITH_ALL.replace(" | SEVERAL", ""))
    table.write_text(text + ("" if answers else DEAF))
    return place


def compared(folder: Path, base: str, head: str) -> dict[str, dict[str, Any]]:
    """Compare both cells; return them by their ids."""
    done = ipcbench(
        *("compare", "unix-dgram", "--pattern", "fan-in", "-P", "3", "-s", "4K"),
        *("--payload", "hot", "--payload", "fresh", "--placement", "same-core"),
        *("--base", base, "--head", head, "--clock", "fake", "--json", "-o", folder),
    )  # fmt: skip
    assert done.returncode == 3, done.stdout + done.stderr
    for text in (done.stdout, done.stderr, (folder / "comparison.jsonl").read_text()):
        assert "KeyError" not in text
        assert "Traceback" not in text
    found: dict[str, Any] = json.loads(done.stdout)
    return {one["name"]: one for one in found["lines"]}


@pytest.mark.parametrize("name", ["base", "head"])
@pytest.mark.parametrize("answers", [True, False], ids=["examined", "played"])
def test_a_payload_that_an_arm_does_not_know(name: str, answers: bool, tmp_path: Path) -> None:
    arms = {"base": "here", "head": "here"}
    arms[name] = f"env:PYTHONPATH={older(tmp_path / 'older', answers=answers)}"
    cells = compared(tmp_path / "compared", **arms)
    assert cells[KNOWN]["verdict"] == "passed"
    found = cells[UNKNOWN]
    assert found["verdict"] == "not measured"
    lack = f"{name} cannot play it: it has no" if answers else "its ipcbench has no"
    assert f"{lack} fan-in with payload fresh" in found["reason"]
    assert name in found["reason"]
    assert len(found["reason"].splitlines()) == 1


def test_what_no_arm_knows_is_said_once(tmp_path: Path) -> None:
    arm = f"env:PYTHONPATH={older(tmp_path / 'older')}"
    why = compared(tmp_path / "compared", arm, arm)[UNKNOWN]["reason"]
    assert "base and head cannot play it: it has no fan-in with payload fresh" in why
