"""The form of a statement: its text, and the data that decide it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class ClaimVerdict(Enum):
    """The verdict on a statement."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    DEPENDS = "depends"
    ALIKE = "no difference"  # everywhere, of at least the band
    UNDECIDED = "undecided"
    NONE = "not measured"  # no contest has both sides and rounds enough, no fact was observed


class Kind(Enum):
    """The form of a statement about times."""

    FASTEST = "shared memory is faster than all other facilities"
    FASTER = "the first of a pair is faster"
    EQUAL = "a pair is equal within the band"
    SAME = "a pair is the same mechanism: a time alone refutes nothing"
    SCALES = "the first of a pair is faster from some number of processes on"


@dataclass(frozen=True, slots=True)
class Speed:
    """The contests that judge a statement.

    Attributes:
        about: what the contests name as their statement; the part behind a comma names a group.
        options: of `ipcbench run`, which measure the cells of these contests.
        first, second: the sides, in a sentence.
    """

    kind: Kind
    about: tuple[str, ...]
    options: str
    first: str = "the first"
    second: str = "the second"


class Relation(Enum):
    """The relation of a figure to its bound, where a rule holds."""

    IS = ""
    ABOVE = "more than "
    BELOW = "less than "
    AT_LEAST = "at least "
    AT_MOST = "at most "

    def holds(self, figure: float, bound: float) -> bool:
        """Tell if a figure keeps the bound."""
        if self is Relation.IS:
            return figure == bound
        if self is Relation.ABOVE:
            return figure > bound
        if self is Relation.BELOW:
            return figure < bound
        return figure >= bound if self is Relation.AT_LEAST else figure <= bound


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for one figure of an experiment: it holds where the statement is true.

    Attributes:
        source: name of the experiment, or `COUNTER_CELLS`.
        plus: more figures of the source, which are added to it.
        bound: a number, or the name of another figure of the source.
        text: the finding in words, with figures in braces: `updates lost: {updates lost}`.
        otherwise: the verdict on the statement where the rule does not hold.
        part: of the statement. One rule of the same part suffices where the figures of the others
            are missing, since the machine lacks the facility, or their source was not played;
            "": the rule is a part of its own.
    """

    source: str
    figure: str
    relation: Relation
    bound: float | str
    text: str
    otherwise: ClaimVerdict = ClaimVerdict.REFUTED
    part: str = ""
    plus: tuple[str, ...] = ()

    @property
    def figures(self) -> tuple[str, ...]:
        """The names of the figures that decide it."""
        bound = (self.bound,) if isinstance(self.bound, str) else ()
        return (self.figure, *self.plus, *bound)


class Aside(Enum):
    """A cost beside the verdict, taken from the cells and contests of the run."""

    GUARDED_UPDATE = "a guarded update"
    POLLING = "a call of poll(2) before each read"
    SLEEPING = "a receiver that sleeps"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of the chapter.

    Attributes:
        section: of the chapter.
        speed: its contests; None: it is about facts alone.
        rules: for the figures of experiments.
        take_home: a sentence where all rules hold, with figures in braces.
        if_refuted: the sentence where a rule refutes it; "": the findings that do.
        note: known from elsewhere.
    """

    id: str
    section: str
    text: str
    speed: Speed | None = None
    rules: tuple[Rule, ...] = ()
    take_home: str = ""
    if_refuted: str = ""
    asides: tuple[Aside, ...] = ()
    note: str = ""

    @property
    def kind(self) -> Kind:
        """The form of its contests."""
        return Kind.FASTER if self.speed is None else self.speed.kind

    @property
    def about(self) -> Sequence[str]:
        return () if self.speed is None else self.speed.about

    @property
    def experiments(self) -> tuple[str, ...]:
        """The names of the experiments that its rules read."""
        names = dict.fromkeys(rule.source for rule in self.rules)
        return tuple(name for name in names if name != COUNTER_CELLS)

    @property
    def command(self) -> str:
        """The command that measures all that decides it.

        The smallest profile does where it is about facts alone.
        """
        cells = self.speed.options if self.speed else "--profile smoke"
        played = [f"--experiment {name}" for name in self.experiments]
        return " ".join(("ipcbench run", cells, *played))


COUNTER_CELLS = "counter cells"
"""Source of figures: the counters of the sweep, which are cells and no experiment."""
