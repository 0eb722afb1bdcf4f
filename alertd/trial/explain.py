"""Which part of a query an event does not match, and what the event has there."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from alertd.event.document import Document, as_text
from alertd.rules.language.parts import Part, all_parts, take_apart
from alertd.rules.model import Query, Sample
from alertd.trial.result import PartResult

# Of a value, what shows why a part of a query does not match it.
MOST_VALUE_CHARACTERS = 80
# Of several values of one field: any of them might have matched.
MOST_VALUES = 3

# Named queries → the names of those that match the event.
AskNames = Callable[[Sequence[tuple[str, Query]]], Collection[str]]


def explain(query: Query, sample: Sample, ask: AskNames) -> Iterator[PartResult]:
    """Each part of the query by itself."""
    [(whole, holding)] = _judged([query], ask)
    yield from _opened(whole.parts or (whole,), whole.joined, 0, holding, sample)


def misses(queries: Sequence[Query], ask: AskNames) -> list[int]:
    """Of each query, how many of its parts stand between it and the event; 0: it matches."""
    return [_missing(whole, holding) for whole, holding in _judged(queries, ask)]


def _judged(queries: Sequence[Query], ask: AskNames) -> list[tuple[Part, Collection[int]]]:
    """Each query taken apart, with the places in memory of its parts that match: a text may stand in it twice."""
    wholes = [take_apart(query) for query in queries]
    parts = [part for whole in wholes for part in all_parts(whole)]
    matched = ask([(str(number), part.query) for number, part in enumerate(parts)])
    holding = {id(part) for number, part in enumerate(parts) if str(number) in matched}
    return [(whole, holding) for whole in wholes]


def _missing(part: Part, holding: Collection[int]) -> int:
    if id(part) in holding:
        return 0
    below = [_missing(each, holding) for each in part.parts] or [1]
    return max(1, min(below) if part.joined == "OR" else sum(below))


def _opened(
    parts: Sequence[Part], joined: str, depth: int, holding: Collection[int], sample: Sample
) -> Iterator[PartResult]:
    """Shows what a part consists of only where that tells more: of what fails, and of several ways the nearest miss."""
    failing = [part for part in parts if id(part) not in holding and part.joined == "AND"]
    if joined == "OR":
        failing = sorted(failing, key=lambda part: sum(id(below) not in holding for below in part.parts))[:1]
    for part in parts:
        text = " ".join(part.query.text.split())
        values = tuple((name, value) for name in part.fields if (value := _value(sample.document, name, text)))
        yield PartResult(text, depth, id(part) in holding, values)
        if part in failing:
            yield from _opened(part.parts, part.joined, depth + 1, holding, sample)


def _value(document: Mapping[str, object], field: str, asked: str) -> str | None:
    """Also where the field is another way to look at a value: NAME.keyword, NAME.text. Of a long one the length
    too: a keyword may not keep it. Of many first those that are most like what the part of the query asks for."""
    path = tuple(field.split("."))
    own, above = (list(Document(document, {}).values([each])) for each in (path, path[:-1]))
    texts = [as_text(each) for each in own or above if not isinstance(each, Mapping)]
    found = [text for text in dict.fromkeys(texts) if text]
    if len(found) > MOST_VALUES:
        found.sort(key=lambda text: _likeness(text, asked), reverse=True)
    more = f" and {len(found) - MOST_VALUES:,} more" if len(found) > MOST_VALUES else ""
    return ", ".join(map(_short, found[:MOST_VALUES])) + more or None


def _likeness(value: str, asked: str) -> tuple[bool, float]:
    asked = (asked.partition(":")[2] or asked).lower()
    beginning, wanted = value.lower()[:MOST_VALUE_CHARACTERS], asked[:MOST_VALUE_CHARACTERS]
    return value.lower() in asked, SequenceMatcher(None, beginning, wanted, autojunk=False).ratio()


def _short(text: str) -> str:
    if len(text) <= MOST_VALUE_CHARACTERS:
        return text
    return f"{text[: MOST_VALUE_CHARACTERS - 1]}… ({len(text):,} characters)"
