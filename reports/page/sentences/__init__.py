"""The sentence under the heading of each section: its answer, with a number from the run."""
