"""Tests of `reports.page.page`: one self-contained file, for any results."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from matplotlib import font_manager

from ipcbench.bench.results.cell import Cell
from ipcbench.bench.results.entries.machine import CoreKind
from ipcbench.bench.results.records import Ended, Failed, Observation, Resumed, Skipped
from ipcbench.bench.results.results import Results
from ipcbench.bench.stats import Interval
from ipcbench.reports.page.page import write
from ipcbench.reports.page.repeat import repeat
from ipcbench.reports.page.script import policy, source
from ipcbench.reports.page.texts.phrases import TIMES, TO, bounds, count, times
from ipcbench.reports.verdicts.chapter import STATEMENTS
from tests.synthetic import TRANSPORTS, cells, header, reference, sweep
from tests.unit.reports.observations import observed
from tests.unit.reports.pages import part

PLACEMENTS = ("same-core", "cross-core", "cross-core-awake", "unpinned")
# Characters that a name may contain, and those that other strings may contain.
NAME = "</script><script>alert(1)</script><img src='http://evil.example/x'>\"'&{{7*7}} $\\frac$한"
NONE = "\N{EN DASH}"  # in a table
HOSTILE = f"{NAME} \u202e\x00"


@pytest.fixture(scope="module", autouse=True)
def fonts_are_let_go() -> Iterator[None]:
    """Close the font files that matplotlib keeps open, which would be reported as leaks."""
    yield
    font_manager._get_font.cache_clear()


def small(**options) -> Results:
    planned = cells(patterns=("latency", "stream"))
    return sweep(reference, planned, twins=planned[:1], **options)


class Reader(HTMLParser):
    """Parser that collects tags, ids and all that a browser would load."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("src", "srcset", "poster", "data", "action") or (
                name == "href" and tag in ("link", "image", "use", "base")
            ):
                self.loads.append(value or "")
            if name == "href" and tag == "a":
                self.links.append(value or "")
            assert not name.startswith("on"), (tag, name)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(results: Results, folder: Path) -> tuple[Reader, str]:
    path = write(results, folder)
    assert path == folder / "report.html"
    page = path.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(page)
    return reader, page


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Reader, str, Path]:
    planned = cells(patterns=("latency", "stream"), placements=PLACEMENTS)
    planned += cells(patterns=("pairs", "fan-in"), processes=(4, 8), sizes=(64,))
    folder = tmp_path_factory.mktemp("report")
    results = sweep(reference, planned, twins=planned[:1], tail=900, steal=0.01)
    return (*read(results, folder), folder)


def test_the_verdicts_come_first(whole) -> None:
    _, page, _ = whole
    order = [page.index(f'id="{name}"') for name in (
        "answers", "ratios", "small", "large", "many", "situation", "evidence", "statements",
        "claim", "tasks", "figures", "gaps", "trust", "machine", "repeat", "reading", "glossary",
    )]  # fmt: skip
    assert order == sorted(order)
    assert page.index('<p class="trust') < page.index("<main>") < order[0]


def test_a_ratio_that_differs_from_that_of_its_two_times_is_explained(whole) -> None:
    note = whole[1].partition('<section id="ratios">')[2].partition("</section>")[0]
    assert "A ratio is the median over pairs of runs" in note


def test_the_page_names_the_kind_of_core_and_what_makes_calls_dear(tmp_path: Path) -> None:
    results = sweep(reference, cells(patterns=("latency",)))
    results.header.machine = msgspec.structs.replace(
        results.header.machine,
        settings={"mitigations": "meltdown: PTI", "PYTHONMALLOC": "debug"},
        cores=[
            CoreKind(name="performance cores", capacity=1024, cpus=[0, 1], used=True),
            CoreKind(name="efficiency cores", cpus=[2, 3, 4], used=False),
        ],
    )
    _, page = read(results, tmp_path)
    assert "2 CPUs (pinned processes use the performance cores)" in page
    assert "<dt>cores used</dt><dd>performance cores, capacity 1024: 2 CPUs (0, 1)</dd>" in page
    assert "<dt>cores not used</dt><dd>efficiency cores: 3 CPUs (2, 3, 4)</dd>" in page
    assert "<dt>mitigations</dt><dd>meltdown: PTI</dd>" in page
    assert "PYTHONMALLOC debug, which checks each block of memory" in page.partition("<main>")[2]


