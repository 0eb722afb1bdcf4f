"""Text from outside, without secrets. A gateway may answer with the request it got: its headers, its path, its body.

So each edge hides what it knows where an answer or an exception becomes a reason: before it is cut, kept or shown.
"""

import re
from collections.abc import Iterable, Iterator

from alertd.secret.credential import Credential
from alertd.secret.spelling import in_base64, inside_base64, plain, spellings

HIDDEN = "[secret]"
# A part of a secret as long as this is hidden too: an answer may be cut anywhere. Shorter secrets are hidden whole.
PART = 8
# Of a text from outside: what is looked at, and how much of that is worth telling.
MOST_READ = 64 * 1024
MOST_QUOTED = 500

# Slack's tokens and webhook addresses, whoever brought them here.
_SHAPES = re.compile(r"(?:xox[a-z]\.)?(?:xox[a-z]|xapp)-[\w-]+|hooks\.slack(?:-gov)?\.com/[^\s\"'<>]+")
_ADDRESS = re.compile(r"https?://[^/]+(/.+)")


def looks_secret(text: str) -> bool:
    return _SHAPES.search(text) is not None


def hide_lookalikes(text: str) -> str:
    """Without what has the shape of a secret."""
    return _SHAPES.sub(HIDDEN, text)


class Secrets:
    """What may not be repeated. Found in full and in part, however it was written: percent-encoded, inside JSON, HTML
    or a repr, in base64 or hex, alone or amid other things; of a webhook's address the path.
    """

    def __init__(self, known: Iterable[Credential | str] = ()) -> None:
        self._credentials = tuple(one if isinstance(one, Credential) else Credential(one) for one in known)
        self._values: tuple[str, ...] = ()
        self._whole: frozenset[str] = frozenset()  # both as `plain` has them
        self._parts: frozenset[str] = frozenset()

    def quote(self, said: object, *, most: int = MOST_QUOTED) -> str:
        """What somebody outside said, fit for a reason: on one line, not too long, and without a secret."""
        text = " ".join(self.hide(str(said)[:MOST_READ]).split())
        return text if len(text) <= most else f"{text[:most]}…"

    def hide(self, text: str) -> str:
        self._take_up()
        kept, last = [], 0
        for start, end in _merged(self._spans(text)):
            kept += [text[last:start], HIDDEN]
            last = end
        return hide_lookalikes("".join((*kept, text[last:])))

    def _take_up(self) -> None:
        """A secret may have been renewed since."""
        values = tuple(value for one in self._credentials for value in one.values if value)
        if values != self._values:
            whole = {form for value in values for form in _whole(value)}
            parts = {part for value in values for part in _parts(value)}
            self._whole, self._parts = frozenset(whole), frozenset(parts)
            self._values = values

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        for value in self._values:
            yield from ((start, start + len(value)) for start in _starts(value, text))
        if not self._whole:
            return
        found = plain(text)
        for form in self._whole:
            for start in _starts(form, found.said):
                yield found.begins[start], found.ends[start + len(form) - 1]
        for start in range(len(found.said) - PART + 1):
            if found.said[start : start + PART] in self._parts:
                yield found.begins[start], found.ends[start + PART - 1]


def _whole(secret: str) -> Iterator[str]:
    """What a secret is looked for as, whatever its length."""
    address = _ADDRESS.fullmatch(secret)
    # errors quote the path of an address alone
    for text in (secret, *(address.groups() if address else ())):
        yield from filter(None, (plain(form).said for form in spellings(text)))


def _parts(secret: str) -> Iterator[str]:
    address = _ADDRESS.fullmatch(secret)
    texts = _pieces(address[1]) if address else (secret, inside_base64(secret))
    for text in texts:
        for form in (*spellings(text), *in_base64(text)):
            said = plain(form).said
            yield from (said[start : start + PART] for start in range(len(said) - PART + 1))


def _pieces(path: str) -> Iterator[str]:
    """Of a webhook's path, what is not a word such as "services"."""
    *before, last = re.split(r"[/?&=]", path.rstrip("/"))
    yield from (piece for piece in before if not (piece.isalpha() and piece.islower()))
    yield last


def _starts(form: str, text: str) -> Iterator[int]:
    start = text.find(form)
    while start >= 0:
        yield start
        start = text.find(form, start + 1)


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """In order, without those that overlap."""
    under_way: tuple[int, int] | None = None
    for start, end in sorted(spans):
        if under_way is None or start >= under_way[1]:
            if under_way:
                yield under_way
            under_way = start, end
        else:
            under_way = under_way[0], max(under_way[1], end)
    if under_way:
        yield under_way
