"""reports.verdicts.statements: each statement's verdict follows from what was found."""

from __future__ import annotations

import shlex

import msgspec
import pytest

from ipcbench.bench.commands.run import command as run_command
from ipcbench.bench.decisions.contests import contests_of
from ipcbench.bench.decisions.verdicts import of_results
from ipcbench.bench.experiments.frame import schedule
from ipcbench.bench.experiments.table import EXPERIMENTS
from ipcbench.bench.plan.options import Options
from ipcbench.bench.plan.profile import load_profile
from ipcbench.bench.results.records import Observation
from ipcbench.bench.results.results import Results
from ipcbench.bench.sweep.plans import planning
from ipcbench.reports.model import measured
from ipcbench.reports.page.texts import statement_phrases as phrases
from ipcbench.reports.verdicts.chapter import STATEMENTS
from ipcbench.reports.verdicts.contests import comparisons
from ipcbench.reports.verdicts.statements.facts import GUARDED
from ipcbench.reports.verdicts.statements.judging import Judged, Material, judge
from ipcbench.reports.verdicts.statements.statement import (
    COUNTER_CELLS,
    ClaimVerdict,
    Kind,
    Relation,
    Rule,
    Statement,
)
from ipcbench.reports.verdicts.trust import assess
from tests.synthetic import cells, header, sweep
from tests.unit.reports.observations import FIGURES, TEXTS, observed

SUPPORTED, REFUTED, DEPENDS = ClaimVerdict.SUPPORTED, ClaimVerdict.REFUTED, ClaimVerdict.DEPENDS
UNDECIDED, ALIKE, NONE = ClaimVerdict.UNDECIDED, ClaimVerdict.ALIKE, ClaimVerdict.NONE
PLACEMENTS = ("same-core", "cross-core")
BY_ID = {one.id: one for one in STATEMENTS}
UNDO = "holder killed: waits for ever, sysv-sem with SEM_UNDO"
OF_FACT = [one for one in STATEMENTS if one.rules and one.speed is None]
RULES = [(one, rule) for one in STATEMENTS for rule in one.rules]


def judged(statement: Statement, results: Results) -> Judged:
    found = measured(results)
    material = Material(
        results, found, comparisons(of_results(results), found), assess(results, found)
    )
    return judge(statement, material)


def seen(*, without: str = "", **changed: dict[str, float]) -> Results:
    results = Results(header())
    results.observations = observed(**changed)
    results.observations.pop(without, None)
    return results


def times(table: dict[str, float], pattern: str = "latency", **options) -> Results:
    planned = cells(tuple(table), (pattern,), **options)
    return sweep(lambda transport, *rest: table[transport], planned, noise=0.01, drift=0)


def against(rule: Rule) -> dict[str, float]:
    """Return figures that break a rule."""
    figures = FIGURES[rule.source]
    bound = figures[rule.bound] if isinstance(rule.bound, str) else rule.bound
    beyond = {Relation.AT_LEAST: -1, Relation.AT_MOST: 1, Relation.IS: 1}
    return {
        **dict.fromkeys(rule.plus, 0.0),
        rule.figure: bound + beyond.get(rule.relation, 0),
    }


def named(cases: list[tuple[Statement, Rule]]) -> list[object]:
    return [
        pytest.param(one, rule, id=f"{one.id}: {rule.figure}")
        for one, rule in cases
        if rule.source != COUNTER_CELLS
    ]


def test_there_are_eighteen() -> None:
    assert len(BY_ID) == len(STATEMENTS) == 18


# Statements of fact.


@pytest.mark.parametrize("statement", OF_FACT, ids=lambda one: one.id)
def test_what_was_found_supports(statement: Statement) -> None:
    one = judged(statement, seen())
    assert one.verdict is SUPPORTED
    sentence = phrases.take_home(one)
    assert any(letter.isdigit() for letter in sentence)
    assert sentence.startswith(statement.take_home.partition("{")[0])
    assert phrases.why(one) == phrases.command(one) == ""


