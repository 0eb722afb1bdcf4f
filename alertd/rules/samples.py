"""Sample events of rule tests: tables in the rule file, JSON files (an object or a list), NDJSON files; snapshots."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from pathlib import Path

from alertd.rules.model import Sample, Snapshot

_LINES = (".ndjson", ".jsonl")


class SampleError(Exception):
    """Says which file, which line, and what is wrong with it."""


def _refuse_number(name: str) -> object:
    raise ValueError(f"{name} is no number")


# Search servers refuse NaN and Infinity, and do not say why.
_STRICT = json.JSONDecoder(parse_constant=_refuse_number)


def table_sample(table: Mapping[str, object], where: str) -> Sample:
    """What the table would be as JSON: TOML's own dates become texts."""
    try:
        document = json.loads(json.dumps(table, default=_as_text, allow_nan=False))
    except ValueError as error:
        raise SampleError("an event cannot hold inf or nan: JSON has no such numbers") from error
    return Sample(document, where)


def read_samples(path: Path, shown: str) -> Iterator[Sample]:
    """`shown`: the file as the rule names it. SampleError."""
    text = _text(path, shown)
    read = _lines if path.suffix in _LINES else _whole
    if read is _whole and _is_many_lines(text):
        raise SampleError(
            f"{shown} is not JSON: it has one event a line, so its name must end in {' or '.join(_LINES)}"
        )
    yield from _some(read(text, shown), shown)


def parse_samples(text: str, shown: str) -> Iterator[Sample]:
    """Of a text whose name does not say what it is: one event, a list of them, or one in each line. SampleError."""
    yield from _some((_lines if _is_many_lines(text) else _whole)(text, shown), shown)


def parse_event(text: str, where: str) -> Mapping[str, object]:
    """One event. SampleError."""
    return _as_event(_parse(text.rstrip(), where), where)


def read_snapshot(path: Path, shown: str) -> Snapshot:
    """Of a file that need not be there yet. SampleError."""
    return Snapshot(shown, str(path), _text(path, shown) if path.exists() else None)


def _text(path: Path, shown: str) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise SampleError(f"{shown} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SampleError(f"{shown} is not UTF-8: {error.reason} at byte {error.start}") from error


def _lines(text: str, shown: str) -> Iterator[Sample]:
    # not splitlines(): JSON may hold the other line separators of Unicode within its texts
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{shown}:{number}"
            yield Sample(parse_event(line, where), where)


def _whole(text: str, shown: str) -> Iterator[Sample]:
    if not text.strip():
        return
    value = _parse(text, shown)
    if not isinstance(value, list):
        yield Sample(_as_event(value, shown), shown)
        return
    for number, item in enumerate(value, start=1):
        where = f"{shown}, event {number}"
        yield Sample(_as_event(item, where), where)


def _some(samples: Iterator[Sample], shown: str) -> tuple[Sample, ...]:
    found = tuple(samples)
    if not found:
        raise SampleError(f"{shown} holds no event")
    return found


def _is_many_lines(text: str) -> bool:
    first, _, more = text.strip().partition("\n")
    return bool(more) and _is_json(first)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _parse(text: str, where: str) -> object:
    try:
        value: object = _STRICT.decode(text)
    except RecursionError as error:
        raise SampleError(f"{where} is nested too deeply") from error
    except ValueError as error:
        raise SampleError(f"{where} is not JSON: {error}") from error
    return value


def _as_text(value: date | time) -> str:
    return value.isoformat()


def _as_event(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise SampleError(f"{where} must be an event, a JSON object")
    for is_it, what, take in _WRAPPINGS:
        if is_it(value):
            raise SampleError(f"{where} is {what}, not an event: write {take}")
    return value


def _lists(value: Mapping[str, object], name: str, part: str = "") -> bool:
    """Whether there is a list of objects of this name, each with `part`."""
    some = value.get(name)
    if not isinstance(some, list) or (part and not some):
        return False
    return all(isinstance(each, dict) and (not part or part in each) for each in some)


def _is_answer(value: object) -> bool:
    """To a search; `took` and what else stands beside the hits may have been cut off, or the outer "hits" with it."""
    if not isinstance(value, dict):
        return False
    hits = value.get("hits")
    if isinstance(hits, dict):
        return "took" in value or _lists(hits, "hits")
    return _lists(value, "hits", "_source") or _lists(value, "hits", "_index")


# What people save, or are told to by runbooks: how it is known, what it is, and which part of it is the event.
_WRAPPINGS: tuple[tuple[Callable[[Mapping[str, object]], bool], str, str], ...] = (
    (lambda it: "_index" in it and isinstance(it.get("_source"), dict), "a hit of a search", 'its "_source" alone'),
    (
        lambda it: isinstance(it.get("_source"), dict) and "_id" in it,
        "a hit of a search",
        'its "_source" alone',
    ),
    (
        lambda it: {"_index", "_id"} <= it.keys() and isinstance(it.get("fields"), dict),
        "a hit of a search without its event",
        'what the search answers as "_source"',
    ),
    (
        lambda it: _is_answer(it) or any(_is_answer(it.get(name)) for name in ("rawResponse", "response")),
        "the answer to a search",
        'the "_source" of one hit',
    ),
    (
        lambda it: _lists(it, "responses", "hits") or _lists(it, "docs", "_index"),
        "the answer to several searches",
        'the "_source" of one hit',
    ),
    (
        lambda it: _lists(it, "Records") and "eventName" not in it,
        "a log file of CloudTrail",
        'the list "Records" alone, or one event of it',
    ),
    (
        lambda it: _lists(it, "Events", "CloudTrailEvent"),
        "what aws cloudtrail lookup-events answers",
        "what stands as text in \"CloudTrailEvent\", for example by jq '.Events[].CloudTrailEvent | fromjson'",
    ),
    (
        lambda it: isinstance(it.get("CloudTrailEvent"), str),
        "an entry of aws cloudtrail lookup-events",
        "what stands as text in \"CloudTrailEvent\", for example by jq '.CloudTrailEvent | fromjson'",
    ),
    (
        lambda it: _lists(it, "events", "message") and "eventName" not in it,
        "what aws logs filter-log-events answers",
        "what stands as text in \"message\", for example by jq '.events[].message | fromjson'",
    ),
    (
        lambda it: _lists(it, "entries", "logName"),
        "what Google's entries.list answers",
        'the list "entries" alone, or one entry of it',
    ),
)
