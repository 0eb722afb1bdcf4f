"""Which part of a query an event does not match, and what the event has there."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from alertd.document import Document, as_text
from alertd.rules.model import Query, Sample
from alertd.rules.parts import Part, all_parts, take_apart
from alertd.trial.result import PartResult

# Of a value, what shows why a part of a query does not match it.
MOST_VALUE_CHARACTERS = 80

# Named queries → the names of those that match the event.
AskNames = Callable[[Sequence[tuple[str, Query]]], Collection[str]]


def explain(query: Query, sample: Sample, ask: AskNames) -> Iterator[PartResult]:
    """Each part of the query by itself."""
    whole = take_apart(query)
    # by their place in memory: the same text may stand in a query twice
    names = {id(part): str(number) for number, part in enumerate(all_parts(whole))}
    matched = ask([(names[id(part)], part.query) for part in all_parts(whole)])
    holding = {place for place, name in names.items() if name in matched}
    yield from _opened(whole.parts or (whole,), whole.joined, 0, holding, sample)


def _opened(
    parts: Sequence[Part], joined: str, depth: int, holding: Collection[int], sample: Sample
) -> Iterator[PartResult]:
    """Shows what a part consists of only where that tells more: of what fails, and of several ways the nearest miss."""
    failing = [part for part in parts if id(part) not in holding and part.joined == "AND"]
    if joined == "OR":
        failing = sorted(failing, key=lambda part: sum(id(below) not in holding for below in part.parts))[:1]
    for part in parts:
        values = tuple((name, value) for name in part.fields if (value := _value(sample.document, name)))
        yield PartResult(" ".join(part.query.text.split()), depth, id(part) in holding, values)
        if part in failing:
            yield from _opened(part.parts, part.joined, depth + 1, holding, sample)


def _value(document: Mapping[str, object], field: str) -> str | None:
    """Also where the field is another way to look at a value: NAME.keyword, NAME.text."""
    path = tuple(field.split("."))
    found = next(Document(document, {}).values([path, path[:-1]]), None)
    text = None if isinstance(found, Mapping) else as_text(found)
    return text[: MOST_VALUE_CHARACTERS - 1] + "…" if text and len(text) > MOST_VALUE_CHARACTERS else text
