"""Recommendations for cases of users."""

from __future__ import annotations

import random
import re
import shlex
from dataclasses import replace

import pytest

from ipcbench.bench.results.results import Results
from ipcbench.reports.model import measured
from ipcbench.reports.names import display
from ipcbench.reports.page.chooser import chooser
from ipcbench.reports.page.texts.chooser_phrases import compared
from ipcbench.reports.terminal.summary import judged
from ipcbench.reports.verdicts.cases.case import CASES
from ipcbench.reports.verdicts.cases.facts import beside
from ipcbench.reports.verdicts.cases.missing import languages, missing, placements
from ipcbench.reports.verdicts.cases.recommend import Recommendation, recommendations
from ipcbench.reports.verdicts.cases.trust_line import short_trust_line, trust_line
from ipcbench.transports import registry
from ipcbench.transports.contract import Lifetime, PeerDeath, Sharing, Topology
from tests import synthetic

GUARDS = {"sysv-sem", "posix-sem", "eventfd"}  # signals as well


def recommended(results: Results) -> list[Recommendation]:
    found, trust = judged(results)
    return recommendations(results, found, measured(results), trust)


@pytest.fixture(scope="module")
def whole() -> Results:
    """Make a sweep with every transport, both runtimes, and ways of waiting."""
    results = synthetic.both(rounds=8, tail=0)
    spins = [
        *synthetic.cells(
            ("pipe", "shm:posix+futex"), ("latency", "stream"), (64,), ("cross-core-awake",),
            runtimes=("python", "native"), wait="spin",
        ),
    ]  # fmt: skip
    more = synthetic.sweep(synthetic.reference, spins, rounds=8)
    results.cells.update(more.cells)
    return results


@pytest.fixture(scope="module")
def answered_of_all(whole: Results) -> list[Recommendation]:
    return recommended(whole)


def test_every_combination_has_one_row(
    whole: Results, answered_of_all: list[Recommendation]
) -> None:
    found = answered_of_all
    combinations = [one.combination for one in found]
    assert len(set(combinations)) == len(combinations)
    assert len(found) > 50
    answered = {(one.case.id, one.runtime, one.placement) for one in found}
    lacking = {(one.case.id, one.runtime, one.placement) for one in missing(whole, found)}
    assert not answered & lacking
    for case in (one for one in CASES if one.main):
        for runtime in languages(whole):
            for placement in placements(whole):
                assert (case.id, runtime, placement) in answered | lacking


def test_no_two_rows_of_the_page_are_chosen_by_the_same_values(whole: Results) -> None:
    found, trust = judged(whole)
    made = chooser(whole, found, measured(whole), trust)
    rows = [
        (one.key, one.language, one.placement, one.size, one.processes, one.spin)
        for one in made.rows.rows
    ]
    assert len(rows) == made.rows.total
    assert len(set(rows)) == len(rows)
    assert [one.key for one in made.chosen] == list(dict.fromkeys(row[0] for row in rows))


@pytest.mark.parametrize("seed", range(8))
def test_a_member_is_never_slower_than_an_avoided_one(seed: int) -> None:
    chance = random.Random(seed)
    names = ("pipe", "unix-stream", "tcp", "posix-queue", "mp-queue", "shm:posix+posix-sem")
    seconds = {name: 5e-6 * chance.lognormvariate(0, 0.5) for name in names}
    noise = {name: chance.choice((0.005, 0.05, 0.3)) for name in names}

    def time(name: str, pattern: str, size: int, processes: int, place: str, n: int) -> float:
        return seconds[name] * chance.lognormvariate(0, noise[name])

    planned = synthetic.cells(names, ("latency", "stream", "fan-in"), (64,), ("same-core",))
    for one in recommended(synthetic.sweep(time, planned)):
        medians = [each.seconds for each in one.members]
        assert medians == sorted(medians)
        assert one.best.ratio == 1.0
        if one.avoid is not None:
            assert one.avoid.seconds > max(medians)
            assert one.avoid.id not in {each.id for each in one.members}
            assert one.avoid.ratio > 1


