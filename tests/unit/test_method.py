"""The numbers on the page about the method are those of the code."""

from __future__ import annotations

from math import comb
from pathlib import Path

import pytest

from ipcbench.bench import stats
from ipcbench.bench.decisions import (
    alignment,
    comparison,
    contest,
    contests,
    sensitivity,
)
from ipcbench.bench.decisions.distributions import rank_sum
from ipcbench.bench.decisions.gate import sequential, simulate
from ipcbench.bench.decisions.promises import baseline
from ipcbench.bench.decisions.tasks import TASKS
from ipcbench.bench.experiments.frame import schedule as experiments
from ipcbench.bench.experiments.semaphores import lost_updates, semaphore_misuse, waiting_cpu
from ipcbench.bench.loops.delays import delay
from ipcbench.bench.machine import fingerprint as machine_fingerprint
from ipcbench.bench.plan import tail, timing
from ipcbench.bench.plan.profile import PROFILES, load_profile
from ipcbench.bench.results.entries import fingerprint
from ipcbench.bench.rounds import forecast, order, turns
from ipcbench.bench.rounds.adaptive import MOST_ROUNDS
from ipcbench.bench.rounds.progress import RETAKES
from ipcbench.bench.sweep import calibration, disturbance, runner
from ipcbench.bench.sweep.shared import failures
from ipcbench.bench.workers import deadlines, pyperf_runner, worker
from ipcbench.reports.page.rows import tails
from ipcbench.reports.verdicts import chapter, finding, places
from ipcbench.reports.verdicts.statements import dependence
from ipcbench.transports.shm.layout import default_depth

TEXT = (Path(__file__).parents[2] / "docs/method.md").read_text()
PAGE = " ".join(TEXT.split())


@pytest.mark.parametrize("name", PROFILES)
def test_the_profiles_are_the_codes(name: str) -> None:
    run = load_profile(name).settings
    block = f"{run.values} | {run.block * 1e3:g} ms"
    assert f"| `{name}` | {run.rounds} | {block} | {run.warmups} |" in PAGE


@pytest.mark.parametrize("name", TASKS)
def test_the_tasks_are_the_codes(name: str) -> None:
    (row,) = (line for line in TEXT.splitlines() if line.startswith(f"| `{name}` | "))
    question, contests_, crosses = row.strip("| ").split(" | ")[1:]
    assert (question, crosses) == (TASKS[name].question, TASKS[name].crosses or "nothing")
    for match in TASKS[name].matches:
        assert match.first.name in contests_
        assert match.second.name in contests_


def test_the_forms_of_statements_are_the_codes() -> None:
    forms: dict[str, list[str]] = {"fact": [], "speed": [], "both": []}
    for one in chapter.STATEMENTS:
        form = "fact" if one.speed is None else "both" if one.rules else "speed"
        forms[form].append(f"`{one.id}`")
    for form, names in forms.items():
        (row,) = (line for line in TEXT.splitlines() if line.startswith(f"| {form} | "))
        assert set(row.split(" | ")[1].split(", ")) == set(names)
    assert "The 18 statements are" in PAGE


def test_the_bound_of_families_is_that_of_the_first_look() -> None:
    orders = comb(2 * contest.LOOKS[0], contest.LOOKS[0])
    assert orders == 12_870
    most = int(contest.LEVEL * orders / 2 / len(contest.LOOKS))
    assert f"with over {most} contests, or {most // 2} with a side of two" in PAGE


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (disturbance.LIMIT, "more than 5 % foreign time is *void*"),
        (disturbance.LIMIT, "took more than 5 % of one of its CPUs"),
        (finding.SHARE_TO_NOTE, "more than 5 % of all runs"),
        (contests.BAND, "5 % same-core and awake, 20 %"),
        (contests.BAND, "within the band: 0.95 to 1.05"),
        (contests.BAND, "The band is 5 % where"),
    ],
)
def test_the_shares_are_the_codes(value: float, sentence: str) -> None:
    assert value == 0.05
    assert sentence in PAGE