@pytest.mark.parametrize(("statement", "rule"), named(RULES))
def test_a_finding_against_it_turns_the_verdict(statement: Statement, rule: Rule) -> None:
    source = rule.source.replace("-", "_")
    one = judged(statement, seen(**{source: against(rule)}))
    assert one.facts.verdict is rule.otherwise is not SUPPORTED
    failed = {each.rule: phrases.fact_text(each) for each in one.facts.found if not each.holds}
    assert failed[rule]
    assert len(failed) == 1 or statement.id == "sysv-is-posix"  # which SEM_UNDO makes depend


@pytest.mark.parametrize(("statement", "rule"), named(RULES))
def test_a_missing_figure_leaves_it_undecided(statement: Statement, rule: Rule) -> None:
    results = seen(semaphore_misuse={UNDO: 1})  # or else sysv-is-posix depends anyway
    del results.observations[rule.source].figures[rule.figure]
    one = judged(statement, results)
    same = [each for each in statement.rules if each.part and each.part == rule.part]
    if sum(each.source != COUNTER_CELLS for each in same) > 1:  # another one tells this part
        assert rule not in [each.rule for each in one.facts.found]
        assert one.facts.verdict is not UNDECIDED
    else:
        assert one.facts.verdict is UNDECIDED
        assert f"no figure '{rule.figure}'" in phrases.why(one)


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda one: one.id)
def test_nothing_measured_names_the_command(statement: Statement) -> None:
    one = judged(statement, Results(header()))
    assert one.verdict is NONE
    assert phrases.take_home(one) == "Not measured by this run."
    assert phrases.command(one) == statement.command
    assert statement.command.startswith("ipcbench run ")


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda one: one.id)
def test_the_command_measures_what_decides_it(statement: Statement) -> None:
    words = shlex.split(statement.command)[2:]
    given = run_command.make_context("run", words).params
    assert set(schedule.chosen(given["experiments"])) == {*statement.experiments}
    options = Options(**{name: given[name] for name in Options.__struct_fields__})
    found = planning.planned(load_profile(given["profile"]), options=options)
    contests = contests_of((one.cell, one.facts, one.tasks) for one in found.cells)
    assert {*statement.about} <= {one.statement for one in contests}
    if statement.kind is Kind.SCALES:
        cells_of = {one.cell.id: one.cell for one in found.cells}
        own = [one for one in contests if one.statement in statement.about]
        assert len({cells_of[one.first[0]].processes for one in own}) > 1


@pytest.mark.parametrize("statement", OF_FACT, ids=lambda one: one.id)
def test_an_experiment_that_was_skipped_or_failed_says_why(statement: Statement) -> None:
    for what in ("skipped", "failed"):
        results = Results(header())
        for name in statement.experiments:
            line = Observation(experiment=name, remedy="do this")
            results.observations[name] = msgspec.structs.replace(line, **{what: "no such call"})
        one = judged(statement, results)
        assert one.verdict is NONE
        assert "no such call (do this)" in phrases.why(one)
        assert phrases.why(one).startswith(f"The experiment {statement.experiments[0]} ")
        assert phrases.command(one)


def test_counters_of_the_sweep_alone_show_that_a_semaphore_guards() -> None:
    statement = BY_ID["semaphore-guards"]
    results = times(
        {"unguarded": 1e-7, "posix-sem": 3e-7}, "counter", sizes=(0,), placements=("cross-core",)
    )
    one = judged(statement, results)
    assert one.verdict is SUPPORTED
    assert "A guarded update takes 301 ns" in phrases.take_home(one)
    for run in results.cells["counter/posix-sem/python/0B/4p/cross-core"].runs[:1]:
        run.observations["lost updates"] = 0.25
    one = judged(statement, results)
    assert one.verdict is REFUTED
    (fact,) = (each for each in one.facts.found if each.holds is False)
    assert (fact.rule.figure, fact.figures[GUARDED]) == (GUARDED, 0.25)
    assert "25.0 %" in phrases.take_home(one)