def test_several_senders_have_a_ratio_of_the_slowest_to_the_fastest(whole) -> None:
    _, page, _ = whole
    table = page[page.index('id="figures"') : page.index('id="gaps"')]
    rows = {
        pattern: [row for row in table.split("<tr>") if f"<td>{pattern}</td>" in row]
        for pattern in ("fan-in", "latency")
    }
    assert all(
        '<td class="n rare">1.38\N{MULTIPLICATION SIGN}</td>' in row for row in rows["fan-in"]
    )
    assert not any("1.38\N{MULTIPLICATION SIGN}" in row for row in rows["latency"])


def test_the_bytes_in_flight_are_shown_and_named_where_sides_differ(tmp_path) -> None:
    planned = cells(("pipe", "tcp", "posix-queue"), ("stream",), (64,), ("same-core",))
    rings = cells(("shm:posix+futex",), ("stream",), (64,), ("same-core",))
    for held, difference in ((1 << 16, False), (17792, True)):
        results = sweep(reference, [*planned, *rings])
        for run in results.cells[rings[0].id].runs:
            run.in_flight = held
        _, page = read(results, tmp_path)
        table = page.partition('id="figures"')[2].partition('id="gaps"')[0]
        found = {
            name: re.findall(r'<td class="n rare"[^>]*>([^<]*)</td>', row)[-4:-2]
            for row in table.split("<tr>")
            for name in re.findall(r'class="long">([^<]+)</span>', row)[:1]
        }
        assert found == {
            "pipe": [NONE, "64 KiB"],
            "TCP": [NONE, NONE],
            "POSIX queue": ["10", "640 B"],
            "shared memory + futex": [NONE, "17.4 KiB" if difference else "64 KiB"],
        }
        claim = part(page, "claim")
        assert ("in flight: 17.4 KiB" in claim) is difference
        assert ("in flight: 64 KiB" in claim) is difference


def test_the_page_says_that_streams_are_framed_by_agreement(whole) -> None:
    reader, _, _ = whole
    assert "Byte streams get their framing free" in " ".join(reader.text)


def test_the_page_loads_nothing(whole) -> None:
    reader, page, _ = whole
    assert not {"iframe", "object", "embed", "img", "base"} & set(reader.tags)
    assert reader.tags.count("script") == 1
    assert [load for load in reader.loads if not load.startswith("#")] == ["data:,"]
    files = {"results.csv", "suite.json"}  # in the same folder
    assert {link for link in reader.links if not link.startswith("#")} == files
    assert not re.search(r"url\((?!#)|@import", page)
    assert policy() in page


def test_ids_are_unique_and_links_have_targets(whole) -> None:
    reader, page, _ = whole
    assert len(reader.ids) == len(set(reader.ids))
    used = [link[1:] for link in reader.links + reader.loads if link.startswith("#")]
    used += re.findall(r"url\(#([^)]+)\)", page)
    assert set(used) <= set(reader.ids)


def test_charts_are_files_beside_the_page(whole) -> None:
    _, _, folder = whole
    names = {path.name for path in (folder / "figures").iterdir()}
    of_python = (
        "round-trip", "rate", "tails", "latency", "throughput", "placement", "cpu", "scaling-pairs",
        "scaling-fan-in",
    )  # fmt: skip
    kinds = ("ladder-64", *(f"{kind}-python" for kind in of_python))
    assert names == {f"{kind}.{ending}" for kind in kinds for ending in ("svg", "png")}
    for path in (folder / "figures").glob("*.svg"):
        ET.parse(path)
    for path in (folder / "figures").glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    left = {path.name for path in folder.iterdir()}
    assert left == {"report.html", "figures"}


def test_charts_of_an_earlier_report_are_removed_and_nothing_else(tmp_path) -> None:
    folder = tmp_path / "figures"
    folder.mkdir()
    ours = ("depth-python.svg", "latency-native.png", "scaling-pairs-all-python.png")
    theirs = ("depth-python.txt", "my-latency-python.png", "latency.png", "photo.png")
    for name in (*ours, *theirs):
        (folder / name).touch()
    (folder / "signal-python.png").symlink_to(folder / "photo.png")
    write(small(), tmp_path)
    left = {path.name for path in folder.iterdir()}
    assert not left & set(ours)
    assert left >= {*theirs, "signal-python.png", "latency-python.png"}
    write(Results(header()), tmp_path)
    assert {path.name for path in folder.iterdir()} == {*theirs, "signal-python.png"}


