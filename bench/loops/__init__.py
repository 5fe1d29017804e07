"""The timed loops in C, the clock and the buffers."""
