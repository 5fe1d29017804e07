"""Results of a comparison of two arms: its journal, and what can be read from it."""
