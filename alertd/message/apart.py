"""The dot between two facts is ours: a value from a log that holds it must not look like two facts."""

import re
from dataclasses import fields, replace
from functools import lru_cache

from alertd.event.event import Event

# Ours, and those that nobody can tell from it. Blanks make a dot a separator, so it keeps the one and loses the others.
_DOTS = re.compile("[\\s\u200b]*([\u00b7\u0387\u2022\u2027\u2219\u22c5\u30fb])[\\s\u200b]*")
# By these it is found again: they are no words of a line.
_IDENTITY = {"key", "index", "document_id", "profile"}


@lru_cache(1)
def _names() -> tuple[str, ...]:
    return tuple(field.name for field in fields(Event) if field.name not in _IDENTITY)


def apart(event: Event) -> Event:
    """The same event, no fact of which looks like several."""
    changed: dict[str, object] = {}
    for name in _names():
        value = getattr(event, name)
        if isinstance(value, str) and not value.isascii():
            changed[name] = joined(value)
        elif isinstance(value, tuple):
            changed[name] = tuple(map(joined, value))
    return replace(event, **changed)  # type: ignore[arg-type] # a fact stays of its type


def joined(text: str) -> str:
    return _DOTS.sub(r"\1", text)
