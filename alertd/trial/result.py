"""What became of a rule test, for people and programs."""

from dataclasses import dataclass

from alertd.rules.model import RuleTest


@dataclass(frozen=True, slots=True)
class PartResult:
    text: str
    depth: int  # below the part above it that is one less deep
    holds: bool
    values: tuple[tuple[str, str], ...]  # what the event has in the fields that the part names


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One event of a test that did not turn out as expected."""

    where: str  # the event's place
    expected: str
    got: str
    hint: str = ""
    parts: tuple[PartResult, ...] = ()
    diff: tuple[str, ...] = ()  # of messages: lines that begin with "-" were expected, with "+" are there


@dataclass(frozen=True, slots=True)
class Result:
    rule_set: str
    rule: str
    test: RuleTest
    mismatches: tuple[Mismatch, ...]
    # What the test's snapshot should hold; None: it has none, or its events do not turn out as expected at all.
    snapshot: str | None = None

    @property
    def passed(self) -> bool:
        return not self.mismatches
