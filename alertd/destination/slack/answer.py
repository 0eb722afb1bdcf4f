"""What Slack answers, read once and as a whole. Whatever is odd in it is no answer of Slack's; nothing here raises."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

# Blocks within blocks within a message of a page are some ten levels deep. Deeper ones end more than one reader.
MOST_LEVELS = 64

_OK = 200
_TS = re.compile(r"[0-9]{1,16}\.[0-9]{1,16}", re.ASCII)
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{1,40}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the Web API, or what came instead of one."""

    status: int
    headers: Mapping[str, str]
    text: str
    data: Mapping[str, Any] | None  # Slack's JSON, not ours to type; None where the answer is no JSON of Slack's

    @property
    def is_ok(self) -> bool:
        return self.status == _OK and self.data is not None and self.data.get("ok") is True

    @property
    def word(self) -> str:
        """Slack's own for what is wrong; empty where it says none."""
        if self.data is None or self.data.get("ok") is not False:
            return ""
        word = self.data.get("error")
        return word if isinstance(word, str) else ""

    def get(self, name: str) -> Any:
        return self.data.get(name) if self.data else None

    def header(self, name: str) -> str | None:
        return header(self.headers, name)


def answer(status: int, headers: Mapping[str, str], text: str) -> Answer:
    return Answer(status, headers, text, json_object(text))


def json_object(text: str) -> Mapping[str, Any] | None:
    """None: not a JSON object; one that says a thing twice, has a number that is none, or is too deep to be read."""
    try:
        read = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) and _is_shallow(read) else None


def as_ts(value: object) -> str | None:
    """A message's ts, if it is one."""
    return value if isinstance(value, str) and _TS.fullmatch(value) else None


def as_channel(value: object) -> str | None:
    """A channel's id, if it is one."""
    return value if isinstance(value, str) and _CHANNEL.fullmatch(value) else None


def header(headers: Mapping[str, str], name: str) -> str | None:
    return next((value for known, value in headers.items() if known.lower() == name), None)


def moment(text: str) -> datetime | None:
    """A date as HTTP writes it; None if it is none."""
    try:
        date = parsedate_to_datetime(text)
        return date.astimezone(UTC) if date.tzinfo else None
    except (ValueError, TypeError, OverflowError, IndexError):  # what it makes of dates that nobody would write
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("the same name twice: which one counts?")
    return made


def _refuse(number: str) -> None:
    raise ValueError(f"{number} is no JSON")


def _is_shallow(data: object) -> bool:
    level = [data]
    for _ in range(MOST_LEVELS):
        below = [node.values() if isinstance(node, dict) else node for node in level if isinstance(node, (dict, list))]
        level = [node for nodes in below for node in nodes]
        if not level:
            return True
    return False