@pytest.mark.parametrize("counter", ["unguarded", "posix-sem"])
def test_half_of_the_counters_do_not_show_that_a_semaphore_guards(counter: str) -> None:
    planned = {"sizes": (0,), "placements": ("cross-core",)}
    one = judged(BY_ID["semaphore-guards"], times({counter: 1e-7}, "counter", **planned))
    assert one.verdict is UNDECIDED
    assert "no figure 'share lost by a" in phrases.why(one)
    assert "--experiment lost-updates" in phrases.command(one)


PARTS = {(one.id, rule.part) for one in OF_FACT for rule in one.rules if rule.part}


@pytest.mark.parametrize(("name", "part"), sorted(PARTS))
def test_a_part_that_nothing_shows_leaves_it_undecided(name: str, part: str) -> None:
    results = seen()
    for rule in BY_ID[name].rules:
        if rule.part == part and rule.source != COUNTER_CELLS:
            del results.observations[rule.source].figures[rule.figure]
    assert judged(BY_ID[name], results).verdict is UNDECIDED


# Statements about speed.

MEMORY = "shm:posix+posix-sem"


def by_size(first: str, second: str) -> Results:
    """Make times in which the first is faster with small messages alone."""

    def time(transport: str, pattern: str, size: int, *rest: object) -> float:
        return 2e-5 if transport == (first if size > 1000 else second) else 1e-5

    return sweep(time, cells((first, second), sizes=(64, 65536)), noise=0.01, drift=0)


PAIRS = {
    "shm-fastest": (MEMORY, "pipe"),
    "unix-vs-tcp": ("unix-stream", "tcp"),
    "pipe-beats-socket": ("pipe", "unix-stream"),
}


@pytest.mark.parametrize("name", PAIRS)
def test_times_decide_which_is_faster(name: str) -> None:
    first, second = PAIRS[name]
    for table, verdict in (
        ({first: 1e-5, second: 2e-5}, SUPPORTED),
        ({first: 2e-5, second: 1e-5}, REFUTED),
        ({first: 1e-5, second: 1e-5}, ALIKE),
    ):
        one = judged(BY_ID[name], times(table))
        assert one.verdict is verdict
        assert "as fast as" in phrases.take_home(one)
    one = judged(BY_ID[name], by_size(first, second))
    assert one.verdict is DEPENDS
    assert "It depends on the size: it holds in 1 of 1 at 64 B and 0 of 1 at 64 KiB." in (
        phrases.why(one))  # fmt: skip


@pytest.mark.parametrize(
    ("fifo", "verdict"), [(1e-5, SUPPORTED), (1.2e-5, REFUTED), (0.8e-5, REFUTED)]
)
def test_a_fifo_is_a_pipe_within_the_band(fifo: float, verdict: ClaimVerdict) -> None:
    assert judged(BY_ID["fifo-is-pipe"], times({"fifo": fifo, "pipe": 1e-5})).verdict is verdict


SAME = {"shm:sysv+posix-sem": 1e-5, MEMORY: 1e-5, "sysv-queue": 2e-5, "posix-queue": 2e-5}


def test_a_time_alone_never_refutes_the_same_mechanism() -> None:
    for slower, verdict in ((1.0, SUPPORTED), (3.0, DEPENDS)):
        results = times({**SAME, "sysv-queue": slower * SAME["sysv-queue"]})
        results.observations = observed(semaphore_misuse={UNDO: 1})
        one = judged(BY_ID["sysv-is-posix"], results)
        assert one.verdict is verdict
    assert "it holds in 2 of 2 for memory and 0 of 2 for queues" in phrases.why(one)
    assert "0.33" in phrases.take_home(one)
    every = times({"sysv-queue": 1e-5, "posix-queue": 3e-5})
    every.observations = observed()
    assert judged(BY_ID["sysv-is-posix"], every).verdict is DEPENDS


def test_other_behaviour_refutes_the_same_mechanism() -> None:
    results = times(SAME)
    results.observations = observed(what_stays={"left for a later receiver, sysv-queue": 0})
    one = judged(BY_ID["sysv-is-posix"], results)
    assert one.verdict is REFUTED
    assert "0 in a System V queue, 5 in a POSIX queue" in phrases.take_home(one)