@pytest.mark.parametrize(
    ("value", "number", "sentence"),
    [
        (chapter.IDLE, 0.1, "at most 0.1 s of CPU time a second counts as idle"),
        (chapter.BUSY, 0.5, "one that uses at least 0.5 s as busy"),
        (dependence.CLEAR, 0.75, "if it explains at least 75 % of the contests"),
        (contest.LOOKS, (8, 12, 16, 24, 32, 48), "have 8, 12, 16, 24, 32 and 48 rounds in common"),
        (MOST_ROUNDS, 144, "or after 144 rounds"),
        (order.MINI, 1.0, "so a mini-round lasts a second at least"),
        (turns.APART, 20, "mini-round where 20 other runs stand between"),
        (forecast.WARM_UP, 10, "Where it lasts less than 10 s"),
        (forecast.WARM_UP_OF_ROUNDS, 0.2, "a fifth of the time of all rounds"),
        (forecast.WARM_UP_SHARE, 0.05, "until 10 s are over, or 5 % of the budget"),
        (experiments.SHARE, 0.1, "All experiments together have 10 % of a budget"),
        (lost_updates.UPDATES, 2000, "count up one variable at most 2,000 times each"),
        (lost_updates.PROCESSES, (2, 4), "has 2 and 4 processes"),
        (semaphore_misuse.GRACE, 0.25, "has not ended after 0.25 s and sleeps in 5 looks"),
        (semaphore_misuse.LOOKS, 5, "has not ended after 0.25 s and sleeps in 5 looks"),
        (waiting_cpu.WAIT, 1, "has a process wait for one second in each way"),
        (sensitivity.POWER, 0.95, "finds in 95 % of 1,000 resamplings"),
        (sensitivity.DRAWS, 1000, "finds in 95 % of 1,000 resamplings"),
        (2 * sensitivity.ONE_SIDED, 0.025, "of one contest by itself, at a level of 0.025"),
        (places.LATE, 1.2, "it took over 1.2 times as long to start as its cell's median"),
        (places.SLOW, 1.05, "it took over 1.05 times its cell's median"),
        (delay.TRIALS, 48, "by 48 blocks of 0.4 ms with it and 48 without in turn, three times"),
        (delay.STEPS, 3, "by 48 blocks of 0.4 ms with it and 48 without in turn, three times"),
        (RETAKES, 2, "is retaken in the same round behind all other cells, at most twice"),
        (turns.APART, 20, "behind 20 other runs, or a second after"),
        (turns.REST, 1.0, "behind 20 other runs, or a second after"),
        (failures.GIVE_UP, 2, "without a run in two rounds in a row is given up"),
        (
            deadlines.SETUP_TIME,
            10,
            "is 10 s plus 20 times the time of all its blocks, with the longest",
        ),
        (runner.SLACK, 20, "is 10 s plus 20 times the time of all its blocks, with the longest"),
        (timing.IDLE_WARM_UP, 0.1, "The first warm-up has blocks for 100 ms"),
        (timing.AGREEMENT, 0.03, "until two neighbouring blocks agree within 3 %"),
        (timing.IDLE_WARM_UP_MOST, 0.3, "for 300 ms at most"),
        (timing.CROWDED_BLOCK, 0.1, "Blocks last 100 ms or longer"),
        (timing.CROWDED_VALUES, 2, "a run has two at most"),
        (timing.CONTENDED_BLOCK, 0.4, "a run has one block of 400 ms"),
        (timing.CONTENDED_VALUES, 1, "a run has one block of 400 ms"),
        (timing.CROWDED_WARM_UP, 0.02, "the warm-up lasts 20 ms"),
        (worker.SETTLING, 4, "a quarter of a block follows, not counted either"),
        (worker.IDLE_SETTLING, 0.03, "Where idle states decide, 30 ms"),
        (pyperf_runner.LONG_BLOCK, 0.05, "(one block, where 50 ms or more are asked for)"),
        (calibration.SHORT, 0.75, "took less than 0.75 of its time per unit"),
        (calibration.SLOW_UNIT, 1e-3, "or a unit takes over 1 ms"),
        (calibration.OFF, 2, "lasted less than half or more than twice the time asked for"),
        (calibration.RESCALES, 3, "at most 3 times"),
        (stats.ENOUGH_ROUNDS, 6, "With fewer than 6 rounds"),
        (stats.CONFIDENCE, 0.95, "≥ 0.95"),
        (alignment.ENOUGH, 10, "where at least 10 such cells have that round"),
        (rank_sum.EXACT, 100, "It is exact up to 100 rounds"),
        (comparison.MOST, 1000, "Of more than 1,000 rounds, the first 1,000 are compared"),
        (comparison.REASONABLE, 1000, "Over 1,000 rounds count as out of reach"),
        (contest.LEVEL, 0.025, '"Out" and "alike" have the level of 0.025 each'),
        (stats.CONFIDENCE, 0.95, "at 95 % for each ratio alone"),
        (contests.WIDE_BAND, 0.2, "and 20 % where"),
        (contest.LEVEL, 0.025, "at a level of 0.025"),
        (contest.LOOKS, (8, 12, 16, 24, 32, 48), "after 8, 12, 16, 24, 32 and 48 rounds"),
        (tail.MORE, 5, "five times as many where a loop takes less than 10 µs"),
        (tail.FAST, 10e-6, "five times as many where a loop takes less than 10 µs"),
        (tail.FEWER, (1000, 200, 100, 20), "1,000, 200, 100, 20 or none"),
        (tail.PASS_BLOCKS, 10, "where more would take longer than 10 of the profile's blocks"),
        (tails.QUANTILES, (0.5, 0.9, 0.95, 0.99, 0.999), "p50, p90, p95, p99 and p99.9"),
    ],
)
def test_the_numbers_are_the_codes(value: object, number: object, sentence: str) -> None:
    assert value == number
    assert sentence in PAGE


