"""Construction of native operations for an endpoint, where they are built on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ipcbench.transports.base import Gatherer, SpinningGatherer
from ipcbench.transports.contract import Spec
from ipcbench.transports.native.endpoint import built, operations
from ipcbench.transports.native.wait_policy import WaitPolicy


def build(name: str, *arguments: Any) -> object | None:
    """Call a builder of the compiled part; None where that is not built.

    Args:
        name: the builder's name.
        arguments: its arguments, the endpoint first.
    """
    if built() is not None:
        return None
    capsule: object = getattr(operations, name)(*arguments)
    return capsule


def build_over_descriptors(
    name: str,
    endpoint: object,
    spec: Spec,
    reading: Iterable[int],
    writing: Iterable[int],
    *more: Any,
    gatherer: Gatherer | SpinningGatherer | None = None,
    size: int | None = None,
) -> object | None:
    """Build the operations over an endpoint's descriptors; None where they are not built.

    Args:
        name: the builder's name.
        endpoint: the endpoint, which the operations keep alive.
        spec: the channel's spec.
        reading: the descriptors that are received on, in the order of the peers.
        writing: the descriptors that are sent over, in the same order.
        more: the builder's further arguments.
        gatherer: waits for several descriptors.
        size: the largest message, where it is not the spec's.
    """
    return build(
        name,
        endpoint,
        tuple(reading),
        tuple(writing),
        spec.size if size is None else size,
        gatherer is not None,
        gatherer.fileno() if isinstance(gatherer, Gatherer) else -1,
        WaitPolicy.of(spec),
        *more,
    )
