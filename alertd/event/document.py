"""A search hit as paths to values: nested, with dotted keys or both; one value or a list.

Promises never to raise, whatever JSON the document holds, and to keep only a bounded part of any value.
It must not know what the values mean: that is the profile's and the event's.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import filterfalse

Path = tuple[str, ...]

# A responder reads less than this of any one value; a document may hold one of many megabytes.
MOST_CHARACTERS = 4_000
# Lists in lists, objects in objects: deeper ones are nobody's log, and would exhaust the stack.
MOST_NESTING = 20
# As long as an id can be in an event key before its digest stands for it.
MOST_KEY_CHARACTERS = 200
# Every profile's paths and more: a path may end with an action's name, which the document chooses.
MOST_REMEMBERED_PATHS = 2_000
# A request's policy, a record of Athena; what is longer is not worth parsing for a fact in it.
MOST_PARSED_CHARACTERS = 50_000
# Several facts are read from one text, one after the other.
MOST_REMEMBERED_TEXTS = 4
# Larger integers are no id, account or date; Python refuses to print those of some thousand digits.
MOST_INTEGER_BITS = 256
# Seconds since 1970 in the years 1973 and 2200: no log has others. What is neither that nor the same in milli-, micro-
# or nanoseconds counts something else: 20261123130512 is no moment of the year 2612.
LEAST_EPOCH_SECONDS = 100_000_000
MOST_EPOCH_SECONDS = 7_258_118_400

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"\d{9,19}(\.\d{1,9})?", re.ASCII)  # fewer digits may be a date: 20260414
# Of a web server, of mail, and with slashes: the year first, for what day 03/04/2026 is nobody knows.
_DATES = ("%d/%b/%Y:%H:%M:%S%z", "%a, %d %b %Y %H:%M:%S%z", "%Y/%m/%d %H:%M:%S%z", "%Y/%m/%d %H:%M:%S")
_SPACED_ZONE = re.compile(r" ?(UTC|GMT|[+-]\d\d:?\d\d)$", re.ASCII)
_PAIR = re.compile(r"(?<=[{,])\s{0,9}([A-Za-z][\w.-]{0,99})=([^,={}\[\]]{1,999})(?=[,}])")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")  # SQLite's text ends at NUL, and UTF-8 has no lone surrogates
_PLAIN_KEY = re.compile(rf"(?!~)[^\0-\x20:\x7f\ud800-\udfff]{{1,{MOST_KEY_CHARACTERS}}}")
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Document:
    source: Mapping[str, object]
    fields: Mapping[str, tuple[object, ...]]  # what the search answered beside it, for what _source lacks

    def values(self, paths: Iterable[Path]) -> Iterator[object]:
        """Whatever stands at the paths, in their order: no lists, nothing that is empty."""
        for path in paths:
            yield from _values(self.source, path, MOST_NESTING)
            yield from filterfalse(_is_whole_object, _values(self.fields, path, MOST_NESTING))


def _is_whole_object(answered: object) -> bool:
    """Asked for a part of a flat_object that is not there, OpenSearch answers with all of it, as "{Mfa=Virtual}"."""
    return isinstance(answered, str) and answered.startswith("{") and answered.endswith("}")


def as_text(value: object) -> str | None:
    """Any value for people: cut, and fit to be stored; an object as compact JSON."""
    text = _scalar(value)
    if text is None and isinstance(value, Mapping):
        text = _compact(value)
    return _cut(text) if text else None


def as_word(value: object) -> str | None:
    """As as_text, but an object is not an answer."""
    text = _scalar(value)
    return _cut(text) if text else None


def as_key(value: object) -> str | None:
    """What stands for the value in an event key. Never a cut: two events must not share a key."""
    text = _scalar(value)
    if not text or _PLAIN_KEY.fullmatch(text):
        return text or None
    return "~" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def as_flag(value: object) -> bool | None:
    word = as_word(value)
    return _FLAGS.get(word.lower()) if word else None


def as_moment(value: object) -> datetime | None:
    """ISO 8601 (UTC where it names no zone), or a number of seconds, milli-, micro- or nanoseconds since 1970."""
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, (int, float)):
            return _since_epoch(float(value))
        text = as_word(value) or ""
        if _NUMBER.fullmatch(text):
            return _since_epoch(float(text))
        moment = _written(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _written(text: str) -> datetime:
    """ISO 8601, or as other programs write a date that can be read in one way only. ValueError."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        plain = _SPACED_ZONE.sub(lambda zone: "Z" if zone[1].isalpha() else zone[1], text)
        for form in _DATES:
            try:
                return datetime.strptime(plain, form)  # noqa: DTZ007 its reader adds what zone is missing
            except ValueError:
                continue
        return datetime.fromisoformat(plain)


