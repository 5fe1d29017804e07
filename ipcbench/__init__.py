"""The cost of inter-process communication on Linux: `transports`, `bench` and `reports`."""
