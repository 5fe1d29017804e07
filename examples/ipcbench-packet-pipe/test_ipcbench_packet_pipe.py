from ipcbench.transports.testing import ContractTests


class TestPacketPipe(ContractTests):
    transport = "packet-pipe"
