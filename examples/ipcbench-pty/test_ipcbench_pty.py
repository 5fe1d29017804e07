from transports.testing import ContractTests


class TestPty(ContractTests):
    transport = "pty"
