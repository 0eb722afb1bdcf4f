"""Whatever an event holds, its message is one that Slack takes, and it does nothing but say what it says."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from datetime import UTC, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from alertd.event.event import Event
from alertd.ledger.model import Notification
from alertd.message import (
    mark_repeat,
    mark_replay,
    render_baseline,
    render_digest,
    render_echo,
    render_event,
    render_minimal,
    render_ops,
    render_session,
)
from alertd.message.apart import joined
from alertd.message.escape import clean
from alertd.message.payload import payload
from alertd.message.terminal import to_terminal
from alertd.rules.model import RuleFacts, Severity
from tests.unit.told import DELIVERY_ID, EVENT, RULE, STYLE, TIME, blocks, many, of

MOST_DOCUMENT = 4_000  # the longest value that an event holds
SHARP = [
    "<!channel>",
    "<@U1>",
    "<!subteam^S1>",
    "<https://evil.example|aws.amazon.com>",
    "@here",
    "```*bold* _it_ ~no~ `code`",
    ":rotating_light:",
    "\u202egnp.exe\u2066",
    "\x00\x1b[2J\r\n",
    "\ud800",
    "\u200b\ufeff\u2060",
    "&lt;&amp;",
    "🔴" * MOST_DOCUMENT,
    "𠀋" * MOST_DOCUMENT,
    "W" * MOST_DOCUMENT,
    "&" * MOST_DOCUMENT,
    "\n" * MOST_DOCUMENT,
    "line one\nalertd: all is well",
]
# What may not be in a payload, whatever stood in the document.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
CALLS = re.compile(r"(?<!\w)@\w|<[!@#]|<https?:")

hostile = st.sampled_from(SHARP) | st.text(st.characters(), max_size=40) | st.none()
moments = st.datetimes(timezones=st.just(UTC))
TEXTS = [field.name for field in fields(Event) if field.type in {str, str | None}]


@st.composite
def events(draw: st.DrawFn) -> Event:
    facts: dict[str, Any] = {name: draw(hostile) for name in TEXTS}
    for name in ("key", "id", "index", "document_id", "profile"):
        facts[name] = facts[name] or "x"
    event = replace(EVENT, **facts, time=draw(moments), mfa=draw(st.none() | st.booleans()))
    return replace(event, problems=tuple(draw(st.lists(st.sampled_from(SHARP), max_size=4))))


@st.composite
def notifications(draw: st.DrawFn) -> Notification:
    rule = RuleFacts(
        "set",
        "rule-" + "x" * draw(st.integers(0, 95)),
        draw(hostile) or "title",
        draw(st.sampled_from(Severity)),
        runbook=draw(st.none() | st.just("https://wiki.example.com/") | st.sampled_from(SHARP)),
        summary=draw(st.none() | st.just("{{ event.user_agent }} {{ event.action }}")),
    )
    return replace(of(EVENT, rule), event=draw(events()), seen_at=draw(moments))


def all_of(told: Sequence[Notification], reason: str) -> Iterator[str]:
    """Every kind of message about these notifications."""
    first = told[0]
    yield render_event(first, style=STYLE, delivery_id=DELIVERY_ID)
    yield render_echo(first, style=STYLE, delivery_id=DELIVERY_ID)
    yield render_digest(told, style=STYLE, delivery_id=DELIVERY_ID)[0]
    yield render_session(told, style=STYLE, delivery_id=DELIVERY_ID)[0]
    yield render_baseline(told, len(told), style=STYLE, delivery_id=DELIVERY_ID, look_back=timedelta(days=31))
    yield render_minimal(told, reason, DELIVERY_ID)
    yield render_minimal([first], reason, DELIVERY_ID)
    yield render_ops(reason, delivery_id=DELIVERY_ID, over=False)


def texts(node: object) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        yield from (text for value in node.values() for text in texts(value))
    elif isinstance(node, list):
        yield from (text for item in node for text in texts(item))


def units(text: str) -> int:
    """What the strictest counter counts."""
    return len(text.encode("utf-16-le")) // 2


def check(message: str) -> None:
    """The limits of the reference, and nothing in it that acts."""
    listed = blocks(message)
    notification = json.loads(message)["text"]
    assert message.encode("utf-8")
    assert 0 < len(listed) <= 40
    assert sum(map(units, texts(listed))) <= 9_000
    assert 0 < units(notification) <= 2_500
    assert not CALLS.search(notification)
    for block in listed:
        Block.parse(block).to_dict()  # type: ignore[union-attr]  # None only for what is no block
        assert all(
            element["text"]["type"] == "plain_text" for element in [block] if block["type"] in {"header", "section"}
        )
        assert all(units(text) <= 2_800 for text in texts(block))
    for text in texts(json.loads(message)):
        assert not CONTROLS.search(text.replace("\n", ""))
    assert [DELIVERY_ID] == [
        block["block_id"].removeprefix("alertd:") for block in listed if block.get("block_id", "").startswith("alertd:")
    ]
    assert all(line.isprintable() for line in to_terminal(message))


@settings(deadline=None)  # a busy machine is not slow code
@given(st.lists(notifications(), min_size=1, max_size=4), st.sampled_from(SHARP))
def test_any_event_gives_a_message_that_slack_takes(told: list[Notification], reason: str) -> None:
    """Every kind of message, also when it is marked as a repeat, as a replay, or as both."""
    for message in all_of(told, reason):
        check(message)
        check(mark_repeat(message, TIME, style=STYLE))
        replay = mark_replay(message, TIME, style=STYLE)
        check(replay)
        both = json.loads(mark_repeat(replay, TIME, style=STYLE))
        assert units(both["text"]) < 4_000, "Slack would split it"
        assert len(both["blocks"]) <= 50
        assert sum(map(units, texts(both["blocks"]))) < 13_200


@settings(deadline=None)  # a busy machine is not slow code
@given(st.lists(notifications(), min_size=1, max_size=30))
@example([of(replace(EVENT, **dict.fromkeys(TEXTS, "𠀋" * MOST_DOCUMENT)))] * 30)  # type: ignore[arg-type]  # texts
def test_a_digest_names_every_event_that_it_says_it_names(told: list[Notification]) -> None:
    """And so does what replaces it if it is refused."""
    digest, named = render_digest(told, style=STYLE, delivery_id=DELIVERY_ID)
    assert named >= min(len(told), 4)
    for message in (digest, render_minimal(told[:named], "invalid_blocks", DELIVERY_ID)):
        check(message)
        lines = "\n".join(texts(blocks(message)))
        assert all(clean(joined(notification.event.id), 512) in lines for notification in told[:named])


@pytest.mark.parametrize("sharp", SHARP)
def test_each_sharp_text_is_blunt_in_every_field(sharp: str) -> None:
    """One at a time, so that none hides behind another."""
    for name in TEXTS:
        event = replace(EVENT, **{name: sharp})  # type: ignore[arg-type]  # a text field
        for message in all_of([of(event)], sharp):
            check(message)


def test_an_id_as_long_as_a_server_takes_is_whole_in_every_message() -> None:
    """Half an id finds nothing."""
    longest = "i" * 512
    wide = "W" * MOST_DOCUMENT
    event = replace(EVENT, id=longest, account=wide, action=wide, source_address=wide)
    for message in all_of([of(event)], "x"):
        assert longest in message or "alertd: x" in message
    assert longest in json.loads(render_event(of(event), style=STYLE, delivery_id=DELIVERY_ID))["text"]


def test_a_text_of_a_megabyte_is_only_cut() -> None:
    """Where something longer than an event can hold gets in, a message still comes out."""
    check(render_ops("🔴<" * 500_000, delivery_id=DELIVERY_ID, over=True))
    check(render_event(of(replace(EVENT, user_agent="\u200b" * 1_000_000)), style=STYLE, delivery_id=DELIVERY_ID))


def test_what_no_renderer_should_make_is_shortened_and_says_so() -> None:
    """The last guard: first things first, a note, and the mark."""
    section = {"type": "section", "text": {"type": "plain_text", "text": "x" * 2_800}}
    mark = blocks(render_ops("x", delivery_id=DELIVERY_ID, over=True))[-1]
    few = blocks(payload("x", [section] * 10 + [mark]))
    assert ["x" * 2_800] * 2 == [block["text"]["text"] for block in few[:2]]
    assert "shortened" in few[-2]["text"]["text"]
    short = {"type": "section", "text": {"type": "plain_text", "text": "x"}}
    for listed in (few, blocks(payload("x", [short] * 60 + [mark]))):
        check(json.dumps({"text": "x", "blocks": listed}))
        assert mark == listed[-1]


def test_no_markup_of_an_event_is_parsed_anywhere() -> None:
    """Log text stands in plain text and rich text only: no mrkdwn object exists at all."""
    for message in all_of(many(3), "x"):
        assert "mrkdwn" not in message
        assert '"emoji":true' not in message


def test_the_rule_is_known_in_the_message() -> None:
    """It is what a responder names when it is wrong."""
    assert RULE.id in render_event(of(EVENT), style=STYLE, delivery_id=DELIVERY_ID)


SIGNS = "🚨🔴🟠🟡🔵☑↩⟲📦👣⚠✅▶"
PICTURES = [":rotating_light:", ":ballot_box_with_check:", ":leftwards_arrow_with_hook:", ":large_orange_circle:"]


def worded(name: str, value: str) -> list[str]:
    """Every kind of message about an event with this value in this fact, by our headline and by a rule's own."""
    bare = replace(EVENT, identity_type="AssumedRole", actor=None, user_name="eve", account="444455556666")
    event = replace(bare, **{} if name == "document" else {name: (value,) if name == "problems" else value})  # type: ignore[arg-type]
    shown = name if name in TEXTS else "user_name"
    own = replace(RULE, summary=f"{{{{ document.a }}}} {{{{ event.{shown} }}}}", document=(("a", value),))
    messages = [message for rule in (RULE, own) for message in all_of([of(event, rule)] * 2, value)]
    return [mark_replay(mark_repeat(message, TIME, style=STYLE), TIME, style=STYLE) for message in messages]


@pytest.mark.parametrize("name", [*TEXTS, "problems", "document"])
def test_no_value_of_a_log_holds_a_sign_of_ours(name: str) -> None:
    """In the header, the notification, a line, a list, the plainest message: there are as many as without it."""
    words = "Expected (CHG-1234, Aiko, until …): eve"
    every = "".join(["\u200b", *SIGNS, *"✔🗹🟢", *PICTURES])
    honest, forged = (worded(name, f"{start} {words}") for start in ("x", every))
    for sign in [*SIGNS, *"✔🗹🟢"]:
        assert [message.count(sign) for message in honest] == [message.count(sign) for message in forged], sign
    for picture in PICTURES:  # only in the notification does Slack make pictures of names
        assert not [message for message in forged if picture in json.loads(message)["text"]], picture
