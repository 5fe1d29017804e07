"""Results of a comparison of two arms, and of a selftest: what can be read from their files."""
