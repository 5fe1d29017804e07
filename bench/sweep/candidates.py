"""The transports and the CPUs of this machine, as the planner takes them."""

from __future__ import annotations

import traceback
from dataclasses import replace
from functools import cache, partial

from ipcbench.bench.loops import native_loops
from ipcbench.bench.machine.idle_states import may_forbid_idle
from ipcbench.bench.machine.topology import last_cache, topology
from ipcbench.bench.plan.placement import Site
from ipcbench.bench.plan.planner import Candidate
from ipcbench.bench.plan.self_trial import to_itself
from ipcbench.bench.results.files import describe
from ipcbench.transports import registry
from ipcbench.transports.base.memory import free_memory
from ipcbench.transports.base.os_errors import remedy
from ipcbench.transports.base.proc import no_proc
from ipcbench.transports.contract import Limits, Unavailable
from ipcbench.transports.registry import BrokenPlugin


@cache
def candidate(name: str) -> Candidate:
    """Examine a transport on this machine, once."""
    found = _examine(name)
    if isinstance(found.found, Unavailable):
        _release(found.found)
    lack = no_proc()
    if lack is not None and isinstance(found.found, Unavailable):
        return replace(found, found=lack)  # the cause of whatever its probe has met
    return found


def _examine(name: str) -> Candidate:
    found = registry.get(name)
    if isinstance(found, BrokenPlugin):
        return Candidate(name, None, found.reason)
    try:
        limits = found.probe()
        own = limits.native if isinstance(limits, Limits) else None
        lack = native_loops.missing() or own
        return Candidate(name, found.traits, limits, lack, partial(to_itself, found))
    except Unavailable as error:
        return Candidate(name, found.traits, error)
    except OSError as error:
        _release(error)
        reason = str(error) if error.errno is None else f"its probe fails: {describe(error)}"
        return Candidate(name, found.traits, Unavailable(reason, remedy(error)))
    except Exception as error:  # a plug-in's probe may raise anything
        _release(error)
        return Candidate(name, None, Unavailable(f"its probe fails: {error!r}"))


def _release(reason: BaseException) -> None:
    """Free what a failed probe has half made, such as the pipe of a queue without a lock.

    The frames of its traceback refer to it, and its descriptors would stay open meanwhile.
    """
    chain: list[BaseException] = []
    cause: BaseException | None = reason
    while cause is not None and cause not in chain:  # a plug-in may raise an error from itself
        chain.append(cause)
        traceback.clear_frames(cause.__traceback__)
        cause = cause.__cause__ or cause.__context__


def site() -> Site:
    """Return the CPUs of this machine, and its free memory."""
    return Site(topology(), may_forbid_idle(), free_memory("memory"), last_cache())


def native_reasons() -> list[Unavailable]:
    """Return the reasons, each once, why native operations cannot be driven here."""
    missing = native_loops.missing()
    if missing is not None:
        return [missing]
    found = [one for one in map(candidate, registry.names()) if one.traits and one.traits.native]
    own = [one.native for one in found if one.native is not None]
    return list({(one.reason, one.remedy): one for one in own}.values())
