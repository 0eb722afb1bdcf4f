"""Text from logs is hostile: here it loses everything that is not plain words on one line.

Promises that nothing is left that could call people, hide text, reorder it or look like another line or column.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator

CUT = "…"
# Nobody can see what such a character says, or that it was there: what is not a letter of a word is left out. Category
# Cf has the bidirectional overrides, the zero-width characters and the "tags", an invisible alphabet.
_INVISIBLE = {"Cc", "Cf"}
# A lone surrogate is no text, an unassigned or private character is none that anybody could read.
_UNREADABLE = {"Cs", "Cn", "Co"}
_LINE_ENDS = {"Zl", "Zp"}
_MARKS = {"Mn", "Me"}
# Letters by their category, and yet blank: fillers, Braille without dots, variation selectors.
_BLANK = {
    *"\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0",
    *map(chr, range(0xFE00, 0xFE10)),
    *map(chr, range(0xE0100, 0xE01F0)),
}
# No language stacks more accents on a letter; a pile of them covers the lines above.
_MOST_MARKS = 3
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_WIDE_AT = "\uff20"
# Slack makes pictures of these names; the signs that begin a message, and what looks like them, are ours.
_PICTURES = re.compile(
    ":(?=(?:rotating_light|package|warning|footprints|repeat"
    "|[a-z_]{0,40}_circle|[a-z_]{0,40}check[a-z_]{0,40}|[a-z_]{0,40}arrow[a-z_]{0,40}):)"
)
_WIDE_COLON = "\uff1a"


def clean(text: str, most: int) -> str:
    """For plain text objects and rich text, which Slack does not parse."""
    return _fitting(_visible(text), most)


def escape(text: str, most: int) -> str:
    """For what Slack does parse: nothing is cut within an entity, an @name calls nobody, and no :name: is a sign."""
    return _fitting(_inert(_PICTURES.sub(_WIDE_COLON, "".join(_visible(text)))), most)


def size(text: str) -> int:
    """Slack does not say what it counts; UTF-16 units are never fewer than code points."""
    return len(text) if text.isascii() else len(text) + sum(char > "\uffff" for char in text)


def _visible(text: str) -> Iterator[str]:
    """Piece by piece; line ends are shown as \\n, and any run of spaces is one."""
    blank, marks, started = False, 0, False
    for char in text:
        piece = _shown(char)
        marks = marks + 1 if unicodedata.category(char) in _MARKS else 0
        if piece == " ":
            blank = started
        elif piece and marks <= _MOST_MARKS:
            if blank:
                yield " "
            blank, started = False, True
            yield piece


def _shown(char: str) -> str:
    if " " < char < "\x7f":
        return char
    category = unicodedata.category(char)
    if char == "\t" or category == "Zs":
        return " "
    if char == "\n" or category in _LINE_ENDS:
        return "\\n"
    if category in _INVISIBLE or char in _BLANK:
        return ""
    return "\ufffd" if category in _UNREADABLE else char


def _inert(pieces: Iterable[str]) -> Iterator[str]:
    before = ""
    for piece in pieces:
        # user@example.com is no mention
        mentions = piece == "@" and not before.isalnum()
        yield _WIDE_AT if mentions else _ENTITIES.get(piece, piece)
        before = piece


def _fitting(pieces: Iterable[str], most: int) -> str:
    """Whole pieces only, and a sign where some are missing."""
    kept: list[str] = []
    left = most
    for piece in pieces:
        left -= size(piece)
        if left < 0:
            return _cut(kept, most)
        kept.append(piece)
    return "".join(kept)


def _cut(kept: list[str], most: int) -> str:
    over = sum(map(size, kept)) + size(CUT) - most
    while kept and over > 0:
        over -= size(kept.pop())
    return "".join(kept) + CUT
