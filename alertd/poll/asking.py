"""What a scan asks the search server beside its candidates: which rules take them, and what happened around them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from alertd.enrich.around import look_around
from alertd.errors import PartialError
from alertd.ledger.model import Match, MatchKind
from alertd.poll.source import Source
from alertd.rules.compile import classification
from alertd.rules.model import RuleSet
from alertd.rules.named import asked_fields
from alertd.search import Hit, Search, SearchClient


def question(source: Source, query: Mapping[str, object], fields: Sequence[str], *, part: bool) -> Search:
    return Search(source.index, query, tuple(fields), source.page_size, source.timeout, part)


def classified(
    hits: Sequence[Hit], rule_set: RuleSet, source: Source, search: SearchClient, *, part: bool
) -> dict[tuple[str, str], Hit]:
    """The same documents with the fields that messages need and the names of the rules that match them.

    PartialError unless each search tells of every one: a rule, or an exception, that was not asked may take it.
    """
    found: dict[tuple[str, str], Hit] = {}
    if not hits:
        return found
    wanted = {(hit.index, hit.id) for hit in hits}
    fields = asked_fields(source.profile, rule_set)
    for query in classification(rule_set, [hit.id for hit in hits]):
        told = set[tuple[str, str]]()
        for page in search.pages(question(source, query, fields, part=part)):
            for hit in page:
                told.add((hit.index, hit.id))
                known = found.get((hit.index, hit.id))
                if fields:
                    found[hit.index, hit.id] = hit
                elif known:
                    found[hit.index, hit.id] = replace(known, matched=known.matched + hit.matched)
        fields = ()  # the first search told the content, the others tell further names only
        if gone := wanted - told:
            one = min(gone)[1]
            raise PartialError(
                f"{len(gone)} documents of {source.index} disappeared between two searches, {one} for one"
            )
    return found


def is_candidate(hit: Hit, rule_set: RuleSet) -> bool:
    return any(name == f"set:{rule_set.id}" or name.startswith(f"rule:{rule_set.id}/") for name in hit.matched)


def with_surroundings(matches: Sequence[Match], source: Source, search: SearchClient) -> list[Match]:
    alerts = [match.event for match in matches if match.kind is MatchKind.ALERT]
    around = look_around(
        alerts, index=source.index, profile=source.profile, time_fields=source.time_fields, client=search
    )
    return [replace(match, event=replace(match.event, around=around.get(match.event.key))) for match in matches]
