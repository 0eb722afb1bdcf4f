"""Text from logs is hostile: here it loses everything that is not plain words."""

import re
import unicodedata

# C0 and C1 controls, bidirectional overrides and isolates, zero-width and other invisible characters.
_INVISIBLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]"
)
_ENTITY = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CUT = "…"


def clean(text: str, most: int) -> str:
    """Printable, on one line, at most so many characters: for plain text objects, which Slack does not parse."""
    text = text[: most * 4].encode("utf-8", "replace").decode("utf-8")
    text = text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\t", " ")
    text = _INVISIBLE.sub("", text)
    text = "".join(char for char in text if unicodedata.category(char) not in {"Cs", "Cn"})
    return cut(text, most)


def escape(text: str, most: int) -> str:
    """The same, for where Slack parses: `&`, `<` and `>` as entities, never cut within one."""
    escaped, length = [], 0
    for char in clean(text, most):
        piece = _ENTITY.get(char, char)
        length += size(piece)
        if length > most:
            escaped.append(_CUT)
            break
        escaped.append(piece)
    return "".join(escaped)


def cut(text: str, most: int) -> str:
    """At most so many characters, as Slack may count them."""
    if size(text) <= most:
        return text
    while size(text) > most - 1:
        text = text[: max(0, len(text) - max(1, (size(text) - most) // 2))]
    return text + _CUT


def size(text: str) -> int:
    """Slack does not say what it counts: UTF-16 units are never fewer than code points."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