def test_the_same_mechanism_depends_on_undo() -> None:
    results = times(SAME)
    results.observations = observed()
    one = judged(BY_ID["sysv-is-posix"], results)
    assert one.verdict is DEPENDS
    assert phrases.why(one) == (
        "The process after a killed holder waits for ever: POSIX semaphore yes, "
        "System V with SEM_UNDO no.")  # fmt: skip


def test_a_failed_experiment_is_told_once_and_in_short() -> None:
    results = times(SAME)
    results.observations = observed(semaphore_misuse={UNDO: 1})
    results.observations["what-stays"] = Observation(
        experiment="what-stays", failed=f"no end after 5 s: {'peer 1 runs, ' * 100}"
    )
    text = phrases.why(judged(BY_ID["sysv-is-posix"], results))
    assert text.count("what-stays") == 1
    assert "not played" not in text
    assert len(text) < 200


def test_no_behaviour_is_told_that_was_not_seen() -> None:
    results = times(SAME)
    results.observations = observed()
    del results.observations["what-stays"]
    one = judged(BY_ID["sysv-is-posix"], results)
    assert one.verdict is DEPENDS
    assert "message" not in phrases.take_home(one)
    assert "Not played by this run: what-stays." in phrases.why(one)
    assert "updates lost: 0 with a System V semaphore" in phrases.take_home(one)


def test_equal_times_without_what_they_do_leave_it_undecided() -> None:
    one = judged(BY_ID["sysv-is-posix"], times(SAME))
    assert one.verdict is UNDECIDED
    assert "not played by this run: what-stays" in phrases.why(one).lower()
    assert phrases.command(one) == BY_ID["sysv-is-posix"].command
    assert phrases.aim(one) == "To decide it"


def test_placements_that_cannot_be_trusted_do_not_count() -> None:
    planned = cells(("pipe", "unix-stream"), sizes=(64,), placements=("same-core", "cross-core"))
    table = {"pipe": 1e-5, "unix-stream": 2e-5}
    results = sweep(lambda name, *rest: table[name], planned, twins=planned, noise=0.01, drift=0)
    for placements, verdict in ((("cross-core",), SUPPORTED), (PLACEMENTS, UNDECIDED)):
        for entry in results.cells.values():
            if entry.cell.twin and entry.cell.placement in placements:
                for number in entry.runs:
                    number.values = [value * 1.5 for value in number.values]
        one = judged(BY_ID["pipe-beats-socket"], results)
        assert one.verdict is verdict
        assert "two cores" in one.untrusted
        assert len(one.decision.comparisons) == 2
    assert phrases.why(one) == "This run cannot be trusted on one core and two cores."
    assert phrases.take_home(one) == "No number yet."


def by_clients(**sockets: float) -> Results:
    """Make times of servers by their number of processes; a pipe takes 1."""
    found = {int(name[1:]): value for name, value in sockets.items()}

    def time(transport: str, pattern: str, size: int, processes: int, *rest: object) -> float:
        return 1e-5 * (found[processes] if transport == "unix-stream" else 1)

    planned = cells(("pipe", "unix-stream"), ("echo",), (64,), ("cross-core",), processes=found)
    return sweep(time, planned, noise=0.01, drift=0)


@pytest.mark.parametrize(
    ("sockets", "verdict"),
    [
        ({"n2": 1.5, "n4": 1.0, "n8": 0.6}, SUPPORTED),
        ({"n2": 0.6, "n4": 0.6, "n8": 0.6}, SUPPORTED),
        ({"n2": 0.6, "n4": 0.6, "n8": 1.5}, DEPENDS),
        ({"n2": 1.5, "n4": 1.5, "n8": 1.5}, REFUTED),
        ({"n2": 1.5, "n4": 1.0, "n8": 1.0}, ALIKE),
        ({"n4": 0.6}, UNDECIDED),
    ],
)
def test_many_clients_decide_if_sockets_scale(
    sockets: dict[str, float], verdict: ClaimVerdict
) -> None:
    one = judged(BY_ID["socket-scales"], by_clients(**sockets))
    assert one.verdict is verdict
    clients = [str(int(name[1:]) - 1) for name in sockets]
    assert phrases.take_home(one).startswith(f"With {', '.join(clients[:-1])}")
    assert bool(phrases.why(one)) is (verdict in (DEPENDS, REFUTED, UNDECIDED))


