"""Results: their records, their files, and how they are read."""
