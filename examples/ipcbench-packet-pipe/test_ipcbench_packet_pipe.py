from transports.testing import ContractTests


class TestPacketPipe(ContractTests):
    transport = "packet-pipe"
