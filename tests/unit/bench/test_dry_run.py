"""Dry run: the reasons of skipped cells, each with what would help."""

from __future__ import annotations

from ipcbench.bench.commands.orders.dry_run import lines_of
from ipcbench.bench.plan.planner import Plan, Skip
from tests.synthetic import cells


def test_each_reason_of_skipped_cells_has_its_remedy() -> None:
    planned = cells(("pipe", "tcp", "mp-queue"), sizes=(64,))
    help_ = "raise it: sysctl -w kernel.msgmax=65536"
    skips = [Skip("over kernel.msgmax", help_), Skip("over kernel.msgmax", help_), Skip("no loop")]
    plan = Plan(cells=[], skipped=list(zip(planned, skips, strict=True)))
    assert list(lines_of(plan))[-3:] == [
        "3 cells are skipped:",
        f"  2: over kernel.msgmax: {help_}",
        "  1: no loop",
    ]
