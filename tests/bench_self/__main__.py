"""Print the harness's own figures."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.sizes import human_seconds
from tests.bench_self import growth, inline, share, startup


def _inline() -> None:
    print("our send and recv_into / the same calls inline, 64 B, same core (target: 1.10)")
    for name, found in inline.measure().items():
        print(
            f"  {name:22} {found.median:.3f}  {found.low:.3f} to {found.high:.3f}"
            f"  ({found.coverage:.1%}, {found.n} pairs)"
        )


def _startup() -> None:
    print("from fork to the first timed block, channel checked (target: 20 ms)")
    for name, found in startup.measure().items():
        print(
            f"  {name:22} {human_seconds(found.median):>8}  {human_seconds(found.low)} to "
            f"{human_seconds(found.high)}  ({found.coverage:.1%}, {found.n} starts)"
        )


def _share() -> None:
    latest = Path("results/latest")
    found = share.read(latest) if latest.exists() else share.measure()
    print("share of a sweep's wall time inside timed blocks (target: 50 % of quick)")
    print(
        f"  {found.timed / found.wall:.1%} of {found.wall:.0f} s, {found.runs} runs, "
        f"{found.rounds} rounds of {found.round_wall:.1f} s"
        f" ({'results/latest' if latest.exists() else 'measured now'})"
    )


def _growth() -> None:
    print("per run, as cells grow (target: constant)")
    for found in growth.measure():
        print(
            f"  {found.cells:5} cells  journal {human_seconds(found.write):>8}"
            f"  schedule {human_seconds(found.schedule):>8}  kept {found.kept:6.0f} B a cell"
        )


PARTS = {"inline": _inline, "startup": _startup, "share": _share, "growth": _growth}


def main() -> None:
    wanted = sys.argv[1:] or list(PARTS)
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        raise SystemExit(f"no part {unknown[0]!r}: there are {', '.join(PARTS)}")
    for name in wanted:
        PARTS[name]()


if __name__ == "__main__":
    main()
