"""List of the profiles: what each measures, its cells on this machine, and its time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ipcbench.bench.commands.listing import words
from ipcbench.bench.commands.listing.tables import print_table

if TYPE_CHECKING:
    from ipcbench.bench.plan.planner import Plan
    from ipcbench.bench.plan.profile import Profile


def profiles() -> list[dict[str, Any]]:
    """Return an entry for each profile."""
    from ipcbench.bench.plan.profile import PROFILES, load_profile
    from ipcbench.bench.sweep.plans.planning import planned

    entries = []
    for name in PROFILES:
        profile = load_profile(name)
        found = planned(profile)
        entries.append(
            {
                "name": name,
                "about": profile.about,
                "for": words.PROFILES[name],
                "cells": len(found.cells),
                "skipped": len(found.skipped),
                "rounds": profile.settings.rounds,
                "adaptive": profile.settings.adaptive,
                "budget": profile.budget,
                "seconds": round(_seconds(profile, found)),
            }
        )
    return entries


def _seconds(profile: Profile, found: Plan) -> float:
    """Return about the seconds of a run of a profile; of an adaptive one, the most."""
    from ipcbench.bench.commands.orders.dry_run import forecast_of, seconds_of
    from ipcbench.bench.experiments.frame.schedule import chosen
    from ipcbench.bench.sweep.sweep import Order

    if profile.budget is not None:
        return profile.budget
    order = Order(profile, (), experiments=chosen(profile.experiments))
    return seconds_of(forecast_of(order, found), found)


def print_profiles(entries: Iterable[dict[str, Any]]) -> None:
    """Print the profiles as a table."""
    from ipcbench.bench.results.units import human_span

    rows = (
        (
            one["name"],
            one["about"],
            one["for"],
            _cells(one),
            f"{one['rounds']} and more" if one["adaptive"] else str(one["rounds"]),
            f"{'at most' if one['adaptive'] else 'about'} {human_span(one['seconds'])}",
        )
        for one in entries
    )
    print_table(("profile", "meaning", "for", "cells here", "rounds", "time"), rows)


def _cells(entry: dict[str, Any]) -> str:
    return f"{entry['cells']}" + (f", {entry['skipped']} skipped" if entry["skipped"] else "")
