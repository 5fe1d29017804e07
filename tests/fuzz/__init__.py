"""Fuzzing of the four readers: the journal, pyperf's suite, profiles, thresholds.

    python -m tests.fuzz journal --seconds 600 --seed 1

Each reader has a module here: `SEEDS` are valid documents, `mutated` makes one
a little wrong, and `one` feeds the reader and everything behind it. It raises
where the outcome is anything but success or the documented refusal. Inputs that
once failed lie in `found/`, and `tests/unit/test_fuzz_found.py` plays them again.
"""
