"""Ends whose calls spend a delay: where it lies, and that nothing else changes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from ipcbench.bench.loops import native_loops
from ipcbench.bench.loops.buffers import aligned_buffer
from ipcbench.bench.loops.clock import RealClock
from ipcbench.bench.loops.delays import slow_end
from ipcbench.bench.patterns import counter
from ipcbench.bench.patterns import self as to_itself
from ipcbench.bench.patterns.part import Part, Seat
from ipcbench.bench.workers.block_runner import BlockRunner
from ipcbench.transports.contract import Role
from ipcbench.transports.native import built
from tests.plugins.capsules import capsule
from tests.unit.bench.parts import PARTS, extra, name
from tests.unit.bench.test_loops import CALLS, MESSAGE, Script, variable
from tests.unit.bench.test_native_loops import Script as NativeScript
from tests.unit.bench.test_native_loops import a_message

needs_native = pytest.mark.skipif(built() is not None, reason=str(built()))
LONG = 2_000_000  # turns
LASTS = 0.25e-3  # seconds, at least: a turn takes a cycle


def with_delays(part: Part, calls: str) -> str:
    """Return the calls with a `d` where a delay is due."""
    if part.starts:
        return "".join("d" + one if one in "sSn]" else one for one in calls)
    return "".join(one + "d" if one in "rRw" else one for one in calls)


def buffer_of(part: Part) -> memoryview:
    return variable() if part is counter.MEMBER else memoryview(bytearray(16))


@pytest.mark.parametrize("part", PARTS, ids=name)
def test_a_delay_lies_before_sending_or_behind_receiving(
    part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(clients=(0, 0, 0), messages=3)

    def slow_call(call: Callable[..., Any], before: int, behind: int) -> Callable[..., Any]:
        def spend(*arguments: Any) -> Any:
            script.calls += "d" if before else ""
            result = call(*arguments)
            script.calls += "d" if behind else ""
            return result

        return spend

    monkeypatch.setattr(slow_end, "slow_call", slow_call)
    end = slow_end.slow_end(script, 5, starts=part.starts)
    span = part.loop(end, MESSAGE, buffer_of(part), 3, script, *extra(part, 3))
    assert script.calls == "t" + with_delays(part, CALLS[part](3)) + "t"
    assert span.handled == 3


@needs_native
@pytest.mark.parametrize("part", PARTS, ids=name)
def test_the_delays_of_operations(part: Part) -> None:
    script = NativeScript(messages=3, two=part is to_itself.BOTH)
    loop, message = native_loops.twin(part.loop), a_message()
    buffer = variable() if part is counter.MEMBER else aligned_buffer(16)
    if part.marks:
        message = buffer  # in which the end mark is written
    end = slow_end.slow_end(script, LONG, starts=part.starts)
    span = loop(end, message, buffer, 3, RealClock(), *extra(part, 3))
    assert script.calls == CALLS[part](3)
    delays = with_delays(part, script.calls).count("d")
    assert delays >= 3
    assert span.end - span.start > delays * LASTS
    began = time.perf_counter()
    quick = slow_end.slow_end(script, 1, starts=part.starts)
    loop(quick, message, buffer, 3, RealClock(), *extra(part, 3))
    assert time.perf_counter() - began < span.end - span.start


@pytest.mark.parametrize("compiled", [False, pytest.param(True, marks=needs_native)])
def test_a_call_of_python_is_slowed(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not compiled:
        monkeypatch.setattr(native_loops, "compiled", None)
    turns = LONG if compiled else LONG // 10
    for before, behind in ((turns, 0), (0, turns)):
        slow = slow_end.slow_call(divmod, before, behind)
        began = time.perf_counter()
        assert slow(7, 3) == (2, 1)
        assert time.perf_counter() - began > LASTS
        with pytest.raises(ZeroDivisionError):
            slow(7, 0)


@needs_native
def test_turns_that_no_delay_has_are_refused() -> None:
    for turns in (-1, (1 << 40) + 1):
        with pytest.raises(ValueError, match="turns"):
            native_loops.compiled.slow_call(len, turns)
        with pytest.raises(ValueError, match="turns"):
            native_loops.compiled.delayed(capsule(notify=lambda: 0), turns)
    with pytest.raises(ValueError, match="capsule"):
        native_loops.compiled.delayed(object(), 1)


@needs_native
def test_an_operation_that_is_absent_stays_absent() -> None:
    loop = native_loops.twin(counter.count_up)
    script = NativeScript()
    script.capsule = native_loops.compiled.delayed(capsule(send=lambda *_: 0), 1)
    with pytest.raises(TypeError, match="acquire"):
        loop(script, a_message(), variable(), 1, RealClock())


def test_the_end_keeps_what_a_loop_leaves_there() -> None:
    script = Script()
    end: Any = slow_end.slow_end(script, 1, starts=True)
    end.phases = [1.0]
    assert script.phases == [1.0]  # type: ignore[attr-defined]
    assert end.clients is script.clients if hasattr(script, "clients") else True


@pytest.mark.parametrize("native", [False, pytest.param(True, marks=needs_native)])
def test_a_block_without_a_delay_has_the_end_itself(
    native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Any] = []

    def loop(endpoint: Any, *_: Any) -> Any:
        taken.append(endpoint)
        return native_loops.Span(0.0, 1.0, 1)

    script = NativeScript() if native else Script()
    part = PARTS[0]
    seat = Seat(0, Role.CLIENT, 0, part)
    monkeypatch.setattr(script, "prepare", lambda data: data, raising=False)
    runner = BlockRunner(
        script,  # type: ignore[arg-type]
        seat, 16, RealClock(), variable(), native=native,
    )  # fmt: skip
    runner.loop = loop
    runner.prepare(1)()
    runner.prepare(1, turns=3)()
    plain, slow = taken
    assert plain is script
    assert isinstance(slow, slow_end.SlowEnd)


@needs_native
def test_what_is_wrapped_is_kept_as_long_as_the_wrapper() -> None:
    call, inner = (lambda: 3), capsule(notify=lambda: 0)
    before = sys.getrefcount(call), sys.getrefcount(inner)
    slow = native_loops.compiled.slow_call(call, 1, 1)
    delayed = native_loops.compiled.delayed(inner, 1, 1)
    assert (sys.getrefcount(call), sys.getrefcount(inner)) == (before[0] + 1, before[1] + 1)
    assert slow() == 3
    del slow, delayed
    assert (sys.getrefcount(call), sys.getrefcount(inner)) == before
