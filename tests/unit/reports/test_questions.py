"""Twelve ordinary questions, each answered in its place by the section of answers."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest

from ipcbench.bench.results.records import REACHED
from ipcbench.bench.results.results import Results
from ipcbench.reports.model import measured
from ipcbench.reports.page.chooser import Chooser, chooser
from ipcbench.reports.page.environment import environment
from ipcbench.reports.terminal.summary import judged
from tests import synthetic
from tests.synthetic import cells

AWAKE, ONE = "cross-core-awake", "same-core"
FRAME = 6220800
MEMORY = "shared memory + POSIX semaphore"


def chosen(results: Results) -> Chooser:
    found, trust = judged(results)
    return chooser(results, found, measured(results), trust)


def section(one: Chooser) -> str:
    return environment().get_template("chooser.html").render(chooser=one)


def seconds(name: str, pattern: str, size: int, processes: int, place: str, number: int) -> float:
    """Return round times: one core is slower, and memory wins from 64 KiB on."""
    base = {
        "pipe": 4e-6, "unix-stream": 8e-6, "tcp": 1.2e-5, "mp-queue": 4e-5, "mp-pipe": 1.5e-5,
        "posix-queue": 6e-6, "latest:seqlock": 1e-6, "latest:pipe": 3e-6, "pipe:1M": 4.2e-6,
    }.get(name, 5e-6)  # fmt: skip
    copied = 2e-11 if name.startswith("shm:") else 1e-10
    in_place = 0.5 if name.endswith("/in-place") else 1.0
    placed = 1.5 if place == ONE else 1.0
    way = {"latency": 1.0, "echo": 0.5}.get(pattern, 0.1)
    return (base * placed + copied * size * in_place) * way


@pytest.fixture(scope="module")
def results() -> Results:
    """Make a run that has an answer to each question."""
    usual = ("pipe", "unix-stream", "tcp", "posix-queue", "shm:posix+posix-sem")
    both = ("python", "native")
    planned = [
        *cells(usual, ("latency", "stream"), (64,), (ONE, AWAKE), runtimes=both),
        *cells(usual[:3] + usual[4:], ("latency", "stream"), (65536,), (ONE, AWAKE)),
        *cells(("pipe", "shm:posix+futex"), ("latency",), (64,), (AWAKE,), runtimes=both,
               wait="spin"),
        *cells(("mp-queue", "mp-pipe"), ("latency", "stream"), (64,), (ONE, AWAKE)),
        *cells(("pipe:1M", "shm:posix+futex", "shm:posix+futex/in-place"), ("stream",), (FRAME,),
               (AWAKE,), runtimes=both, payload="fresh"),
        *cells(("pipe", "unix-stream"), ("echo",), (64,), (AWAKE,), (2, 8)),
        *cells(("pipe", "unix-stream", "shm:posix+posix-sem"), ("fan-in",), (64,), (AWAKE,), (4,)),
        *cells(("latest:seqlock", "latest:pipe"), ("latest",), (64,), (AWAKE,), (2, 4)),
        *cells(("pipe",), ("paced",), (64,), (AWAKE,), (2,), runtimes=both, pace="load:10"),
    ]  # fmt: skip
    twins = [one for one in planned if one.transport == "pipe" and one.pattern == "latency"]
    made = synthetic.sweep(
        seconds, planned, twins=twins[:2], noise=0.01, drift=0.0, rounds=12, tail=1000
    )
    for one in made.cells.values():
        for run in one.runs if one.cell.pattern == "paced" else ():
            run.observations[REACHED] = 3.0e5
    return made


@pytest.fixture(scope="module")
def answers(results: Results) -> Chooser:
    return chosen(results)


@pytest.fixture(scope="module")
def page(answers: Chooser) -> str:
    return section(answers)


@pytest.fixture(scope="module")
def row(page: str) -> Callable[..., str]:
    """Return the text of the row of a case in the table of all combinations."""
    table = page[page.index('id="choices"') :]

    def find(case: str, *, table: str = table, **values: object) -> str:
        for found in re.finditer(r"<tr ([^>]*)>(.*?)</tr>", table, re.DOTALL):
            wanted = {"case": case, **values}
            if all(f'data-{name}="{value}"' in found[1] for name, value in wanted.items()):
                return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[2])))
        raise AssertionError(f"no row of {case} with {values}")

    return find


PYTHON = {"language": "python", "placement": AWAKE}


def test_the_first_screen_has_each_main_case_with_numbers(answers: Chooser) -> None:
    assert len(answers.chosen) == 10
    assert [one.title for one in answers.chosen if one.missing] == []
    assert (answers.state.language, answers.state.placement) == ("python", AWAKE)
    assert all(one.shown is not None and one.shown.members for one in answers.chosen)


def test_a_messages_at_a_steady_rate_from_python(row: Callable[..., str]) -> None:
    text = row("steady-rate", **PYTHON)
    assert "pipe" in text
    assert re.search(r"up to \d+\.?\d*. that rate", text)
    assert "all 7 carry twice that" in text
    assert "pipe at 300 k/s (Python, two cores awake): p50" in text
    assert "--pattern paced" in text
    assert "--pace rate:100000" in text


def test_b_frames_of_video_at_60_a_second(row: Callable[..., str]) -> None:
    text = row("frames", **PYTHON)
    assert "shared memory + futex, in place" in text
    assert re.search(r"60 frames a second take \d+\.?\d* % of a CPU; it carries [\d,]+ times", text)


def test_c_lowest_latency_in_c_with_a_core_to_burn(row: Callable[..., str]) -> None:
    text = row("lowest-latency", language="native", placement=AWAKE)
    assert text.split("use")[0].startswith(" Lowest latency, a core to burn")
    assert "shared memory, spinning" in text
    assert "ns a round trip" in text


def test_d_a_server_and_many_clients(row: Callable[..., str]) -> None:
    text = row("many-clients", processes=8, **PYTHON)
    assert "Python, 64 B, 8 processes, two cores awake" in text
    assert "To measure 50 clients: ipcbench run " in text
    assert "-P 51" in text


def test_e_instead_of_the_queue_of_multiprocessing(row: Callable[..., str]) -> None:
    text = row("instead-of-mp-queue", size=64, **PYTHON)
    assert "POSIX queue" in text
    assert re.search(r"multiprocessing\.Queue \d+\.\d+. the time", text)


def test_f_the_size_from_which_shared_memory_wins(row: Callable[..., str]) -> None:
    text = row("request", size=64, **PYTHON)
    assert " pipe " in text
    assert f"with 64 KiB: {MEMORY}, " in text
    assert MEMORY in row("request", size=65536, **PYTHON)


def test_g_the_cpu_time_of_a_message(row: Callable[..., str], page: str) -> None:
    assert '<th scope="col">CPU time</th>' in page
    assert re.search(r"\d+(\.\d+)? [nµ]s a message", row("one-way", size=64, **PYTHON))


def test_h_the_99th_percentile(row: Callable[..., str]) -> None:
    assert re.search(r"p50 [\d.]+ µs, p99 [\d.]+ µs", row("request", size=64, **PYTHON))
    assert "p99" not in row("one-way", size=64, **PYTHON)  # a stream has no single times


def test_i_why_published_numbers_disagree(row: Callable[..., str]) -> None:
    text = row("request", size=64, **PYTHON)
    for condition in ("on one core: ", "from C: ", "with 64 KiB: ", "if a core may spin: "):
        assert condition in text


def test_a_request_may_spin_where_the_reader_allows_it(
    row: Callable[..., str], answers: Chooser
) -> None:
    assert answers.spins
    text = row("request", size=64, spin=1, **PYTHON)
    assert "Request and answer, may spin" in text
    assert "shared memory, spinning" in text
    assert "spinning" not in row("request", size=64, spin=0, **PYTHON).partition("would change")[0]


def test_j_the_placement(row: Callable[..., str], answers: Chooser) -> None:
    assert list(answers.placements) == [ONE, AWAKE]
    assert "6.0" in row("request", size=64, language="python", placement=ONE)
    assert "on two cores awake: " in row("request", size=64, language="python", placement=ONE)


def test_k_a_unix_socket_or_tcp(row: Callable[..., str]) -> None:
    text = row("unix-or-tcp", size=64, **PYTHON)
    assert re.search(r"Unix socket .* TCP 1\.[45]\d. the time", text)
    assert "one way: Unix socket as well, " in text  # the same question, of other work


def test_l_several_producers(row: Callable[..., str]) -> None:
    text = row("many-senders", processes=4, **PYTHON)
    assert "Python, 64 B, 4 processes, two cores awake" in text
    assert "pipe" in text


def test_what_was_not_measured_is_said_with_its_command(row: Callable[..., str]) -> None:
    text = row("many-senders", language="native", placement=AWAKE)
    assert "Python, 64 B, 4 processes, two cores awake not measured: C" in text
    assert "ipcbench run " in text
    text = row("instead-of-mp-queue", language="native", placement=AWAKE)
    assert "not for C: it is a question of Python" in text
    assert "ipcbench run " not in text


def test_a_note_tells_placements_and_two_kinds_of_times_apart(page: str) -> None:
    note = page.partition('id="chosen"')[2].partition("<details id=")[0]
    assert "“Two cores awake”: as two cores, with idle states forbidden" in note
    assert "“One core”: all processes run on one CPU" in note
    assert "“Two cores”" not in note  # not in this run
    assert "p50 and p99 are of single times, which include reading the clock" in note


def test_facts_beside_speed_stand_below(page: str) -> None:
    part = page[page.index('id="beside-speed"') :]
    for text in ("a peer crashes", "its peer sees it at once", "by its name", "a ring each"):
        assert text in part


def test_hostile_names_stay_text() -> None:
    evil = "<img/src=x>"
    planned = cells((evil, "pipe"), ("latency", "stream"), (64,), (ONE,))
    text = section(chosen(synthetic.sweep(lambda *_: 5e-6, planned)))
    assert "<img" not in text
    assert "&lt;img/src=x&gt;" in text


def test_a_narrow_run_shows_the_cases_that_it_has_first() -> None:
    planned = cells(("pipe", "unix-stream"), ("latency",), (64,), (ONE,))
    made = chosen(synthetic.sweep(seconds, planned))
    assert [one.key for one in made.chosen] == ["request"]
    text = section(made)
    part = text[text.index('id="not-measured"') :]
    for title in ("Frames of 6 MB", "Many senders, one receiver", "Lowest latency"):
        assert title in part
    assert part.count('<code class="command">ipcbench run ') == 9


def test_nothing_measured_has_a_section_as_well() -> None:
    text = section(chosen(synthetic.sweep(seconds, [])))
    assert "Nothing was measured that answers an ordinary case." in text
    assert text.count('<code class="command">ipcbench run ') == 10
