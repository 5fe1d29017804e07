"""The contract of a transport as a suite of tests, for the transports of plug-ins too.

Write a test file::

    from ipcbench.transports.testing import ContractTests

    class TestMine(ContractTests):
        transport = "mine"              # a registered name, or a transport object

pytest then runs every test of the contract over it, in real processes, for each topology
of its traits, and checks each trait; where it has native operations, over those as well.
A transport that is unavailable on the machine is skipped with its reason. A plug-in that
does not load is a failure. Where a caller can choose the facility's names (`Spec.name`) and
they are not paths, override `free_name` to return a free one.

This package needs pytest; the rest of `transports` does not.
"""

import pytest

# Before the import: pytest rewrites their `assert` so that a failure shows the values.
pytest.register_assert_rewrite(
    *(
        f"ipcbench.transports.testing.{module}"
        for module in (
            "transfer",
            "fan_out",
            "native_operations",
            "synchronisation",
            "lifecycle",
            "in_place",
            "hub",
            "attachment",
            "waiting",
            "objects",
            "programs.lengths",
            "programs.start_methods",
        )
    )
)

from ipcbench.transports.testing.subject import Subject  # noqa: E402
from ipcbench.transports.testing.suite import ContractTests  # noqa: E402

__all__ = ["ContractTests", "Subject"]
