"""The kinds of promises of a thresholds file: reading, refusals, and the cells that they select."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.results.cell import Cell
from ipcbench.reports.gate.promises.changes import ChangeOf, changes
from ipcbench.reports.gate.promises.choosing import chosen
from ipcbench.reports.gate.promises.kinds import BaselinePromise, ChangePromise, RatioPromise
from ipcbench.reports.gate.promises.run_cells import of_a_run
from ipcbench.reports.gate.thresholds import BadThresholds, Thresholds, load_thresholds

HERE = "AMD EPYC 9655"
RATIO = """
[[promise]]
name = "ratio"
faster = { transport = "shm:posix+futex" }
than = { transport = "pipe" }
where = { pattern = "latency", size = 64, placement = "same-core", wait = "block" }
at_least = 2
"""
CHANGE = """
[[promise]]
name = "change"
cells = { transport = "pipe" }
slower_by_at_most = "5%"
"""
BASELINE = """
[[promise]]
name = "baseline"
cells = { transport = "pipe" }
of_baseline_at_most = "1.1x"
"""


def a_cell(transport: str = "pipe", **axes: object) -> Cell:
    fields = {"pattern": "latency", "size": 64, "placement": "same-core", **axes}
    return msgspec.convert({"transport": transport, **fields}, Cell)


PIPE, LARGE, STREAM = a_cell(), a_cell(size=65536), a_cell(pattern="stream")
FUTEX, SPINNING = a_cell("shm:posix+futex"), a_cell("shm:posix+futex", wait="spin")
POOL = [PIPE, LARGE, STREAM, FUTEX, SPINNING, a_cell(twin=True), a_cell(slowed=5)]


def written(folder: Path, text: str) -> Thresholds:
    path = folder / "thresholds.toml"
    path.write_text(text)
    return load_thresholds(path)


def refused(folder: Path, text: str) -> str:
    """Return the message about a file, or about its changes."""
    with pytest.raises(BadThresholds) as caught:
        changes(written(folder, text), POOL, HERE)
    message = str(caught.value)
    assert message.startswith(str(folder))
    assert message.isprintable() and len(message) <= 600
    return message


def selected(folder: Path, cells: str, pool: Iterable[Cell] = POOL) -> list[Cell]:
    text = CHANGE.replace('{ transport = "pipe" }', f"{{ {cells} }}")
    thresholds = written(folder, text)
    return [one.cell for one in chosen(thresholds, thresholds.changes[0], list(pool))]


# Kinds.


def test_each_kind_is_read_with_its_reason_and_machines(tmp_path: Path) -> None:
    more = 'reason = "users wait for it"\nmachines = ["AMD*", "*Xeon*"]\n'
    found = written(tmp_path, RATIO + more + CHANGE + more + BASELINE + more)
    (ratio,), (change,), (baseline,) = found.ratios, found.changes, found.baselines
    assert (ratio.at_least, change.delta, baseline.at_most) == (2, 0.05, 1.1)
    assert baseline.bound == "at most 1.1x of the baseline"
    for one, kind in zip(
        found.promises, (RatioPromise, ChangePromise, BaselinePromise), strict=True
    ):
        assert isinstance(one, kind)
        assert one.reason == "users wait for it"
        assert one.applies(HERE) and one.applies("Intel(R) Xeon(R) 8488C")
        assert not one.applies("amd epyc") and not one.applies("")
    assert found.on("ARM").promises == ()


@pytest.mark.parametrize(
    ("delta", "share"), [("5%", 0.05), ("7.5 %", 0.075), ("1000%", 10), ("0.1%", 0.001)]
)
def test_a_slow_down_is_a_share(tmp_path: Path, delta: str, share: float) -> None:
    (found,) = written(tmp_path, CHANGE.replace("5%", delta)).changes
    assert found.delta == pytest.approx(share)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"5%"', '"5"', "slower_by_at_most = '5': write a share as \"5%\""),
        ('"5%"', '"-5%"', "write a share"),
        ('"5%"', '"0%"', "write 0.1% to 1000%"),
        ('"5%"', '"1001%"', "write 0.1% to 1000%"),
        ('"5%"', "5", "slower_by_at_most"),
        ('slower_by_at_most = "5%"', 'of_baseline_at_most = "5%"', 'a ratio as "1.5x"'),
        ('slower_by_at_most = "5%"', 'of_baseline_at_most = "0x"', "a ratio is between"),
        ('slower_by_at_most = "5%"', "", "no bound"),
        ('"5%"', '"5%"\nof_baseline_at_most = 2', "two bounds"),
        ('"5%"', '"5%"\nat_most = 2', "`at_most` and `cells` are of different kinds"),
        ('cells = { transport = "pipe" }', "", "`slower_by_at_most` takes `cells`"),
        ('"5%"', '"5%"\nmachines = []', "machines has 0 entries"),
        ('"5%"', '"5%"\nmachines = [""]', "machines: '' is no name of a CPU"),
        ('"5%"', '"5%"\nmachines = "AMD"', "machines"),
        ('"5%"', '"5%"\nreason = "a\\nb"', "reason: write"),
        ('"5%"', '"5%"\nslower_by = "5%"', "unknown field `slower_by`"),
        ('{ transport = "pipe" }', "{ sise = 64 }", "unknown field `sise`"),
        ('{ transport = "pipe" }', "{ transport = [] }", "transport has 0 values"),
        ('{ transport = "pipe" }', "{ transport = [1] }", "transport"),
        ('{ transport = "pipe" }', f'{{ transport = "{"*" * 201}" }}', "a pattern has 200"),
        ('{ transport = "pipe" }', '{ size = "6*" }', 'write numbers, or "*" for any'),
        ('{ transport = "pipe" }', '{ processes = "two" }', "processes = 'two': write a number"),
        ('{ transport = "pipe" }', "{ batch = [1, 0] }", "batch = 0: write 1 or more"),
        ('{ transport = "pipe" }', '{ wait = ["block", "sleep"] }', "wait = 'sleep': there are"),
        ("[[promise]]", "[[promises]]", "promise"),
    ],
)
def test_what_is_no_promise_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert CHANGE.count(old) == 1
    assert said in refused(tmp_path, CHANGE.replace(old, new))


# Cells.


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ('transport = "pipe"', [PIPE, LARGE, STREAM]),
        ('transport = "p*"', [PIPE, LARGE, STREAM]),
        ('transport = "*"', [PIPE, LARGE, STREAM, FUTEX]),
        ("", [PIPE, LARGE, STREAM, FUTEX]),
        ('transport = ["pipe", "shm:*"], size = 64', [PIPE, STREAM, FUTEX]),
        ('size = ["64K", 64], pattern = "latency"', [PIPE, LARGE, FUTEX]),
        ('size = "*", pattern = ["latency", "str?am"]', [PIPE, LARGE, STREAM, FUTEX]),
        ('transport = "shm:posix+futex", wait = "*"', [FUTEX, SPINNING]),
        ('transport = "shm:posix+spin"', [SPINNING]),
        ('transport = ["pipe", "shm:posix+spin"]', [PIPE, LARGE, STREAM, SPINNING]),
        ('transport = "*", wait = ["spin"]', [SPINNING]),
        ("twin = true", [POOL[-2]]),
        ("slowed = 5", [POOL[-1]]),
        ('depth = "default", processes = 2, size = 65536', [LARGE]),
    ],
)
def test_cells_are_selected_by_values_patterns_and_lists(
    tmp_path: Path, cells: str, found: list[Cell]
) -> None:
    assert selected(tmp_path, cells) == found


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (
            'transport = "fifo"',
            'nothing has transport = "fifo"; there is "pipe", "shm:posix+futex"',
        ),
        ('transport = ["pipe", "f*"]', 'nothing has transport = "f*"'),
        ('size = [64, "1M"]', 'nothing has size = "1M"; there is "64", "64K"'),
        ('placement = "same-cor"', 'nothing has placement = "same-cor"; there is "same-core"'),
        ('transport = "shm:*", size = "64K"', 'size = "64K" with transport = "shm:*"'),
        (
            'transport = ["pipe", "shm:*"], pattern = "stream"',
            'nothing has transport = "shm:*" with',
        ),
        ('transport = "pipe", wait = "poll"', 'nothing has wait = "poll" with transport = "pipe"'),
        ("batch = 16", "nothing has batch = 16; there is 1"),
    ],
)
def test_a_value_that_exists_nowhere_is_refused(tmp_path: Path, cells: str, said: str) -> None:
    text = CHANGE.replace('{ transport = "pipe" }', f"{{ {cells} }}")
    message = refused(tmp_path, text)
    assert "promise 'change': `cells` selects no cell of this run" in message
    assert said in message


def test_an_alias_of_a_journal_is_selected_by_its_present_name(tmp_path: Path) -> None:
    old = a_cell("shm:posix+spin")
    assert selected(tmp_path, 'transport = "shm:posix+futex", wait = "spin"', [old]) == [old]


def test_a_cell_of_written_values_is_told_from_one_of_a_pattern(tmp_path: Path) -> None:
    text = CHANGE.replace('{ transport = "pipe" }', '{ transport = ["pipe", "*"], size = 64 }')
    thresholds = written(tmp_path, text)
    found = {one.cell: one.literal for one in chosen(thresholds, thresholds.changes[0], POOL)}
    assert found == {PIPE: True, STREAM: True, FUTEX: False}


# Changes.


def test_the_smallest_bound_of_a_cell_counts(tmp_path: Path) -> None:
    second = CHANGE.replace('"change"', '"all"').replace('"pipe"', '"*"').replace("5%", "10%")
    found = changes(written(tmp_path, second + CHANGE), POOL, HERE)
    assert found.cells == {
        PIPE.id: ChangeOf(0.05, ("all", "change")),
        LARGE.id: ChangeOf(0.05, ("all", "change")),
        STREAM.id: ChangeOf(0.05, ("all", "change")),
        FUTEX.id: ChangeOf(0.10, ("all",)),
    }
    assert found.notes == []


def test_a_skipped_cell_of_a_pattern_is_left_out(tmp_path: Path) -> None:
    text = CHANGE.replace('"pipe"', '["pipe", "shm:*"]')
    thresholds = written(tmp_path, text)

    def cells(*skipped: Cell) -> set[str]:
        ids = [cell.id for cell in skipped]
        return set(changes(thresholds, POOL, HERE, skipped=ids).cells)

    every = {PIPE.id, LARGE.id, STREAM.id, FUTEX.id}
    assert cells() == every
    assert cells(FUTEX) == every - {FUTEX.id}
    assert cells(PIPE) == every  # its name is written
    assert cells(*POOL) == every  # nothing is left: each is shown with its reason
    assert changes(thresholds, POOL, HERE, skipped=[FUTEX.id]).notes == [
        "'change': a cell cannot be measured here and is left out: ipcbench list"
    ]


def test_a_placement_that_the_machine_lacks_is_left_out_unless_it_is_written(
    tmp_path: Path,
) -> None:
    awake = a_cell(placement="cross-core-awake")
    only = a_cell(placement="cross-core-awake", size=1)
    pool = [PIPE, awake, only]

    def cells(text: str) -> set[str]:
        thresholds = written(tmp_path, text)
        return set(changes(thresholds, pool, HERE, skipped=[awake.id, only.id]).cells)

    assert cells(CHANGE) == {PIPE.id, only.id}  # no other placement of that one is measured
    placed = 'placement = ["same-core", "cross-core-awake"]'
    assert cells(CHANGE.replace('"pipe"', f'"pipe", {placed}')) == {PIPE.id, awake.id, only.id}


def test_a_comparison_names_what_it_does_not_decide(tmp_path: Path) -> None:
    elsewhere = CHANGE.replace('"change"', '"on ARM"') + 'machines = ["ARM*"]'
    found = changes(written(tmp_path, RATIO + BASELINE + CHANGE + elsewhere), POOL, HERE)
    other, of_a_run_ = found.notes
    assert other == f"made on other machines than this one, '{HERE}': 'on ARM'"
    assert of_a_run_.startswith(
        "not decided by a comparison: 'ratio', 'baseline': ipcbench run --promised "
    )
    assert {one.promises for one in found.cells.values()} == {("change",)}


def test_a_file_without_changes_is_refused_for_a_comparison(tmp_path: Path) -> None:
    assert "no promise about a change" in refused(tmp_path, RATIO + BASELINE)
    elsewhere = CHANGE + 'machines = ["ARM*"]'
    said = refused(tmp_path, elsewhere)
    assert f"other machines than this one, '{HERE}'" in said
    assert "add this one to `machines`" in said


# A run.


def test_a_run_has_the_cells_of_ratios_and_baselines(tmp_path: Path) -> None:
    thresholds = written(tmp_path, RATIO + CHANGE.replace('"pipe"', '"*"') + BASELINE)
    found = of_a_run(thresholds, POOL, HERE, until_decided=True)
    assert found.cells == {FUTEX.id, PIPE.id, LARGE.id, STREAM.id}
    assert [(one.faster, one.than) for one in found.ratios] == [(FUTEX.id, PIPE.id)]
    beside, change = found.notes
    assert beside == "decided beside a stored run: 'baseline': ipcbench check --baseline DIR"
    assert change == (
        "not decided by a run: 'change': ipcbench compare --base REVISION --thresholds "
        f"{thresholds.path}"
    )


@pytest.mark.parametrize(
    ("text", "until_decided", "said"),
    [
        (
            CHANGE,
            False,
            "not decided by a run: 'change': ipcbench compare",
        ),
        (RATIO + 'machines = ["ARM*"]', False, "made on other machines than this one"),
        (BASELINE, True, "no ratio that a run goes on for: leave --until-decided out"),
    ],
)
def test_a_run_that_decides_nothing_is_refused(
    tmp_path: Path, text: str, until_decided: bool, said: str
) -> None:
    with pytest.raises(BadThresholds, match=said):
        of_a_run(written(tmp_path, text), POOL, HERE, until_decided=until_decided)


def test_a_run_of_a_baseline_alone_needs_its_cells(tmp_path: Path) -> None:
    found = of_a_run(written(tmp_path, BASELINE), POOL, HERE, until_decided=False)
    assert found.cells == {PIPE.id, LARGE.id, STREAM.id}
    assert found.ratios == []
