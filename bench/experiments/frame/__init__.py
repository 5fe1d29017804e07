"""Frame of the experiments: their schedule in a sweep, their runner, and its process."""
