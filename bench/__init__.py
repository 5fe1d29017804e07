"""The benchmark: plan, rounds, workers, journal, statistics. `ipcbench.bench.cli` starts it."""
