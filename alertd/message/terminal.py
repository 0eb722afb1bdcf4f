"""A payload as a terminal shows it, roughly as Slack does: for the demo and for trying rules."""

import json
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from textwrap import wrap
from typing import Any

WIDTH = 80
# So that values stand below each other.
_LABEL = 11
_BAR = "│ "

Element = Mapping[str, Any]  # Slack's JSON, which has no type


def to_terminal(payload: str) -> list[str]:
    """No line holds a character that would control the terminal, whoever made the payload."""
    message = json.loads(payload)
    blocks = message.get("blocks") or []
    if not blocks:
        return list(_wrapped(message.get("text", ""), first="━ "))
    return [line for block in blocks for line in _lines(block)]


def to_heading(payload: str) -> str:
    """Its first line alone."""
    return _printable(_text(json.loads(payload)["blocks"][0]["text"]))


def _lines(block: Element) -> Iterator[str]:
    match block.get("type"):
        case "header":
            yield from _wrapped(_text(block["text"]), first="━ ")
        case "section":
            yield from _paragraph(_text(block["text"]), hanging=0)
        case "rich_text":
            for part in block["elements"]:
                yield from _paragraph(_rich(part["elements"]), hanging=_LABEL)
        case "actions":
            yield from _wrapped("  ".join(f"[{_text(button['text'])}]" for button in block["elements"]))
        case "context":
            yield from _wrapped(" ".join(_text(element) for element in block["elements"]), first="└ ", rest="  ")
        case kind:
            yield from _wrapped(f"({kind})")


def _paragraph(text: str, *, hanging: int) -> Iterator[str]:
    for line in text.split("\n"):
        yield from _wrapped(line, rest=_BAR + " " * hanging)


def _rich(elements: Sequence[Element]) -> str:
    """A bold text at the start of a line is its label."""
    written = ""
    for element in elements:
        text = str(element.get("text", ""))
        begins = not written or written.endswith("\n")
        label = begins and element.get("style", {}).get("bold")
        written += text.strip().ljust(_LABEL) if label else text
    return written


def _wrapped(text: str, *, first: str = _BAR, rest: str = _BAR) -> Iterator[str]:
    # clean() would make one space of those that align a value with the one above
    yield from wrap(_printable(text), WIDTH, initial_indent=first, subsequent_indent=rest) or [first.rstrip()]


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())


def _text(element: Element) -> str:
    text = str(element.get("text", ""))
    return unescape(text) if element.get("type") == "mrkdwn" else text
