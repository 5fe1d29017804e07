"""Inputs that once broke a reader: each is accepted or refused now."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.fuzz import guard
from tests.fuzz.__main__ import FOUND

INPUTS = sorted(FOUND.iterdir())


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name)
def test_found_inputs_break_no_reader(path: Path) -> None:
    reader = importlib.import_module(f"tests.fuzz.{path.name.partition('-')[0]}")
    guard.run(reader.outcome, path.read_bytes())
