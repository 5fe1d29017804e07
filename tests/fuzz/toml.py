"""Small changes to TOML: to a value, a line, a table, or any bytes."""

from __future__ import annotations

import json
import random
import re

from tests.fuzz import mutation

_VALUE = re.compile(r'"[^"\n]*"|(?<![\w.])-?\d[\w.+-]*|\btrue\b|\bfalse\b')
_VALUES = (
    "true", "false", "[]", "{}", "[[]]", "[{}]", '""', "''", "1979-05-27", "07:32:00", "nan", "inf",
    "-inf", "1e400", "1979-05-27T00:32:00.999999-07:00", '"""\n"""', "0x7fffffffffffffff", "0o7",
    "9" * 300, "9" * 5000, "[" * 400, "[[1], [2, [3]]]", "{ a.b.c = 1 }",
)  # fmt: skip


def mutated(data: bytes, rng: random.Random, words: tuple[str, ...]) -> bytes:
    """Change a document; `words` are the format's words, as they are written."""
    text = data.decode(errors="surrogateescape")
    for _ in range(rng.choice((1, 1, 2, 4))):
        choice = rng.random()
        if choice < 0.75:
            text = _value(rng, text, words)
        elif choice < 0.95:
            border = rng.choice(("\n[", "\n[", "\n"))  # whole tables, or lines
            text = border.join(mutation.lines(rng, text.split(border)))
        else:
            return mutation.raw(rng, text.encode(errors="surrogateescape"))
    return text.encode(errors="surrogateescape")


def _value(rng: random.Random, text: str, words: tuple[str, ...]) -> str:
    there = list(_VALUE.finditer(text))
    if not there:
        return text
    found = rng.choice(there)
    return text[: found.start()] + _other(rng, found[0], words) + text[found.end() :]


def _other(rng: random.Random, value: str, words: tuple[str, ...]) -> str:
    choice = rng.random()
    if choice < 0.6:
        alike = [word for word in words if word.startswith('"') is value.startswith('"')]
        return rng.choice(alike or words)
    if choice < 0.7:
        return rng.choice(words + _VALUES)
    if choice < 0.8:
        return str(rng.choice(mutation.NUMBERS))
    if choice < 0.9:
        return ",\n".join([value] * rng.choice((2, 10, 900)))
    return json.dumps(mutation.text(rng, value.strip('"')))
