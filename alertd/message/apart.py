"""The dot between two facts is ours, and so are the signs that begin a message: a value from a log must not look like
two facts, nor like something that alertd says of it.
"""

import re
from dataclasses import fields, replace
from functools import lru_cache

from alertd.event.event import Event

# Ours, and those that nobody can tell from it. Blanks make a dot a separator, so it keeps the one and loses the others.
_DOTS = re.compile("([\u00b7\u0387\u2022\u2027\u2219\u22c5\u30fb])")
_BLANKS = "".join(char for char in map(chr, range(0x3001)) if char.isspace()) + "\u200b"
# Ours, as ☑ for what is expected, and every picture that could be taken for one: hooked arrows, shapes, check marks,
# emoji. Words in any script, plain arrows and mathematics stay.
_SIGNS = re.compile(
    "[\u21a9-\u21bb\u231a-\u23ff\u25a0-\u27bf\u27f0-\u27ff\u2900-\u297f\u2b00-\u2bff\U0001f000-\U0001faff]"
)
_NO_SIGN = "\ufffd"
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
    """Without a pattern for the blanks around: a long run of them would be tried from each of its places."""
    first, *rest = _DOTS.split(signless(text))
    if not rest:
        return first
    *between, last = rest
    return "".join([first.rstrip(_BLANKS), *(piece.strip(_BLANKS) for piece in between), last.lstrip(_BLANKS)])


def signless(text: str) -> str:
    return text if text.isascii() else _SIGNS.sub(_NO_SIGN, text)
