"""What measures: plan, rounds, workers, journal, statistics. `bench.cli` is its face."""
