"""Experiments that are really played against a statement turn its verdict."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from ipcbench.bench.experiments.memory import map_keeps, segment_life, unsignalled_reads
from ipcbench.bench.experiments.pipes import pipe_deadlock, pipe_multiplex
from ipcbench.bench.experiments.pipes.exchange import WRITE_FIRST, deadlocks
from ipcbench.bench.experiments.queues import queue_types, what_stays
from ipcbench.bench.experiments.semaphores import lost_updates, semaphore_misuse, waiting_cpu
from ipcbench.bench.experiments.semaphores.waiting_cpu import LOOP, Way
from ipcbench.bench.results.records import Observation
from ipcbench.bench.results.results import Results
from ipcbench.reports.page.texts import statement_phrases as phrases
from ipcbench.reports.verdicts.chapter import STATEMENTS
from ipcbench.reports.verdicts.statements.judging import Judged, Material, judge
from ipcbench.reports.verdicts.statements.statement import ClaimVerdict
from ipcbench.reports.verdicts.trust import assess
from ipcbench.transports.contract import Mapping, Wait
from tests.available import available
from tests.synthetic import header
from tests.unit.bench.test_memory_experiments import NoCounter
from tests.unit.bench.test_queue_experiments import EmptiedQueue
from tests.unit.bench.test_semaphore_experiments import OpenGuard

BY_ID = {one.id: one for one in STATEMENTS}
SEMAPHORES = ("posix-sem", "sysv-sem")


def judged(statement: str, seen: Observation) -> Judged:
    results = Results(header())
    results.observations[seen.experiment] = seen
    return judge(BY_ID[statement], Material(results, [], [], assess(results, [])))


def open_guards(monkeypatch: pytest.MonkeyPatch) -> Observation:
    real = available("posix-sem")
    monkeypatch.setattr(lost_updates, "transport", lambda name: OpenGuard(real))
    return lost_updates.play()


def guards_that_open(monkeypatch: pytest.MonkeyPatch) -> Observation:
    real = available("posix-sem")
    names = (*SEMAPHORES, "sysv-sem without SEM_UNDO")
    makers = {name: lambda: OpenGuard(real) for name in names}
    return semaphore_misuse.play(makers, makers)


def spinning_semaphores(monkeypatch: pytest.MonkeyPatch) -> Observation:
    monkeypatch.setattr(Way, "text", property(lambda way: way.name))
    return waiting_cpu.play((Way("posix-sem", Wait.SPIN), Way(LOOP)))


def no_deadlock(monkeypatch: pytest.MonkeyPatch) -> Observation:
    return pipe_deadlock.play(lambda *given, **options: False)


def polling_in_vain(monkeypatch: pytest.MonkeyPatch) -> Observation:
    ways = pipe_multiplex.WAYS | {"with poll": partial(deadlocks, WRITE_FIRST)}
    return pipe_multiplex.play(ways)


def queues_that_lose(monkeypatch: pytest.MonkeyPatch) -> Observation:
    emptied = {"sysv-queue": partial(EmptiedQueue, "sysv-queue")}
    return what_stays.play(what_stays.PLACES | emptied)


def one_type_for_all(monkeypatch: pytest.MonkeyPatch) -> Observation:
    available("sysv-queue")
    return queue_types.play(lambda pair: 1)


def removed_too_early(monkeypatch: pytest.MonkeyPatch) -> Observation:
    return segment_life.play(early=True)


def never_removed(monkeypatch: pytest.MonkeyPatch) -> Observation:
    available("sysv-queue")
    return segment_life.play(lambda name: None)


def private_maps(monkeypatch: pytest.MonkeyPatch) -> Observation:
    return map_keeps.play(shared=Mapping.PRIVATE)


def shared_instead_of_private(monkeypatch: pytest.MonkeyPatch) -> Observation:
    return map_keeps.play(private=Mapping.SHARED)


def semaphores_that_do_not_wait(monkeypatch: pytest.MonkeyPatch) -> Observation:
    signals = unsignalled_reads.SIGNALS | {"posix-sem": NoCounter}
    return unsignalled_reads.play(signals)


def signalled_reads(monkeypatch: pytest.MonkeyPatch) -> Observation:
    available("posix-sem")
    waits = unsignalled_reads.SIGNALS["posix-sem"]
    return unsignalled_reads.play(unsignalled_reads.SIGNALS | {unsignalled_reads.WITHOUT: waits})


@pytest.mark.parametrize(
    ("statement", "play"),
    [
        ("semaphore-guards", open_guards),
        ("semaphore-deadlock", guards_that_open),
        ("semaphore-idles", spinning_semaphores),
        ("pipe-half-duplex", no_deadlock),
        ("pipe-multiplex", polling_in_vain),
        ("mq-keeps", queues_that_lose),
        ("mq-types", one_type_for_all),
        ("shm-persists", removed_too_early),
        ("shm-persists", never_removed),
        ("mmap-keeps", private_maps),
        ("mmap-keeps", shared_instead_of_private),
        ("shm-needs-signal", semaphores_that_do_not_wait),
        ("shm-needs-signal", signalled_reads),
    ],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_a_contradicting_experiment_refutes(
    statement: str,
    play: Callable[[pytest.MonkeyPatch], Observation],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = judged(statement, play(monkeypatch))
    assert one.verdict is ClaimVerdict.REFUTED
    assert phrases.take_home(one)