def test_a_map_saves_calls_by_size() -> None:
    for read, verdict in ((2e-6, SUPPORTED), (0.5e-6, REFUTED)):
        table = {"file-map": 1e-6, "file-read": read, "file-pread": read}
        one = judged(BY_ID["mmap-saves-io"], times(table, "file", processes=(1,)))
        assert one.verdict is verdict
        assert "A mapped file is" in phrases.take_home(one)


def test_an_undecided_contest_says_what_it_would_take() -> None:
    planned = cells(("fifo", "pipe"), sizes=(64,))
    results = sweep(lambda *rest: 1e-5, planned, noise=0.1, drift=0)
    one = judged(BY_ID["fifo-is-pipe"], results)
    assert one.verdict is UNDECIDED
    assert "1 of 1 contest undecided, which takes up to" in phrases.why(one)
    assert phrases.command(one) == BY_ID["fifo-is-pipe"].command


# Results and text.


def test_the_table_of_experiments_agrees() -> None:
    """Each experiment names the statements that read it."""
    readers: dict[str, set[str]] = {}
    for one in STATEMENTS:
        for name in one.experiments:
            readers.setdefault(name, set()).add(one.id)
    for name, experiment in EXPERIMENTS.items():
        assert {*experiment.statements} == readers.get(name, set()), name


def test_each_experiment_that_a_statement_names_exists() -> None:
    assert {name for one in STATEMENTS for name in one.experiments} <= set(EXPERIMENTS)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_each_figure_that_a_statement_reads_is_written(name: str) -> None:
    found = EXPERIMENTS[name].play()
    assert not found.skipped
    assert not found.failed
    for one in STATEMENTS:
        for rule in (rule for rule in one.rules if rule.source == name):
            assert rule.part or {*rule.figures} <= found.figures.keys()
    assert FIGURES[name].keys() <= found.figures.keys()
    assert TEXTS.get(name, {}).keys() <= found.texts.keys()


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda one: one.id)
def test_texts_name_figures_of_their_experiments(statement: Statement) -> None:
    known = (
        table.get(source, {}) for table in (FIGURES, TEXTS) for source in statement.experiments
    )
    figures = {name for each in known for name in each}
    for text in (statement.take_home, statement.if_refuted):
        assert {*phrases.names_in(text)} <= figures
    for rule in statement.rules:
        if rule.source != COUNTER_CELLS:
            assert {*rule.figures, *phrases.names_in(rule.text)} <= FIGURES[rule.source].keys()


@pytest.mark.parametrize("value", [-1e18, -0.5, 0.0, 1e-9, 0.5, 1e18])
def test_any_figure_has_a_text(value: float) -> None:
    results = Results(header())
    for name, figures in FIGURES.items():
        seen_here = Observation(experiment=name, figures=dict.fromkeys(figures, value))
        seen_here.rows.append({"a": value, "b": "text"})
        results.observations[name] = seen_here
    for statement in STATEMENTS:
        one = judged(statement, results)
        assert phrases.take_home(one)
        assert all(phrases.wanted(fact) and phrases.fact_text(fact) for fact in one.facts.found)
    assert phrases.cell(value)


def test_a_statement_counts_no_contest_of_another() -> None:
    results = times({"pipe": 1e-5, "unix-stream": 2e-5, "tcp": 4e-5})
    for name in ("pipe-beats-socket", "unix-vs-tcp"):
        one = judged(BY_ID[name], results)
        assert {each.contest.statement for each in one.decision.comparisons} == {name}
