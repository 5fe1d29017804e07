"""Kernel objects with a name: private names, and the ledger that lists them until they are gone."""

from ipcbench.transports.kernel_objects.ledger import announce, withdraw
from ipcbench.transports.kernel_objects.names import fresh_key, fresh_name

__all__ = ["announce", "fresh_key", "fresh_name", "withdraw"]
