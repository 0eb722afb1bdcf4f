"""A payload as a terminal shows it: for the demo and for trying rules."""

import json
from collections.abc import Iterator, Mapping
from html import unescape
from textwrap import wrap
from typing import Any

from alertd.message.escape import clean

_WIDTH = 100


def to_terminal(payload: str) -> list[str]:
    blocks = json.loads(payload)["blocks"]
    return [line for block in blocks for line in _block(block)]


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield f"━ {_text(block['text'])}"
        case "section":
            yield from (f"│ {line}" for line in wrap(_text(block["text"]), _WIDTH))
        case "rich_text":
            text = "".join(item["text"] for part in block["elements"] for item in part["elements"])
            for line in text.splitlines():
                yield from (f"│ {piece}" for piece in wrap(clean(line, 1_000), _WIDTH, subsequent_indent="  "))
        case "actions":
            yield "│ " + " ".join(f"[{_text(button['text'])}]" for button in block["elements"])
        case "context":
            yield "└ " + " ".join(_text(element) for element in block["elements"])
        case _:
            yield f"│ ({block['type']})"


def _text(element: Mapping[str, Any]) -> str:
    return clean(unescape(element["text"]), 3_000)
