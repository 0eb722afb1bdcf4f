"""Sample events of rule tests: tables in the rule file, JSON files (an object or a list), NDJSON files; snapshots."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path

from alertd.rules.model import Sample, Snapshot


class SampleError(Exception):
    """Says which file, which line, and what is wrong with it."""


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
    read = _lines if path.suffix in {".ndjson", ".jsonl"} else _whole
    samples = tuple(read(text, shown))
    if not samples:
        raise SampleError(f"{shown} holds no event")
    yield from samples


def parse_samples(text: str, shown: str) -> Iterator[Sample]:
    """Of a text whose name does not say what it is: one event, a list of them, or one in each line. SampleError."""
    first, _, more = text.strip().partition("\n")
    is_lines = bool(more) and _is_json(first)
    samples = tuple((_lines if is_lines else _whole)(text, shown))
    if not samples:
        raise SampleError(f"{shown} holds no event")
    yield from samples


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
            yield Sample(_as_event(_parse(line, where), where), where)


def _whole(text: str, shown: str) -> Iterator[Sample]:
    value = _parse(text, shown)
    if not isinstance(value, list):
        yield Sample(_as_event(value, shown), shown)
        return
    for number, item in enumerate(value, start=1):
        where = f"{shown}, event {number}"
        yield Sample(_as_event(item, where), where)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _parse(text: str, where: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SampleError(f"{where} is not JSON: {error}") from error
    return value


def _as_text(value: date | time) -> str:
    return value.isoformat()


def _as_event(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise SampleError(f"{where} must be an event, a JSON object")
    return value
