"""Wait policy: the way in which native operations wait."""

from __future__ import annotations

from typing import NamedTuple

from ipcbench.transports.base import SYSTEM_CALLS, looks_of
from ipcbench.transports.contract import Spec, Wait


class WaitPolicy(NamedTuple):
    """The fields of a `struct wait_policy` (wait_policy.h), as the compiled part takes them."""

    nowait: bool = False
    poll: bool = False  # poll(2) first, then the facility's call
    exclusive_cpu: bool = False  # no other process uses this CPU: spinning need not yield it
    looks: int = 0  # before it sleeps; base.NEVER: it never sleeps
    interruptible: bool = False  # return from time to time, so that signal handlers can run

    @classmethod
    def of(cls, spec: Spec, looks: int = SYSTEM_CALLS) -> WaitPolicy:
        """Return the policy of a channel's receivers; of senders where `contract.Wait` says so.

        Args:
            spec: the channel's spec.
            looks: the facility's own default: see `base.looks_of`.
        """
        return cls(
            nowait=spec.nowait,
            poll=spec.wait is Wait.POLL,
            exclusive_cpu=spec.exclusive_cpus,
            looks=looks_of(spec, looks),
        )