def test_nothing_that_is_not_trusted_has_a_headline() -> None:
    planned = synthetic.cells(placements=("same-core", "cross-core-awake"), sizes=(64,))
    twins = [one for one in planned if one.transport == "pipe"]
    results = synthetic.sweep(synthetic.reference, planned, twins=twins, noise=0.005, drift=0.0)
    for cell in results.cells.values():
        if cell.cell.twin and cell.cell.placement == "same-core":
            for run in cell.runs:
                run.values = [value * 1.4 for value in run.values]
    found = recommended(results)
    bad = [one for one in found if one.placement == "same-core"]
    assert bad
    for one in bad:
        assert not one.members
        assert one.avoid is None
        assert one.lacks.startswith("No answer: this run cannot be trusted on one core")
    assert all(one.members for one in found if one.placement != "same-core")


def test_too_few_rounds_have_no_headline() -> None:
    found = recommended(synthetic.sweep(synthetic.reference, synthetic.cells(), rounds=3))
    assert found
    assert {one.lacks for one in found} == {"No answer: there are fewer than 6 common rounds"}


def test_spinning_is_recommended_only_where_the_reader_allows_it(
    answered_of_all: list[Recommendation],
) -> None:
    here = [
        one
        for one in answered_of_all
        if (one.key, one.runtime, one.placement, one.size)
        == ("one-way", "python", "cross-core-awake", 64)
    ]
    assert [one.spin for one in here] == [False, True]
    sleeping, spinning = here
    assert all("spinning" not in one.name for one in sleeping.members)
    assert spinning.best.name == "shared memory, spinning"


def test_the_lowest_latency_is_not_answered_by_processes_that_sleep() -> None:
    cells = synthetic.cells(("pipe", "unix-stream"), ("latency",), (64,), ("cross-core-awake",))
    found = recommended(synthetic.sweep(synthetic.reference, cells, rounds=8))
    keys = {one.key for one in found}
    assert "request" in keys
    assert "lowest-latency" not in keys


def test_a_rate_that_no_facility_carries_has_no_headline() -> None:
    planned = synthetic.cells(("pipe", "unix-stream"), ("stream",), (64,))
    found = recommended(synthetic.sweep(lambda *_: 2e-5, planned))
    (steady,) = (one for one in found if one.key == "steady-rate")
    assert not steady.members
    assert re.fullmatch(
        r"No facility of 2 carries it: (49|50|51),\d{3} a second at most, in a closed loop",
        steady.lacks,
    )
    found = recommended(synthetic.sweep(lambda *_: 2e-6, planned))
    (steady,) = (one for one in found if one.key == "steady-rate")
    assert steady.room is not None
    assert steady.room.most == pytest.approx(5, rel=0.05)
    assert (steady.room.carry, steady.room.easily) == (2, 2)


def test_a_rate_with_pauses_counts_the_pauses() -> None:
    names = ("pipe", "shm:posix+futex")
    planned = synthetic.cells(names, ("latency",), (64,), ("cross-core",), pace="pause:1ms")
    results = synthetic.sweep(lambda *_: 5e-5, planned, noise=0, drift=0)
    (one,) = (one for one in recommended(results) if one.case.id == "rare-requests")
    assert one.best.seconds == pytest.approx(5e-5)
    assert one.best.per_second == pytest.approx(1 / 1.05e-3)


def test_facilities_of_a_question_spin_only_together() -> None:
    """A Unix socket that spins is not compared with TCP that sleeps."""
    names = ("unix-stream", "tcp", "pipe")
    planned = synthetic.cells(names, sizes=(64,), placements=("cross-core-awake",))
    spins = synthetic.cells(names[:1], sizes=(64,), placements=("cross-core-awake",), wait="spin")
    found = recommended(synthetic.sweep(synthetic.reference, [*planned, *spins]))
    assert [one.spin for one in found if one.key == "unix-or-tcp"] == [None]
    (lowest,) = (one for one in found if one.key == "lowest-latency")
    assert lowest.avoid is not None
    assert lowest.avoid.name.endswith(", sleeping")
    both = synthetic.cells(names[:2], sizes=(64,), placements=("cross-core-awake",), wait="spin")
    found = recommended(synthetic.sweep(synthetic.reference, [*planned, *both]))
    assert [one.spin for one in found if one.key == "unix-or-tcp"] == [False, True]


