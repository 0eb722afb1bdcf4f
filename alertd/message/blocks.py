"""Pieces of a message. Whatever goes in, each piece is one that Slack takes, and shows as it is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from alertd.destination.slack.mark import BLOCK_MARK
from alertd.message.escape import clean, size
from alertd.message.links import Link

Block = dict[str, object]

# Slack takes 150 characters in a header, 3,000 in a section, 75 in a button. It does not say how it counts.
MOST_HEADER, MOST_SECTION, MOST_BUTTON = 150, 2_800, 75
# It takes 3,000 characters of an address too, but then three buttons fill the message.
MOST_ADDRESS = 1_500
# A value that is longer has said what it is by then.
MOST_VALUE = 300
# An Elasticsearch _id has at most 512 bytes, an event id of CloudTrail 36 characters: neither is ever cut.
MOST_ID = 512
# With a word that says which id it is.
MOST_NAMED_ID = MOST_ID + 10
MOST_MARK = 1_000
# As many characters of the delivery id as people need to find a message by it.
SHORT_MARK = 6


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    bold: bool = False  # it is what is bad
    most: int = MOST_VALUE


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    spans: tuple[Span, ...]


def header(text: str) -> Block:
    return {"type": "header", "text": _plain(text, MOST_HEADER)}


def paragraph(text: str) -> Block:
    return {"type": "section", "text": _plain(text, MOST_SECTION)}


def facts(told: Iterable[Fact]) -> Block:
    """A line each. Rich text: Slack parses nothing in it."""
    elements: list[Block] = []
    for fact in told:
        elements.append({"type": "text", "text": f"{fact.label}  ", "style": {"bold": True}})
        for number, span in enumerate(fact.spans):
            if number:
                elements.append({"type": "text", "text": " · "})
            style = {"style": {"bold": True}} if span.bold else {}
            elements.append({"type": "text", "text": clean(span.text, span.most) or "-", **style})
        elements.append({"type": "text", "text": "\n"})
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements[:-1]}]}


def listing(lines: Iterable[str]) -> list[Block]:
    """Clean lines as they are, in a fixed width."""
    return [
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}],
        }
        for text in _pages(lines)
    ]


def plain_listing(lines: Iterable[str]) -> list[Block]:
    """The same in the plainest block there is."""
    return [{"type": "section", "text": {"type": "plain_text", "text": text, "emoji": False}} for text in _pages(lines)]


def buttons(links: Sequence[Link]) -> list[Block]:
    elements = [
        {"type": "button", "action_id": f"link-{number}", "text": _plain(link.words, MOST_BUTTON), "url": link.address}
        for number, link in enumerate(links)
        if size(link.address) <= MOST_ADDRESS
    ]
    return [{"type": "actions", "elements": elements}] if elements else []


def mark(delivery_id: str, *words: str) -> Block:
    """The last line: what the message is about, for search, and the mark by which it is found again."""
    short = delivery_id[:SHORT_MARK]
    about = clean(" · ".join(clean(word, MOST_NAMED_ID) for word in words), MOST_MARK - size(short) - len(" · "))
    return {
        "type": "context",
        "block_id": f"{BLOCK_MARK}{delivery_id}",
        "elements": [_plain(" · ".join(filter(None, (about, short))), MOST_MARK)],
    }


def _plain(text: str, most: int) -> Block:
    return {"type": "plain_text", "text": clean(text, most) or "-", "emoji": False}


def _pages(lines: Iterable[str]) -> Iterator[str]:
    """As few texts as the lines need."""
    page: list[str] = []
    room = MOST_SECTION
    for line in lines:
        if size(line) + 1 > room and page:
            yield "\n".join(page)
            page, room = [], MOST_SECTION
        page.append(line)
        room -= size(line) + 1
    if page:
        yield "\n".join(page)
