"""The contract of a transport, as tests that anybody can run on a transport of his own.

In a test file of yours, where pytest finds it::

    from ipcbench.transports.testing import ContractTests

    class TestMine(ContractTests):
        transport = "mine"              # a name that is registered, or a transport itself

and that is all: pytest runs every test of the contract over it, in real
processes, at each topology its traits name, and each trait is held against
what happens; where there are native operations, over those as well. A transport
that is unavailable on the machine is skipped with its reason; one whose plug-in
does not load fails. Where a facility has names that a caller may choose
(`Spec.name`), and they are no paths, also say what a free one looks like, by
overriding `free_name`.

This package needs pytest; the rest of `transports` does not.
"""

import pytest

# Before they are imported: it is what makes a failed `assert` there tell its values.
pytest.register_assert_rewrite(
    *(
        f"ipcbench.transports.testing.{module}"
        for module in (
            "transfer",
            "fan_out",
            "native_operations",
            "guard",
            "lifecycle",
            "polling",
            "in_place",
            "hub",
            "attachment",
            "signal",
        )
    )
)

from ipcbench.transports.testing.subject import Stage  # noqa: E402
from ipcbench.transports.testing.suite import ContractTests  # noqa: E402

__all__ = ["ContractTests", "Stage"]
