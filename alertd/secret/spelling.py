"""One text, many spellings: what a secret looks like inside an address, JSON, HTML, a repr, base64 or hex. Pure."""

import json
import re
import sys
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

_QUOTES = "'\""
# Runs, because a character may take several. A backslash may have been escaped again, and so may a percent sign.
_ESCAPES = re.compile(
    r"(?P<percent>(?:%(?:25)*[0-9a-fA-F]{2})+)"
    r"|(?P<units>(?:\\+u[0-9a-fA-F]{4})+)"
    r"|\\+U(?P<point>[0-9a-fA-F]{8})"
    r"|(?P<bytes>(?:\\+x[0-9a-fA-F]{2})+)"
    r"|&(?:amp;)*(?:#(?P<decimal>[0-9]{1,7})|#[xX](?P<hex>[0-9a-fA-F]{1,6})|(?P<name>amp|lt|gt|quot|apos));"
    r"|\\+"
)
_PERCENT = re.compile(r"%(?:25)*([0-9a-fA-F]{2})")
_UNIT = re.compile(r"u([0-9a-fA-F]{4})")
_BYTE = re.compile(r"x([0-9a-fA-F]{2})")
_NAMES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
# A form writes a blank as +, and base64 has two alphabets.
_SAME = str.maketrans({"+": " ", "-": " ", "_": "/"})


@dataclass(frozen=True, slots=True)
class Plain:
    """A text without its escapes and in small letters."""

    said: str
    begins: Sequence[int]  # where in the text each character of `said` begins, and ends
    ends: Sequence[int]


def plain(text: str) -> Plain:
    if not _ESCAPES.search(text):
        return Plain(_folded(text), range(len(text)), range(1, len(text) + 1))
    said: list[str] = []
    begins: list[int] = []
    ends: list[int] = []
    last = 0
    for start, end, meant in (*((*found.span(), _meant(found)) for found in _ESCAPES.finditer(text)), _end(text)):
        said += [text[last:start], meant]
        begins += [*range(last, start), *[start] * len(meant)]
        ends += [*range(last + 1, start + 1), *[end] * len(meant)]
        last = end
    return Plain(_folded("".join(said)), begins, ends)


def _end(text: str) -> tuple[int, int, str]:
    return len(text), len(text), ""


def spellings(secret: str) -> Iterator[str]:
    """As it is, and as it looks inside JSON, a repr, an address or in hex. `plain` makes one of most of them."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    # beside both kinds of quotes a repr escapes one of them
    yield repr(secret + _QUOTES).removesuffix(repr(_QUOTES)[1:])[1:]
    yield quote(secret, safe="", errors="replace")
    yield quote_plus(secret, errors="replace")
    yield secret.encode(errors="replace").hex()


def in_base64(secret: str) -> Iterator[str]:
    """What is seen of a secret wherever it stands in what was encoded: `user:password`, or a whole request."""
    content = secret.encode(errors="replace")
    for before in range(3):
        encoded = b64encode(bytes(before) + content).decode()
        # a character at an edge is also of what stands beside
        yield encoded[-(-before * 8 // 6) : (before + len(content)) * 8 // 6]


def inside_base64(secret: str) -> str:
    """The text that a secret is the base64 of, such as an API key's `id:key`; empty if of none."""
    try:
        text = urlsafe_b64decode(f"{secret.rstrip('=')}===".translate(str.maketrans("+/", "-_"))).decode()
    except ValueError:
        return ""
    return text if text.isprintable() else ""


def _meant(found: re.Match[str]) -> str:
    kind = found.lastgroup
    return _MEANINGS[kind](found[kind]) if kind else ""  # else backslashes, before whatever mark


def _units(escapes: str) -> str:
    return bytes.fromhex("".join(_UNIT.findall(escapes))).decode("utf-16-be", errors="surrogatepass")


def _bytes(escapes: str) -> str:
    """Of a repr: of bytes, or of characters without a shape."""
    content = bytes.fromhex("".join(_BYTE.findall(escapes)))
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _character(number: int) -> str:
    return chr(number) if number <= sys.maxunicode else ""


_MEANINGS: Mapping[str, Callable[[str], str]] = {
    "percent": lambda escapes: bytes.fromhex("".join(_PERCENT.findall(escapes))).decode(errors="replace"),
    "units": _units,
    "bytes": _bytes,
    "point": lambda digits: _character(int(digits, 16)),
    "decimal": lambda digits: _character(int(digits)),
    "hex": lambda digits: _character(int(digits, 16)),
    "name": _NAMES.__getitem__,
}


def _folded(text: str) -> str:
    """Of the same length."""
    small = text.lower()
    if len(small) != len(text):
        small = "".join(low if len(low := mark.lower()) == 1 else mark for mark in text)
    return small.translate(_SAME)
