"""The page as a whole: sections and parts, narrow runs, and one kind of units and plurals."""

from __future__ import annotations

import re
from html import unescape
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from ipcbench.bench.results.records import Contested
from ipcbench.bench.results.results import Results
from ipcbench.reports.page.page import write
from tests.synthetic import cells, header, reference, some, sweep
from tests.unit.reports.observations import observed
from tests.unit.reports.pages import section

HEADINGS = {
    "answers": "What should I use?",
    "ladder": "Why do published numbers disagree?",
    "ratios": "From which size does shared memory win?",
    "small": "1 How long does a small message take?",
    "large": "2 How fast do large blocks move?",
    "many": "3 What do many processes change?",
    "situation": "4 What do placement, waiting and load change?",
    "evidence": "5 What is the evidence?",
}
WITH_A_NUMBER = [name for name in HEADINGS if name != "answers"]


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write the page of a run with every kind of cell and observation."""
    results = some(1000, rounds=8, tail=50)
    results.observations = observed()
    return page_of(results, tmp_path_factory.mktemp("wide"))


def page_of(results: Results, folder: Path) -> str:
    return write(results, folder).read_text(encoding="utf-8")


def narrow(number: int, **options) -> Results:
    names = ("pipe", "unix-stream", "fifo", "tcp", "posix-queue", "sysv-queue", "socketpair")
    planned = cells(names, ("latency", "stream"), (64,))
    return sweep(reference, planned[:number], tail=1000, **options)


def text_of(page: str) -> str:
    """Return what a reader sees, without the drawings, on one line."""
    body = page.partition("<body>")[2].partition("<script>")[0]
    shown = re.sub(r"<svg.*?</svg>|<(pre|code)\b.*?</\1>", " ", body, flags=re.DOTALL)
    words = unescape(re.sub(r"<[^>]*>", " ", shown)).split()
    return " ".join(word for word in words if "/" not in word)  # no ids of cells


def test_each_section_has_a_question_and_a_sentence_with_a_number(wide: str) -> None:
    found = re.findall(r'<section id="([a-z]+)">\s*<h2>(.*?)</h2>', wide)
    assert dict(found) == HEADINGS
    assert [name for name, _ in found] == list(HEADINGS)
    for name in WITH_A_NUMBER:
        (lead,) = re.findall(r'<p class="lead">(.*?)</p>', section(wide, name))
        lead = re.sub(r"</?abbr[^>]*>", "", lead)
        assert re.search(r"\d", lead), name
        assert lead.endswith("."), name
        assert len(re.findall(r"\. [A-Z]", lead)) == 0, f"{name}: more than one sentence"


def test_a_thousand_cells_make_no_heavy_page(wide: str) -> None:
    """The limit is 4 MiB with 12 rounds; figures of fewer rounds are as long."""
    assert len(wide.encode()) < 4 << 20


def test_every_kind_of_chart_is_there(wide: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', wide)
    assert len(ids) == len(set(ids))
    for kind in ("ladder", "placement", "waiting", "depth", "signal", "counter"):
        assert any(name.startswith(f"chart-{kind}") for name in ids), kind
    assert "Updates lost by a counter" in wide


def test_one_chart_of_a_section_is_open_and_all_tables_are_closed(wide: str) -> None:
    for name in ("small", "large", "many", "situation"):
        opened = re.sub(r"<details.*</details>", "", section(wide, name), flags=re.DOTALL)
        assert opened.count("<svg") == 1, name
        assert "<table" not in opened, name
    assert "<table" not in re.sub(
        r"<details.*</details>", "", section(wide, "evidence"), flags=re.S
    )


def test_the_contents_name_the_sections(wide: str) -> None:
    nav = wide.partition('<nav aria-label="Contents">')[2].partition("</nav>")[0]
    assert re.findall(r'href="#([a-z]+)"', nav) == list(HEADINGS)


def test_headings_leave_out_no_level(wide: str) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", wide)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_table_becomes_cards_on_a_telephone(wide: str) -> None:
    for kind, body in re.findall(r'<table class="([^"]*)">(.*?)</table>', wide, re.DOTALL):
        assert "cards" in kind.split()
        for attributes in re.findall(r"<td\b([^>]*)>", body):
            known = "data-label" in attributes or "empty" in attributes or "colspan" in attributes
            assert known, (kind, attributes)
    assert "<table>" not in wide
    assert 'class="tall' not in wide and " tall" not in wide.partition("</style>")[2]


def test_the_first_use_of_a_word_in_running_text_has_its_meaning(wide: str) -> None:
    words = re.findall(r'<abbr title="([^"]+)">', wide)
    assert len(words) > 5
    assert len(words) == len(set(words))
    glossary = wide.partition('<dl id="glossary"')[2].partition("</dl>")[0]
    assert all(f"<dd>{word}</dd>" in glossary for word in words)


@pytest.mark.parametrize("kind", ["wide", "narrow", "single"])
def test_units_plurals_and_percent_signs_are_of_one_kind(
    kind: str, wide: str, tmp_path: Path
) -> None:
    page = wide if kind == "wide" else page_of(narrow(8 if kind == "narrow" else 1), tmp_path)
    text = text_of(page)
    for wrong in (
        r"\d%", r"\d\u00a0%", r"percent\b",  # 5 %
        r"\b1 (?:cells|rounds|contests|runs|processes|statements|looks|others|tables|rows)\b",
        r"\b(?:[02-9]|[1-9]\d+) (?:cell|round|contest|statement|row)\b(?! trip)", r"\w\(s\)",
        r"\d (?:usec|us|u?secs?|msec|nsec)\b", r"\d(?:ns|µs|ms|KiB|MiB|GiB|B)\b",
        r"\bNone\b", r"\b(?:nan|inf)\b",
    ):  # fmt: skip
        found = re.search(wrong, text)
        assert found is None, text[max(0, found.start() - 60) : found.end() + 30]


def test_the_legend_of_families_has_those_of_the_run(tmp_path: Path) -> None:
    planned = cells(("pipe", "unix-stream"), ("latency", "stream"), (64, 4096, 65536, 1 << 20))
    page = page_of(sweep(reference, planned), tmp_path)
    assert page.count('"></span>pipe</span>') == page.count('"></span>socket</span>') > 0
    assert '"></span>library</span>' not in page


# A narrow run.


@pytest.mark.parametrize("number", [2, 12])
def test_a_narrow_run_is_one_chart_and_one_table(number: int, tmp_path: Path) -> None:
    page = page_of(narrow(number, twins=cells(("pipe",), sizes=(64,))), tmp_path)
    shown = section(page, "cells")
    assert f"How do the {'two' if number == 2 else number} cells of this run compare?" in shown
    opened = re.sub(r"<details.*?</details>", "", shown, flags=re.DOTALL)
    assert page.count("<svg") == opened.count("<svg") == 1
    assert opened.count("<table") == 1
    assert opened.count("<tr>") == 1 + number
    assert re.findall(r'<section id="([a-z]+)">', page) == ["cells", "evidence"]
    assert 'id="chooser"' not in page


def test_a_narrow_run_names_the_fastest_and_how_far_the_others_are(tmp_path: Path) -> None:
    page = page_of(narrow(3), tmp_path)
    assert re.search(
        r"A round trip of 64 B on one core takes [\d.]+ µs through pipe \(Python\), and "
        r"(≈ )?[\d.]+\S as long through Unix socket \(Python\)\.",
        re.sub(r"</?abbr[^>]*>", "", page),
    )
    table = section(page, "cells").partition("<tbody>")[2]
    assert page.count(">the fastest</td>") == 1
    assert re.findall(r"[\d.]+\S the time", table)


def test_a_narrow_run_compares_cells_of_one_payload_alone(tmp_path: Path) -> None:
    names = ("pipe", "unix-stream")
    hot, fresh = (cells(names, sizes=(4096,), payload=kind) for kind in ("hot", "fresh"))
    times = {"pipe": 1e-5, "unix-stream": 2e-5}
    results = sweep(lambda name, *rest: times[name], [*hot, *fresh], noise=0.001, drift=0)
    for entry in results.cells.values():
        if entry.cell.payload == "fresh":
            factor = 5 if entry.cell.transport == "pipe" else 10
            for run in entry.runs:
                run.values = [value * factor for value in run.values]
    shown = section(page_of(results, tmp_path), "cells")
    text = text_of(f"<body>{shown}<script>")
    assert re.search(r"takes (9\.9|10\.)\S* µs through pipe .*, and 2\.0\d\S as long", text)


def test_the_sentence_of_a_narrow_run_names_what_is_peculiar_to_its_work(tmp_path: Path) -> None:
    hot = cells(("pipe",), ("fan-in",), sizes=(4096,), processes=(3,))
    fresh = cells(
        ("pipe", "unix-stream"), ("fan-in",), sizes=(4096,), processes=(3,), payload="fresh"
    )
    results = sweep(lambda name, *rest: 1e-5, [*hot, *fresh])
    text = text_of(f"<body>{section(page_of(results, tmp_path), 'cells')}<script>")
    assert "A message of 4 KiB (3 processes, fresh payload) on one core takes" in text


def test_a_narrow_run_says_what_a_language_and_a_way_of_waiting_bring(tmp_path: Path) -> None:
    planned = [
        *cells(("pipe",), ("latency",), (64,), runtimes=("python", "native")),
        *cells(("pipe",), ("latency",), (64,), wait="spin"),
    ]

    def both(*given: object) -> float:
        return 1e-5

    results = sweep(both, planned, noise=0.002, drift=0)
    for entry in results.cells.values():
        for run in entry.runs if entry.cell.runtime == "native" else ():
            run.values = [value / 2 for value in run.values]
    shown = section(page_of(results, tmp_path), "cells")
    (line,) = re.findall(r"<li>(pipe, latency, 64 B, one core: .*?)</li>", shown)
    assert re.search(r"C is (1\.9|2\.0)\d times as fast as Python \(1.9\d to 2.0\d\)\.", line)


def test_a_run_of_thirteen_cells_is_no_narrow_one(tmp_path: Path) -> None:
    page = page_of(narrow(13), tmp_path)
    assert 'id="answers"' in page and 'id="cells"' not in page


def test_a_single_cell_has_a_row_and_no_chart(tmp_path: Path) -> None:
    page = page_of(narrow(1), tmp_path)
    assert "<svg" not in page
    assert "nothing to compare" in page
    assert "How long does the one cell of this run take?" in page


def test_an_untrusted_narrow_run_has_no_sentence_of_its_own(tmp_path: Path) -> None:
    results = narrow(4, twins=cells(("pipe",), sizes=(64,)))
    for entry in results.cells.values():
        if entry.cell.twin:
            for run in entry.runs:
                run.values = [value * 2 for value in run.values]
    page = page_of(results, tmp_path)
    assert '<p class="lead">' not in section(page, "cells")
    assert "This run cannot be trusted." in page


def test_nothing_measured_is_a_whole_page(tmp_path: Path) -> None:
    page = page_of(Results(header()), tmp_path)
    assert "Nothing of this kind was measured." in page
    assert "Nothing was measured." in page


def test_what_is_not_measured_names_the_command(tmp_path: Path) -> None:
    results = narrow(13)
    page = page_of(results, tmp_path)
    assert "<code>ipcbench run --profile quick</code>" in section(page, "many")
    names = [entry.cell.pattern for entry in results.cells.values()]
    assert "echo" not in names
    assert msgspec.structs.asdict(results.header)["profile"] == "quick"


def test_a_task_of_another_version_stands_once(tmp_path: Path) -> None:
    results = narrow(2)
    first, second = list(results.cells)[:2]
    results.contests["one"] = Contested(
        id="one", task="another", family="another, python, same-core", first=[first],
        second=[second], band=0.05, level=0.025,
    )  # fmt: skip
    page = page_of(results, tmp_path)
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert any(re.fullmatch(r"task-\d+", one) for one in ids)
