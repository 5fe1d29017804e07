"""Words of the page: their meanings, and their mark where running text uses them first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from markupsafe import Markup

MEANINGS: Mapping[str, str] = {
    "band": "the difference that counts: 5 % on one core and on two cores awake, 20 % elsewhere",
    "cell": "one facility in one situation: what a row of the table of all results is about",
    "contest": "a comparison of two sides in one situation, planned before the first run",
    "control": "a cell measured again, as it is or slowed on purpose, to see what the run can tell",
    "C": "the timed loop is written in C; its time is that of the kernel and of the caches",
    "fresh": "a payload that is written anew for each message, and read by the receiver",
    "in flight": "the bytes that one direction of a channel holds before its sender waits",
    "in place": "the receiver reads the bytes where they lie in shared memory, without a copy",
    "interval": "the range that contains the true median with the coverage that is given",
    "median": "half of the rounds took longer, half of them less",
    "one core": "all processes run on one CPU (placement same-core)",
    "one way": "a message in one direction, without an answer",
    "p50": "half of all single times are shorter: the median of single times",
    "p99": "99 of 100 single times are shorter",
    "placement": "the CPUs on which the processes may run",
    "Python": "the timed loop is written in Python",
    "round": "one visit to every cell, in random order, each with new processes and channels",
    "round trip": "a message and an answer of the same size: both ways together",
    "sleeping": "the process waits in the facility's call, and the kernel wakes it",
    "spinning": "the process looks again and again and never sleeps: it takes a whole CPU",
    "tier": "the facilities that no other one beats by more than the band",
    "twin": "a cell that is measured a second time: both should have the same time",
    "two cores": "the processes in turn on two cores, or on more where there are as many; a core "
    "may go idle while its processes wait (placement cross-core)",
    "two cores awake": "as two cores, with idle states forbidden (placement cross-core-awake)",
    "void": "a run that does not count, since other work took time from it",
}


_PLAIN = ("C", "Python", "round", "cell")  # words that a sentence uses without being explained
_WORD = re.compile(rf"\b({'|'.join(sorted(MEANINGS, key=len, reverse=True))})\b")


class Terms:
    """The words of one page. Calling it marks a word where it is used first, as `abbr`."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def __call__(self, word: str, shown: str = "") -> Markup:
        """Return the word, or another form of it; the first time with its meaning."""
        text = shown or word
        if word in self._seen:
            return Markup("{}").format(text)
        self._seen.add(word)
        return Markup('<abbr title="{}">{}</abbr>').format(MEANINGS[word], text)

    def marked(self, text: str) -> Markup:
        """Mark the words of a sentence that no text has used before, each with its meaning."""
        pieces = _WORD.split(text)
        return Markup("").join(
            self(piece) if piece in MEANINGS and piece not in _PLAIN else piece for piece in pieces
        )

    @property
    def entries(self) -> Sequence[tuple[str, str]]:
        """All words with their meanings, in alphabetical order."""
        return sorted(MEANINGS.items(), key=lambda entry: entry[0].lower())
