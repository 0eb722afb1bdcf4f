"""Looks at what the shards that answer hold while others do not: how far each goes back, and when one is due.

The whole look-back is read once in a sweep's interval, however often the sweep is tried meanwhile. In between, each
poll reads what came since the look before. None of this counts as searched.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from alertd.clock import Clock
from alertd.errors import PartialError
from alertd.rules.model import RuleSet


class PartToldError(PartialError):
    """What the shards that answer hold is told meanwhile. Nothing counts as searched."""


@dataclass(slots=True)
class Looks:
    """Those of one source. They may be forgotten: the next one goes back further."""

    clock: Clock
    _began: dict[str, float] = field(default_factory=dict)  # by rule set: the last look of any reach
    _deep: dict[str, float] = field(default_factory=dict)  # by rule set: the last of the whole look-back

    def is_due(self, rule_sets: Sequence[RuleSet], every: timedelta) -> bool:
        """Whether the whole look-back is to be read again."""
        since = _oldest(self._deep, rule_sets)
        return since is None or self.clock.elapsed_seconds() - since >= every.total_seconds()

    def reach(self, rule_sets: Sequence[RuleSet], *, longest: timedelta, overlap: timedelta) -> timedelta:
        """Back to where the look before began."""
        since = _oldest(self._began, rule_sets)
        if since is None:
            return longest
        return min(longest, timedelta(seconds=self.clock.elapsed_seconds() - since) + overlap)

    def has_seen(self, rule_set: RuleSet) -> bool:
        return rule_set.id in self._began

    def note(self, rule_sets: Sequence[RuleSet], began_seconds: float, *, deep: bool) -> None:
        """One that read all it was to read."""
        for rule_set in rule_sets:
            # polls and sweeps run beside each other
            self._began[rule_set.id] = max(began_seconds, self._began.get(rule_set.id, began_seconds))
            if deep:
                self._deep[rule_set.id] = began_seconds


def _oldest(by_rule_set: dict[str, float], rule_sets: Sequence[RuleSet]) -> float | None:
    """None where one of them was not looked for."""
    times = [by_rule_set.get(rule_set.id) for rule_set in rule_sets]
    known = [time for time in times if time is not None]
    return min(known) if known and len(known) == len(times) else None
