"""Print the harness's own figures."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from ipcbench.bench.results.units import human_seconds
from tests.bench_self import (
    blocks,
    control,
    cost_model,
    cpu,
    decide,
    estimates,
    gate_simulation,
    growth,
    inline,
    load,
    page,
    parts,
    python_costs,
    reference,
    share,
    startup,
)

NO_RUN = "  no run there: make bench"


class Options(argparse.Namespace):
    parts: list[str]
    runtime: str
    rounds: int
    only: str
    results: Path
    suites: int | None
    pairs: int


def _inline(options: Options) -> None:
    print("our send and recv_into divided by the same calls inline, 64 B, same core (target: 1.10)")
    for name, found in inline.measure().items():
        print(
            f"  {name:22} {found.median:.3f}  {found.low:.3f} to {found.high:.3f}"
            f"  ({found.coverage:.1%}, {found.n} pairs)"
        )


def _estimates(options: Options) -> None:
    print("seconds of a run as forecast by --dry-run, page included (target: within 20 %)")
    for one in estimates.measure(options.only):
        print(
            f"  {one.order:60} {one.cells:5} cells  {one.expected:6.0f} s forecast"
            f"  {one.real:6.0f} s real  {one.expected / one.real:.2f}",
            flush=True,
        )


def _startup(options: Options) -> None:
    print("from fork to the first timed block, channel checked (target: 20 ms)")
    for name, found in startup.measure().items():
        print(
            f"  {name:22} {human_seconds(found.median):>8}  {human_seconds(found.low)} to "
            f"{human_seconds(found.high)}  ({found.coverage:.1%}, {found.n} starts)"
        )


def _runs(options: Options) -> None:
    print(
        f"a run of two processes beside its blocks, by part, {options.rounds} runs (target: 13 ms)"
    )
    for line in parts.lines(options.rounds, options.only):
        print(line)


def _share(options: Options) -> None:
    latest = Path("results/latest")
    found = share.read(latest) if latest.exists() else share.measure()
    print("share of a sweep's wall time inside timed blocks (target: 50 % of quick)")
    print(
        f"  {found.timed / found.wall:.1%} of {found.wall:.0f} s, {found.runs} runs, "
        f"{found.rounds} rounds of {found.round_wall:.1f} s"
        f" ({'results/latest' if latest.exists() else 'measured now'})"
    )


def _growth(options: Options) -> None:
    print("per run, for more and more cells (target: constant)")
    for found in growth.measure():
        print(
            f"  {found.cells:5} cells  journal {human_seconds(found.write):>8}"
            f"  schedule {human_seconds(found.schedule):>8}  kept {found.kept:6.0f} B a cell"
        )


def _reference(options: Options) -> None:
    print(f"our {options.runtime} loop divided by plain C (tests/reference), interleaved")
    for line in reference.measure(options.runtime, options.rounds, options.only):
        print(line)


def _python_costs(options: Options) -> None:
    print("cost of Python at 64 B: time in Python, natively, ratio, difference")
    for line in python_costs.measure(options.rounds, options.only):
        print(line)


def _blocks(options: Options) -> None:
    print("figures by the loops of a block, divided by those of the longest (target: 0.95 to 1.05)")
    for line in blocks.measure(options.rounds, options.only):
        print(line)


def _load(options: Options) -> None:
    print(f"quick, {options.rounds} rounds, as the machine is, and beside {load.BUSY} processes")
    for line in load.measure(options.rounds, options.only):
        print(line)


def _control(options: Options) -> None:
    print(f"smallest slow-down found in 95 % of resampled runs of {options.results}")
    found = options.results.exists()
    for line in control.read(options.results, options.only) if found else [NO_RUN]:
        print(line)


def _decide(options: Options) -> None:
    print(f"contests of {options.results}, in suites that are drawn from its noise")
    for line in decide.measure(options.results, options.suites or decide.SUITES):
        print(line, flush=True)


def _gate_simulation(options: Options) -> None:
    print("the gate's false alarms and power, by pairs of equal arms that are recorded here")
    suites = options.suites or gate_simulation.SUITES
    for line in gate_simulation.measure(options.pairs, suites, options.only):
        print(line, flush=True)


def _cpu(options: Options) -> None:
    latest = Path("results/latest")
    print("CPU time divided by elapsed time, cells on one CPU of results/latest (target: 1.01)")
    for line in cpu.read(latest) if latest.exists() else [NO_RUN]:
        print(line)


def _model(options: Options) -> None:
    print(f"parts of the round trips on one core of {options.results}")
    found = options.results.exists()
    for line in cost_model.read(options.results) if found else [NO_RUN]:
        print(line)


def _page(options: Options) -> None:
    print(f"ipcbench report, of {options.results} and of a synthetic run")
    for line in page.measure(options.results):
        print(line, flush=True)


PARTS: dict[str, Callable[[Options], None]] = {
    "inline": _inline,
    "startup": _startup,
    "runs": _runs,
    "share": _share,
    "growth": _growth,
    "reference": _reference,
    "python_costs": _python_costs,
    "cpu": _cpu,
    "control": _control,
    "model": _model,
}
LONG: dict[str, Callable[[Options], None]] = {  # by name alone
    "blocks": _blocks,
    "estimates": _estimates,
    "load": _load,
    "decide": _decide,
    "gate-simulation": _gate_simulation,
    "page": _page,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-self", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="part",
        help=f"by default {', '.join(PARTS)}; also {', '.join(LONG)}",
    )
    parser.add_argument("--runtime", choices=("native", "python"), default="native")
    parser.add_argument(
        "--rounds", type=int, default=12, help="of runs, reference, python_costs, blocks, load"
    )
    parser.add_argument("--only", default="", help="lines of these with this text: 'tcp', '64 B'")
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("results/latest"),
        help="the folder of a run, of model, control, decide and page",
    )
    parser.add_argument(
        "--suites",
        type=int,
        help=f"of decide, by default {decide.SUITES}, and of gate-simulation, by default "
        f"{gate_simulation.SUITES}",
    )
    parser.add_argument(
        "--pairs",
        type=int,
        default=gate_simulation.PAIRS,
        help="that gate-simulation records of each cell",
    )
    options = parser.parse_args(namespace=Options())
    known = PARTS | LONG
    unknown = [name for name in options.parts if name not in known]
    if unknown:
        parser.error(f"no part {unknown[0]!r}: there are {', '.join(known)}")
    for name in options.parts or list(PARTS):
        known[name](options)


if __name__ == "__main__":
    main()
