"""For `alertd check`: what the daemon will ask of a source, asked once, with its own pages, fields and queries.

A server may answer every smaller question and still refuse these: a page longer than its window, a point in time, a
field that the key may not read.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from alertd import compose
from alertd.config import Settings
from alertd.errors import PartialError, PermanentError, RetryError
from alertd.poll.source import Source
from alertd.rules.compile import Clause, candidates, classification, window
from alertd.rules.model import RuleSet
from alertd.rules.named import asked_fields
from alertd.search import Hit, Search, SearchClient

# What a server says of a page that is longer than index.max_result_window.
_WINDOW = re.compile(r"less than or equal to: \[(\d+)\]")
_EVERYTHING: Clause = {"match_all": {}}


def refusals(name: str, rule_sets: Sequence[RuleSet], settings: Settings, client: SearchClient) -> Iterator[str]:
    """What of it the server refuses, and what to do. ConfigError of the profile."""
    source = compose.searching.source(name, settings.sources[name], settings.elasticsearch.timeout)
    steps = ("a search", _first_pages), ("a further page", _further_page), ("reading what was found", _classified)
    for what, step in steps:
        try:
            step(source, rule_sets, client)
        except (RetryError, PermanentError, PartialError) as error:
            yield f"{what}, as alertd run asks it, fails: {error}{_remedy(name, str(error))}"
            return  # the next step would fail in the same way


def _first_pages(source: Source, rule_sets: Sequence[RuleSet], client: SearchClient) -> list[Hit]:
    """A page of each search that a sweep begins with."""
    within = window(source.time_fields, source.look_back, ingest_field=source.ingest_field, undated=True)
    asked = [*candidates(rule_sets, within)] if rule_sets else [_EVERYTHING]
    return [hit for query in asked for hit in client.first_page(_search(source, query, source.profile.key_fields))]


def _further_page(source: Source, _: Sequence[RuleSet], client: SearchClient) -> list[Hit]:
    """From a point in time, and the one after it."""
    everything = _search(source, _EVERYTHING, source.profile.key_fields)
    return [hit for page in islice(client.paged(everything), 2) for hit in page]


def _classified(source: Source, rule_sets: Sequence[RuleSet], client: SearchClient) -> None:
    """With all that is read of an event; of any documents, where the rules match none."""
    ids = [hit.id for hit in _first_pages(source, rule_sets, client) or _first_pages(source, (), client)]
    for rule_set in rule_sets:
        fields = asked_fields(source.profile, rule_set)
        for query in classification(rule_set, ids[: source.page_size]):
            next(client.pages(_search(source, query, fields)), None)
            fields = ()


def _search(source: Source, query: Clause, fields: Sequence[str]) -> Search:
    return Search(source.index, query, tuple(fields), source.page_size, source.timeout)


def _remedy(name: str, refusal: str) -> str:
    longest = _WINDOW.search(refusal)
    return f" Set sources.{name}.page_size to {longest[1]} or less." if longest else ""
