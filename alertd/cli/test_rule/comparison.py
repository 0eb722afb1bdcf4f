"""The outcome of a comparison of rules, for people, programs and pull requests."""

from collections.abc import Iterator
from dataclasses import dataclass

from alertd.cli import show
from alertd.cli.test_rule.drawing import UNDATED
from alertd.cli.test_rule.formats import Format, annotation, cell
from alertd.event.event import Event
from alertd.message.escape import clean

_SIGNS = {"adds": "+", "loses": "-", "moves": "→"}
_MOST_SHOWN = 60  # characters of any one value


@dataclass(frozen=True, slots=True)
class Moved:
    kind: str  # "adds", "loses" or "moves"
    before: tuple[str, ...]
    after: tuple[str, ...]
    event: Event
    where: str


@dataclass(frozen=True, slots=True)
class Comparison:
    events: int  # that were compared; on a cluster, those that either version could match
    adds: int
    loses: int
    moves: int
    changes: tuple[Moved, ...]  # the first of them
    unjudged: tuple[str, ...]  # what could not be compared, and why


def comparison_report(form: Format, found: Comparison, against: str) -> str:
    match form:
        case Format.JSON:
            return show.json_text({"against": against, **_counts(found), **_details(found)})
        case Format.GITHUB:
            lines = [f"{summary(found, against)}", *_text_lines(found)]
            return "\n".join([annotation("notice", "", "alertd test-rule --against", "\n".join(lines[:11])), *lines])
        case Format.MARKDOWN:
            return "\n".join(_markdown(found, against))
        case _:
            return "\n".join([*_text_lines(found), summary(found, against)])


def summary(found: Comparison, against: str) -> str:
    counts = f"adds {found.adds:,}, loses {found.loses:,}, moves {found.moves:,}"
    return f"{counts} of {found.events:,} events against {against}"


def _counts(found: Comparison) -> dict[str, object]:
    return {"events": found.events, "adds": found.adds, "loses": found.loses, "moves": found.moves}


def _details(found: Comparison) -> dict[str, object]:
    changes = [
        {
            "kind": moved.kind,
            "before": moved.before,
            "after": moved.after,
            "id": moved.event.id,
            "time": None if moved.event.time == UNDATED else moved.event.time,
            "account": moved.event.account,
            "action": moved.event.action,
            "where": moved.where,
        }
        for moved in found.changes
    ]
    return {"changes": changes, "unjudged": found.unjudged}


def _rules(moved: Moved) -> str:
    if moved.kind == "moves":
        return f"{', '.join(moved.before)} → {', '.join(moved.after)}"
    return ", ".join(moved.after or moved.before)


def _facts(moved: Moved) -> list[str]:
    event = moved.event
    facts = (event.action, event.account, event.id, moved.where)
    return [_when(event), *(clean(fact, _MOST_SHOWN) for fact in facts if fact)]


def _when(event: Event) -> str:
    return "no time" if event.time == UNDATED else show.moment(event.time)


def _text_lines(found: Comparison) -> Iterator[str]:
    for moved in found.changes:
        yield f"{_SIGNS[moved.kind]} {_rules(moved)}  {'  '.join(_facts(moved))}"
    if rest := found.adds + found.loses + found.moves - len(found.changes):
        yield f"… and {rest:,} more"
    for text in found.unjudged:
        yield f"not compared: {clean(text, 300)}"


def _markdown(found: Comparison, against: str) -> Iterator[str]:
    yield f"### Rules: {cell(summary(found, against))}"
    if found.changes:
        yield ""
        yield "| | rule | time (UTC) | action | account | event |"
        yield "|---|---|---|---|---|---|"
    for moved in found.changes:
        event = moved.event
        facts = (moved.kind, _rules(moved), _when(event), event.action, event.account, event.id)
        yield f"| {' | '.join(cell(clean(fact or '', _MOST_SHOWN)) for fact in facts)} |"
    if rest := found.adds + found.loses + found.moves - len(found.changes):
        yield f"\n… and {rest:,} more"
    for text in found.unjudged:
        yield f"\nNot compared: {cell(clean(text, 300))}"
