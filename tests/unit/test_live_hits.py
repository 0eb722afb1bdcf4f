"""What `alertd test-rule --live` and `alertd audit` take from the search: all of it, or an error."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alertd.cli.test_rule.live import hits
from alertd.config import load_settings
from alertd.errors import PartialError
from alertd.rules.model import Query, Rule, RuleFacts, RuleSet, Severity
from alertd.search import Hit, Search, Server
from tests.unit.configuration import GOOD, write

_FACTS = RuleFacts("root", "root-used", "Root was used", Severity.HIGH)
_QUERY = Query("dsl", "{}", {"match_all": {}}, "root.toml:1")
RULES = RuleSet("root", "cloudtrail", None, (Rule(_FACTS, _QUERY, ("security",), "root.toml:1"),), Path("root.toml"))


class Shrinking:
    """An index that loses a document between two searches."""

    def __init__(self) -> None:
        self.documents = ["d1", "d2"]

    def pages(self, search: Search) -> Iterator[tuple[Hit, ...]]:
        there, self.documents = self.documents, self.documents[1:]
        yield tuple(Hit("trail", name, {}, matched=("root-used",)) for name in there)

    def server(self) -> Server:
        return Server("elasticsearch", "9.0.0", "test")

    def server_time(self) -> datetime | None:
        return None

    def field_types(self, index: str, fields: tuple[str, ...]) -> Mapping[str, frozenset[str]]:
        return {}

    def indices(self, index: str) -> tuple[str, ...]:
        return (index,)

    def validate(self, index: str, query: Mapping[str, object]) -> str | None:
        return None

    def close(self) -> None:
        pass


def test_a_document_that_disappears_between_two_searches_is_an_error_and_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit would count one event less, and call it proven."""
    monkeypatch.chdir(tmp_path)
    settings = load_settings(write(GOOD))
    with pytest.raises(PartialError, match="disappeared between two searches, d1 for one"):
        list(hits(RULES, settings, Shrinking(), timedelta(days=1), fields=("*",)))
