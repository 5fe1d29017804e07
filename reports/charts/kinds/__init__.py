"""The charts of a page, a file for each question."""