def test_names_are_for_people_and_differ() -> None:
    assert display("shm:posix+posix-sem") == "shared memory + POSIX semaphore"
    assert display("shm:posix+spin") == display("shm:posix+futex", "spin")
    assert display("shm:posix+futex/in-place") == "shared memory + futex, in place"
    assert display("pipe:1M") == "pipe, 1 MiB buffer"
    assert display("my-plugin", "spin") == "my-plugin, spinning"
    names = registry.names()
    known = [display(name) for name in names]
    assert len(set(known)) == len(names)
    assert not [name for name in known if name in names and name not in PLAIN]


PLAIN = {"pipe", "eventfd", "futex", "signal", "vmsplice"}  # as people name them


def test_facts_beside_speed_agree_with_the_traits_of_each_transport() -> None:
    ways = {
        Sharing.NAME: ("by its name", "by its port", "by its process number"),
        Sharing.DESCRIPTORS: ("by passing a descriptor", "with the rights of ptrace(2)"),
        Sharing.INHERIT: ("no: children alone",),
    }
    for name in registry.names():
        traits, fact = registry.get(name).traits, beside(registry.get(name).name, {})
        without = traits.topologies <= {Topology.GUARD, Topology.FILE} or name == "null"
        assert (fact is None) == without, name
        if fact is None:
            continue
        assert fact.polls == traits.pollable, name
        assert fact.dies.startswith("its peer sees") == (traits.peer_death is PeerDeath.REPORTED)
        assert fact.unrelated in ways[traits.sharing], name
        memory = name.startswith("shm:memfd")  # with a semaphore that has a name
        persists = traits.lifetime is Lifetime.KERNEL or name.startswith(("shm:file", "shm:tmpfs"))
        assert fact.kept.startswith("kept") == (persists and not memory), name


def test_the_largest_message_of_a_queue_is_that_of_the_machine() -> None:
    fact = beside("sysv-queue", {"kernel.msgmax": "65536"})
    assert fact is not None
    assert fact.largest == "65536 B (kernel.msgmax)"


def test_the_trust_line_names_each_placement() -> None:
    planned = synthetic.cells(placements=("same-core", "cross-core"))
    twins = [one for one in planned if one.transport == "pipe" and one.placement == "same-core"]
    results = synthetic.sweep(synthetic.reference, planned, twins=twins)
    _, trust = judged(results)
    line = trust_line(trust, results)
    assert line.startswith("One core: repeatable to ±")
    assert line.endswith("Two cores: repeatability not known.")
    short = short_trust_line(trust, results)
    assert re.fullmatch(r"one core ±\d\.\d %, two cores: repeatability not known", short)


def test_facilities_that_are_all_alike_are_not_counted_twice(
    answered_of_all: list[Recommendation],
) -> None:
    one = next(each for each in answered_of_all if len(each.members) > 1)
    member = one.members[0]
    assert compared(replace(one, members=(member,) * 2, measured=2)) == (
        "Both that were measured here are not told apart."
    )
    assert compared(replace(one, members=(member,) * 3, measured=3)).startswith("All 3 that")
    assert compared(replace(one, members=(member,) * 2, measured=3)).startswith("These 2 of 3")


def test_each_command_is_one_line_of_words(
    whole: Results, answered_of_all: list[Recommendation]
) -> None:
    for one in missing(whole, answered_of_all):
        assert bool(one.command) != bool(one.reason)
        if one.command:
            assert shlex.split(one.command)[:2] == ["ipcbench", "run"]
