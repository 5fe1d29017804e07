"""bench.sweep.display: share and time are always visible, and a log has plain lines."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from rich.console import Console

from ipcbench.bench.machine import cursor
from ipcbench.bench.sweep import display
from ipcbench.bench.sweep.display import Bar, Log, watcher

CELL = "latency/shm:posix+posix-sem/in-place/native/64B/2p/cross-core-awake/wait-spin-block"
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Draw each step."""
    monkeypatch.setattr(display, "DRAW_EVERY", 0.0)
    yield
    cursor.shown()


def terminal(columns: int) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=columns, _environ={})


def lines(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return [line for line in re.split(r"[\r\n]+", ESCAPE.sub("", console.file.getvalue())) if line]


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize("at_most", [False, True])
def test_bar_share_and_time_are_visible_at_any_width(columns: int, at_most: bool) -> None:
    console = terminal(columns)
    bar = Bar(console)
    bar.update(0.07, 3725.0, f"round 3 of 8: {CELL}", at_most=at_most)
    (line,) = lines(console)
    assert len(line) <= columns
    assert line.startswith("━" * (columns // 5 if columns < 150 else 30) + "   7 %  ")
    assert f"{'at most ' if at_most else ''}1 h 02 min left  round 3" in line
    assert line.rstrip().endswith("wait-spin-block" if columns == 200 else "…")
    bar.close()


def test_what_disturbs_the_runs_stands_below_the_bar_while_it_does() -> None:
    console = terminal(80)
    bar = Bar(console)
    bar.trouble("12 of 80 runs are void: python3 (process 4242) takes CPU time")
    bar.update(0.5, 60.0, CELL)
    assert "python3 (process 4242)" in " ".join(lines(console))
    assert all(len(line) <= 80 for line in lines(console))
    bar.trouble("")
    bar.update(0.6, 50.0, CELL)
    assert "void" not in lines(console)[-1]
    bar.close()


def test_a_bar_leaves_the_terminal_alone_before_its_first_step() -> None:
    console = terminal(80)
    bar = Bar(console)
    bar.note("a note")
    bar.close()
    assert console.file.getvalue() == "a note\n"  # type: ignore[attr-defined]


def test_the_cursor_is_shown_again() -> None:
    console = terminal(80)
    bar = Bar(console)
    bar.update(0.5, 60.0, CELL)
    bar.close()
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l") >= 0


class Gone(io.StringIO):
    """A terminal that has been closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize("kind", [Bar, Log])
def test_a_terminal_that_is_gone_stops_no_sweep(kind: type[Bar | Log]) -> None:
    found = kind(Console(file=Gone(), force_terminal=True, width=80))
    found.update(0.5, 60.0, CELL)
    found.note("a note")
    found.trouble("trouble")
    found.update(0.6, 60.0, CELL)
    found.close()


def test_a_log_has_plain_lines() -> None:
    console = Console(file=io.StringIO(), width=80)
    log = watcher(console)
    log.update(0.07, 95.0, f"round 3 of 8: {CELL}", at_most=True)
    log.trouble("12 of 80 runs are void")
    log.trouble("13 of 80 runs are void")  # at once: not shown again
    log.trouble("")
    assert console.file.getvalue() == (  # type: ignore[attr-defined]
        f"  7%  at most 1 min 35 s left: round 3 of 8: {CELL}\n12 of 80 runs are void\n"
    )


def test_a_terminal_of_ascii_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    console = terminal(80)
    monkeypatch.setattr(Console, "encoding", "ascii")
    Bar(console).update(0.5, 60.0, "pipe")
    assert lines(console)[0].startswith("-" * 16 + "  50 %")
