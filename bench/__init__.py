"""What measures: plan, rounds, workers, journal, statistics. `ipcbench.bench.cli` is its face."""