def test_the_same_results_give_the_same_bytes(tmp_path) -> None:
    found = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        write(small(tail=300), folder)
        found.append({path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")})
    assert found[0] == found[1]
    assert len(found[0]) == 13  # the page, and six charts as SVG and PNG


def hostile(more: int = 12) -> Results:
    """Make results in which every string is hostile; with no more cells the run is narrow."""
    bad = Cell(transport=NAME, pattern="latency", size=64, placement=NAME, runtime=NAME)
    odd = msgspec.structs.replace(bad, pattern="stream", size=0)
    other = msgspec.structs.replace(bad, pattern=NAME, transport="../../etc/passwd")
    others = [msgspec.structs.replace(bad, size=128 + number) for number in range(more)]
    results = sweep(lambda *rest: 1e-5, [bad, odd, other, *others], tail=100, twins=[bad])
    for entry in results.cells.values():
        assert entry.facts is not None
        entry.facts = msgspec.structs.replace(entry.facts, family=HOSTILE, wait=HOSTILE)
    skip = Skipped(cell=msgspec.structs.replace(bad, size=1), reason=HOSTILE, remedy=HOSTILE)
    extra = msgspec.structs.replace(bad, size=2)
    failure = Failed(
        cell=extra.id, round=1, who=HOSTILE, where=HOSTILE, what=HOSTILE, remedy=HOSTILE
    )
    results.cells.update(sweep(lambda *rest: 1.0, [extra], skipped=[skip], failed=[failure]).cells)
    results.header = msgspec.structs.replace(
        results.header,
        version=HOSTILE, started=HOSTILE, command=[HOSTILE], profile=HOSTILE, clock=HOSTILE,
        plan=HOSTILE,
        machine=msgspec.structs.replace(
            results.header.machine,
            hostname=HOSTILE, kernel=HOSTILE, cpu_model=HOSTILE, virtualization=HOSTILE,
            python=HOSTILE, hidden=[HOSTILE], settings={HOSTILE: HOSTILE, "seccomp": HOSTILE},
            cores=[CoreKind(name=HOSTILE, cpus=[0, 1], used=True)],
        ),
    )  # fmt: skip
    results.cells[bad.id].runs[0].void = HOSTILE
    for name, what in (("lost-updates", {}), ("map-keeps", {"failed": HOSTILE}),
                       ("what-stays", {"skipped": HOSTILE})):  # fmt: skip
        results.observations[name] = Observation(
            experiment=name, figures={HOSTILE: 1.0}, texts={HOSTILE: HOSTILE},
            rows=[{HOSTILE: HOSTILE, "b": 1.0}, {}], remedy=HOSTILE, **what,
        )  # fmt: skip
    return results


@pytest.mark.parametrize("more", [0, 12])
def test_hostile_strings_stay_text(more: int, tmp_path) -> None:
    reader, page = read(hostile(more), tmp_path)
    assert ("cells" in reader.ids) is (more == 0)
    assert "img" not in reader.tags
    assert scripts(page) == [source()]
    assert "{{7*7}}" in page
    assert "\x00" not in page
    assert "\u202e" not in page
    assert len(reader.ids) == len(set(reader.ids))
    assert {path.parent for path in tmp_path.rglob("*.svg")} == {tmp_path / "figures"}
    for path in tmp_path.rglob("*.svg"):
        ET.parse(path)


def scripts(page: str) -> list[str]:
    """Find the content of all scripts, as a browser reads them."""
    return re.findall(r"<script\b[^>]*>(.*?)</script", page, re.DOTALL | re.IGNORECASE)


def test_each_statement_of_the_chapter_has_a_row(tmp_path) -> None:
    results = small()
    results.observations = observed()
    reader, page = read(results, tmp_path)
    assert {f"statement-{one.id}" for one in STATEMENTS} <= set(reader.ids)
    section = part(page, "statements")
    for name in ("statements", "claim"):
        assert "ch08 IPC of Book_LSP, joinc.co.kr, in Korean" in part(page, name)
    assert "18 statements: 12 supported, 2 depending, 4 not measured." in section
    assert section.count("<summary>Evidence</summary>") <= 18
    assert "a later receiver found all 5 messages in a queue" in section
    command = (
        '<code class="command">ipcbench run <span>-t</span> <span>file-map</span> '
        "<span>-t</span> <span>file-read</span></code>"
    )
    assert f"To measure it: {command}" in section


def test_a_long_string_is_cut(tmp_path) -> None:
    results = small()
    results.header = msgspec.structs.replace(results.header, profile="x" * 10**6)
    _, page = read(results, tmp_path)
    assert len(page) < 10**6


def test_nothing_measured(tmp_path) -> None:
    reader, page = read(Results(header()), tmp_path)
    assert "Nothing was measured" in page
    assert 'class="verdict-not">Not measured.' in page
    assert "svg" not in reader.tags
    assert not (tmp_path / "figures").exists()


def test_all_failed(tmp_path) -> None:
    planned = cells()
    failed = [
        Failed(cell=cell.id, round=0, who="peer 1", where="attach", what="Unavailable: no")
        for cell in planned
    ]
    _, page = read(sweep(reference, planned, failed=failed, end="interrupted"), tmp_path)
    assert "Nothing was measured" in page
    assert page.count("Unavailable: no") == len(planned)


@pytest.mark.parametrize("transports", [("pipe",), ("shm:posix+posix-sem",), ("null",)])
def test_one_transport_alone(transports: tuple[str, ...], tmp_path) -> None:
    _, page = read(sweep(reference, cells(transports)), tmp_path)
    assert "No cell has both shared memory and another facility." in page


def test_one_round(tmp_path) -> None:
    _, page = read(sweep(reference, cells(), rounds=1), tmp_path)
    assert "Too few rounds: only ranges are shown, and no verdict." in page
    assert 'class="verdict-undecided">Undecided.' in page


def test_a_sweep_cut_short_and_resumed(tmp_path) -> None:
    results = small(end=None)
    results.resumed.append(Resumed(started="now", command=["ipcbench"], dropped="{"))
    results.ended = Ended(reason="interrupted", wall=3.0)
    for entry in list(results.cells.values())[::2]:
        entry.runs.clear()
    _, page = read(results, tmp_path)
    assert "The sweep was interrupted" in page
    assert "resumed 1 time" in page
    assert "the sweep ended before the first run" in page


def test_a_bad_control_is_reported_at_the_top(tmp_path) -> None:
    results = small()
    for entry in results.cells.values():
        if entry.cell.twin:
            for run in entry.runs:
                run.values = [value * 1.3 for value in run.values]
    _, page = read(results, tmp_path)
    alarm = page.index('role="alert"')
    assert alarm < page.index("Is shared memory the fastest?")
    assert "This run cannot be trusted." in page[alarm : alarm + 100]
    card = page.partition("Is shared memory the fastest?")[2].partition("</div>")[0]
    assert "No verdict." in card
    assert "Left out, since this run cannot be trusted there: one core." in card


def test_links_in_the_folder_are_not_followed(tmp_path) -> None:
    """A folder from elsewhere may contain a link to any path."""
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "run"
    elsewhere.mkdir()
    folder.mkdir()
    (elsewhere / "latency-python.svg").write_text("precious")
    (folder / "figures").symlink_to(elsewhere)
    (folder / "report.html").symlink_to(elsewhere / "latency-python.svg")
    with pytest.raises(OSError, match="a link, which may lead anywhere: remove it"):
        write(small(), folder)
    (folder / "figures").unlink()
    write(small(), folder)
    assert os.listdir(elsewhere) == ["latency-python.svg"]
    assert (elsewhere / "latency-python.svg").read_text() == "precious"
    assert (folder / "figures/latency-python.svg").is_file()
    assert "<svg" in (folder / "report.html").read_text()


def test_thousands_of_cells_stay_one_page(tmp_path) -> None:
    planned = cells(
        TRANSPORTS,
        patterns=[f"p{i}" for i in range(10)],
        sizes=range(1, 31),
        placements=("same-core", "cross-core", "unpinned"),
    )
    results = sweep(lambda *rest: 1e-5, planned, rounds=1)
    _, page = read(results, tmp_path)
    assert len(results.cells) == 4500
    assert "4100 more rows are not shown" in page
    assert len(page) < 12_000_000


def test_what_the_profile_leaves_out_is_on_the_page(tmp_path: Path) -> None:
    left_out = [("pauses between <round trips>", "a run sleeps: `standard` has them")]
    _, page = read(Results(msgspec.structs.replace(header(), left_out=left_out)), tmp_path)
    assert "<li>Pauses between &lt;round trips&gt;: a run sleeps: standard has them.</li>" in page
    _, page = read(Results(header()), tmp_path)
    assert "Not in the profile" not in page


def test_a_disturbed_cell_is_marked_in_every_table_that_has_it(tmp_path: Path) -> None:
    disturbed = cells(("pipe",), sizes=(64,))
    results = sweep(
        reference, cells(), twins=disturbed, tail=200,
        void=lambda cell, number: "noise" if cell in disturbed and number > 3 else "",
    )  # fmt: skip
    _, page = read(results, tmp_path)
    for section in ("tails", "figures"):
        table = part(page, section)
        marked = [row for row in table.split("<tr>") if '<span class="sub">disturbed' in row]
        assert len(marked) == 1, section
    assert "too few rounds count, or a cell is disturbed" in page


def test_the_command_repeats_the_order() -> None:
    results = Results(header(seed=42))
    assert repeat(results) == "ipcbench run --profile quick --seed 42"
    seeded = msgspec.structs.replace(results.header, command=["ipcbench", "run", "--seed=7"])
    assert repeat(Results(seeded)) == "ipcbench run --seed=7"
    quoted = msgspec.structs.replace(results.header, command=["ipcbench", "run", "-t", "shm:*"])
    assert repeat(Results(quoted)) == "ipcbench run -t 'shm:*' --seed 42"


@pytest.mark.parametrize("given", [["-o", "a b"], ["-oa"], ["--output", "a"], ["--output=a"]])
def test_the_command_that_repeats_a_run_has_no_folder(given: list[str]) -> None:
    """The folder of the run is refused, since it holds a run."""
    command = ["ipcbench", "run", *given, "-t", "pipe"]
    changed = msgspec.structs.replace(header(seed=42), command=command)
    assert repeat(Results(changed)) == "ipcbench run -t pipe --seed 42"


def test_numbers_are_short() -> None:
    shown = [times(x).removesuffix(TIMES) for x in (0.0012, 0.5, 1.453, 12.34, 123.4, 12345.6)]
    assert shown == ["0.0012", "0.50", "1.45", "12.3", "123", "1.23e+04"]
    assert bounds(Interval(1.45, 1.41, 1.49, 0.96, 12), "ratio") == f"1.41{TO}1.49{TIMES}"
    assert bounds(Interval(2e-6, 1.9e-6, 2.1e-6, 0.96, 12), "time") == f"1.90{TO}2.10 µs"
    assert bounds(Interval(1e-3, 9e-4, 2e-3, 0.96, 12), "time") == f"900 µs {TO} 2.00 ms"
    assert [count(x) for x in (0, 0.0021, 1.0)] == ["0", "0.002", "1.00"]


def test_the_tails_say_how_many_times_of_what_a_round_has(tmp_path) -> None:
    planned = cells(("pipe",), patterns=("latency", "fan-in"), sizes=(64,))
    results = sweep(reference, planned, tail=200)
    for cell in results.cells.values():
        if cell.cell.pattern == "fan-in":
            assert cell.facts is not None
            cell.facts = msgspec.structs.replace(cell.facts, single="send")
            for run in cell.runs:
                run.tail = {300: 100 + 100 * run.round}
    _, page = read(results, tmp_path)
    table = part(page, "tails")
    latency, fan_in = table.split("<tr>")[2:]
    assert ">round trip</span>" in latency and ">send</span>" in fan_in
    assert '>200<span class="sub">in 12 rounds</span>' in latency
    assert '>200 to 1,300<span class="sub">in 12 rounds</span>' in fan_in
    assert "It is not the time until the message arrives" in table


def test_a_narrow_run_is_one_chart_and_one_table(tmp_path: Path) -> None:
    planned = cells(("pipe", "unix-stream"), ("latency", "stream"), (64, 65536))
    reader, page = read(sweep(reference, planned, tail=100, twins=planned[:1]), tmp_path)
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        "cells-python.svg", "cells-python.png",
    }  # fmt: skip
    section = page.partition('<section id="cells">')[2].partition("</section>")[0]
    assert "All 8 cells of this run" in section
    assert "latency, 64 KiB, one core" in section
    assert "1 of 1 contest decided" in section  # the verdicts stand below
    for absent in ("answers", "ladder", "small", "large", "many", "situation"):
        assert absent not in reader.ids
    assert {"cells", "evidence", "figures", "trust"} <= set(reader.ids)
    assert {link[1:] for link in reader.links if link.startswith("#")} <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
