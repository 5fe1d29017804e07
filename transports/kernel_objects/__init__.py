"""Kernel objects with a name: private names, and the ledger that lists them until they are gone."""

from ipcbench.transports.kernel_objects.kernel_name import KernelName, fresh_folder, remove_folder
from ipcbench.transports.kernel_objects.ledger import announce, withdraw
from ipcbench.transports.kernel_objects.names import fresh_key, fresh_name
from ipcbench.transports.kernel_objects.ownership import check_ours, open_ours

__all__ = [
    "KernelName", "announce", "check_ours", "fresh_folder", "fresh_key", "fresh_name",
    "open_ours", "remove_folder", "withdraw",
]  # fmt: skip