def test_the_example_of_an_interval_is_right() -> None:
    assert stats.median_interval(range(1, 13)).low == 3
    assert f"the coverage is {stats.coverage_of_ranks(12, 3):.1%}".replace("%", " %") in PAGE


@pytest.mark.parametrize(
    ("size", "slots"),
    [
        (0, 4096),
        (1, 4096),
        (16, 4096),
        (17, 3855),
        (64, 1024),
        (4096, 16),
        (16384, 4),
        (65536, 4),
        ((1 << 20) - 1, 4),
        (1 << 20, 2),
        (1 << 30, 2),
    ],
)
def test_the_default_depth_of_a_ring_is_the_codes(size: int, slots: int) -> None:
    assert default_depth(size) == slots
    said = "64 KiB or 4 messages{}, whichever is more, 2 from 1 MiB on, 4,096 slots at most"
    assert said.format("") in PAGE
    measured = " ".join((Path(__file__).parents[2] / "docs/measured.md").read_text().split())
    assert said.format(" by default") in measured


def test_the_rules_for_a_stored_baseline_are_the_codes() -> None:
    assert f"differ by {fingerprint.ALIKE:.0%}.".replace("%", " %") in PAGE
    assert f"fastest batch of {machine_fingerprint.SPAN * 1e3:.0f} ms" in PAGE
    assert f"where there are {baseline.FEW} or more" in PAGE
    assert f"Both runs need {stats.ENOUGH_ROUNDS} rounds" in PAGE
    assert f"level of {contest.LEVEL} of their own" in PAGE


def test_the_test_of_a_change_is_the_codes() -> None:
    rule = sequential.Rule(cells=1)
    fixed, learns = sequential.BETS[:-1], sequential.BETS[-1]
    assert f"(the logarithm of {1 + rule.delta:g})" in PAGE
    assert len(sequential.BETS) == 4 and "a quarter each" in PAGE
    assert (
        "a scale of {:.1f}, of {:.1f} and of {:.1f} times s".format(*(bet.scale for bet in fixed))
        in PAGE
    )
    assert learns == sequential.Bet(1.0, learns=True)
    assert "a quarter with the scale s on the median of the earlier x" in PAGE
    assert f"s is {sequential.NORMAL} times" in PAGE
    assert f"and {sequential.NARROWEST} δ at least. The first {sequential.LEARNED} pairs" in PAGE
    assert f"(number of cells) / {rule.alarm}" in PAGE
    assert f"reached {rule.passes:.0f}, and" in PAGE
    assert f"neither after {rule.most_pairs} pairs" in PAGE
    assert f"at most {rule.alarm:.1%} of comparisons".replace("%", " %") in PAGE
    assert f"passes in {1 / rule.passes:.0%} of cells".replace("%", " %") in PAGE
    assert f"blocks of {simulate.BLOCK} neighbours" in PAGE


def test_a_doubling_takes_so_many_pairs() -> None:
    test = sequential.SequentialTest(sequential.Rule(cells=30))
    while test.verdict is None:
        test.add(0.69)
    assert f"among {test.rule.cells} cells a doubling then takes {test.pairs} pairs" in PAGE
    assert (
        f"Among {test.rule.cells} cells there is no lower limit before the {test.pairs}th" in PAGE
    )