def _values(node: object, path: Path, nesting: int) -> Iterator[object]:
    if isinstance(node, (list, tuple)):
        if nesting:
            for item in node:
                yield from _values(item, path, nesting - 1)
    elif not path:
        if node not in (None, "", {}):
            yield node
    elif isinstance(node, Mapping):
        for name, rest in _steps(path):
            if name in node:
                yield from _values(node[name], rest, nesting)
    elif isinstance(node, str) and nesting and node.lstrip()[:1] in {"{", "["}:
        yield from _values(parsed(node), path, nesting - 1)


@lru_cache(MOST_REMEMBERED_TEXTS)
def parsed(text: str) -> object:
    """An object or list that a shipper stored as text: JSON, or {name=value, …} as Elastic's integration does it."""
    if len(text) > MOST_PARSED_CHARACTERS:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pairs: list[tuple[str, str]] = _PAIR.findall(text)
        # a value could hold what looks like another pair: a name that stands there twice says nothing
        often = Counter(name for name, _ in pairs)
        return {name: value for name, value in pairs if often[name] == 1}


@lru_cache(MOST_REMEMBERED_PATHS)
def _steps(path: Path) -> tuple[tuple[str, Path], ...]:
    """Every name that may stand next, a part of the path or several with their dots, and the path below it."""
    return tuple((".".join(path[:length]), path[length:]) for length in range(1, len(path) + 1))


def _scalar(value: object) -> str | None:
    """A single value as the document has it, of any length. A number is the same text however it was written."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, int) and value.bit_length() <= MOST_INTEGER_BITS:
        return str(value)
    return None


def _cut(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        text = text[: MOST_CHARACTERS - 1] + "…"
    return _UNSTORABLE.sub("\ufffd", text)


def _compact(value: object) -> str:
    """JSON, written only as far as it is kept."""
    written, length = [], 0
    for piece in _pieces(value, MOST_NESTING):
        written.append(piece)
        length += len(piece)
        if length > MOST_CHARACTERS:
            break
    return "".join(written)


def _pieces(value: object, nesting: int) -> Iterator[str]:
    if isinstance(value, (Mapping, list, tuple)) and not nesting:
        yield '"…"'
    elif isinstance(value, Mapping):
        yield "{"
        for position, (name, item) in enumerate(value.items()):
            yield f"{',' if position else ''}{_quoted(name)}:"
            yield from _pieces(item, nesting - 1)
        yield "}"
    elif isinstance(value, (list, tuple)):
        yield "["
        for position, item in enumerate(value):
            yield "," if position else ""
            yield from _pieces(item, nesting - 1)
        yield "]"
    elif isinstance(value, (bool, int, float)):
        yield _scalar(value) or '"…"'
    else:
        yield "null" if value is None else _quoted(value)


def _quoted(value: object) -> str:
    return json.dumps(str(value)[: MOST_CHARACTERS + 1], ensure_ascii=False)


def _since_epoch(number: float) -> datetime | None:
    for parts in (1, 1_000, 1_000_000, 1_000_000_000):
        if LEAST_EPOCH_SECONDS <= number / parts < MOST_EPOCH_SECONDS:
            return _EPOCH + timedelta(seconds=number / parts)
    return None
