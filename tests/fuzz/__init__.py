"""Fuzzing of the four readers: the journal, pyperf's suite, profiles, thresholds.

    python -m tests.fuzz journal --seconds 600 --seed 1

Each reader has a module here: `SEEDS` are valid documents, `mutated` alters one
slightly, and `outcome` feeds it to the reader and all code behind it. It raises
unless the result is success or the documented refusal. Inputs that once failed
are in `found/`, and `tests/unit/test_fuzz_found.py` runs them again.
"""
