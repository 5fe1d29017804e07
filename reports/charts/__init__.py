"""Charts as data, without matplotlib."""
