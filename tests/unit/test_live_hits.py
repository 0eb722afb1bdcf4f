"""What `alertd test-rule --live` and `alertd audit` take from the search: all of it, or an error."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from alertd.cli.test_rule.live import hits
from alertd.config import load_settings
from alertd.errors import PartialError
from alertd.rules.model import Query, Rule, RuleFacts, RuleSet, Severity
from alertd.search import Hit, Search
from tests.simulation.world import Faults, Index, SimulatedClock
from tests.unit.configuration import GOOD, write

_FACTS = RuleFacts("root", "root-used", "Root was used", Severity.HIGH)
_QUERY = Query("dsl", "{}", {"match_all": {}}, "root.toml:1")
RULES = RuleSet("root", "cloudtrail", None, (Rule(_FACTS, _QUERY, ("security",), "root.toml:1"),), Path("root.toml"))


@dataclass(slots=True)
class Shrinking(Index):
    """It loses a document between two searches."""

    there: tuple[str, ...] = ("d1", "d2")

    def pages(self, search: Search) -> Iterator[tuple[Hit, ...]]:
        there, self.there = self.there, self.there[1:]
        yield tuple(Hit("trail", name, {}, matched=("root-used",)) for name in there)


def test_a_document_that_disappears_between_two_searches_is_an_error_and_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit would count one event less, and call it proven."""
    monkeypatch.chdir(tmp_path)
    settings = load_settings(write(GOOD))
    index = Shrinking(SimulatedClock(), Faults(Random(1), crash=0, search=0))
    with pytest.raises(PartialError, match="disappeared between two searches, d1 for one"):
        list(hits(RULES, settings, index, timedelta(days=1), fields=("*",)))
