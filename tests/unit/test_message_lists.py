"""Messages that tell many events, and those that tell of one that was told already."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from alertd.ledger.model import Notification
from alertd.message import (
    Style,
    keep_marks,
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
from alertd.message.blocks import listing
from alertd.message.terminal import to_terminal
from alertd.rules.model import Severity
from tests.unit.told import DELIVERY_ID, EVENT, NOTIFICATION, RULE, STYLE, TIME, blocks, many, of, shown, text

MONTH = timedelta(days=31)


def digests(notifications: list[Notification]) -> list[str]:
    """As many messages as it takes."""
    payloads = []
    while notifications:
        payload, named = render_digest(notifications, style=STYLE, delivery_id=DELIVERY_ID)
        payloads.append(payload)
        notifications = notifications[named:]
    return payloads


def test_a_digest_names_each_event_with_what_happened() -> None:
    """When, how grave, which account, what, from where, the whole event id, which rule."""
    payload, named = render_digest(many(3), style=STYLE, delivery_id=DELIVERY_ID)
    assert 3 == named
    line = "11-23 13:05:14  🔴  payments-prod  111122223333  ConsoleLogin success, no MFA  203.0.113.7  "
    assert f"{line}3fcfb182-98f8-4744-bd45-000000000002  aws-root-console-login" in shown(payload)
    title = "📦 3 more events (too many for a message each), 2026-11-23 13:05 UTC"
    assert title == blocks(payload)[0]["text"]["text"]
    assert f"{title} · 🔴 high 3 · payments-prod 3" == text(payload)


def test_a_flood_is_listed_in_order_and_none_is_left_out() -> None:
    """The number that a digest says it names is what it names."""
    flood = many(500)
    told = "".join(shown(payload) for payload in digests(flood))
    places = [told.find(notification.event.id) for notification in flood]
    assert -1 not in places
    assert places == sorted(places)
    assert len(digests(flood)) < 12
    _, named = render_digest(flood, style=STYLE, delivery_id=DELIVERY_ID)
    assert f"📦 {named} more events" in digests(flood)[0]


def test_a_digest_counts_by_severity_and_account() -> None:
    """The gravest first; many accounts are counted, not named."""
    accounts = [of(replace(EVENT, account=f"{number:012d}")) for number in range(7)]
    grave = of(EVENT, replace(RULE, severity=Severity.CRITICAL))
    payload, _ = render_digest([*accounts, grave], style=Style(), delivery_id=DELIVERY_ID)
    assert "🚨 critical 1 · 🔴 high 7 · 000000000000 1, 000000000001 1" in text(payload)
    assert text(payload).endswith("3 more accounts")


def test_days_are_named_where_a_list_spans_several() -> None:
    """A late event may be weeks old."""
    late = of(replace(EVENT, time=TIME - timedelta(days=20)))
    payload, _ = render_digest([late, NOTIFICATION], style=STYLE, delivery_id=DELIVERY_ID)
    assert "2026-11-03 13:05\u20132026-11-23 13:05 UTC" in blocks(payload)[0]["text"]["text"]


def test_what_a_session_did_is_listed() -> None:
    """Said to be root's and read-only only where all of it is."""
    reads = [of(replace(each.event, read_only=True)) for each in many(3)]
    payload, named = render_session(reads, style=STYLE, delivery_id=DELIVERY_ID)
    assert (3, "👣 3 read-only calls by root, 2026-11-23 13:05 UTC") == (named, blocks(payload)[0]["text"]["text"])
    mixed, _ = render_session([*reads, of(replace(EVENT, identity_type=None))], style=STYLE, delivery_id=DELIVERY_ID)
    assert "👣 4 calls, " in blocks(mixed)[0]["text"]["text"]


def test_a_baseline_counts_all_and_names_the_newest() -> None:
    """One message, however much a new rule finds in the past."""
    payload = render_baseline(many(1_000)[::-1], 1_000, style=STYLE, delivery_id=DELIVERY_ID, look_back=MONTH)
    assert "In the last 31 d it would have alerted 1,000 times (newest " in shown(payload)
    assert f"{999:012x}" in shown(payload)
    assert f"{0:012x}" not in shown(payload)
    assert "newest" not in render_baseline(many(2)[::-1], 2, style=STYLE, delivery_id=DELIVERY_ID, look_back=MONTH)


def test_a_short_look_back_is_said_in_hours() -> None:
    """Not "0 days"."""
    payload = render_baseline(many(1)[::-1], 1, style=STYLE, delivery_id=DELIVERY_ID, look_back=timedelta(hours=12))
    assert "In the last 12 h it would have alerted 1 time." in shown(payload)


def test_an_echo_names_the_rule_and_the_event() -> None:
    """It stands in the thread of the message that told the rest."""
    payload = render_echo(of(EVENT, replace(RULE, id="team-root", title="Root")), style=STYLE, delivery_id=DELIVERY_ID)
    assert "🔴 also matched rule team-root: Root" == blocks(payload)[0]["text"]["text"]
    assert EVENT.id in shown(payload)


@pytest.mark.parametrize("style", [STYLE, Style()])
def test_the_minimal_form_of_a_digest_names_the_same_events(style: Style) -> None:
    """Refused or not, no event is lost to the form of a message. Short ids make the most lines."""
    short = [of(replace(each.event, id=f"e{number:03d}", account=None)) for number, each in enumerate(many(900))]
    _, named = render_digest(short, style=style, delivery_id=DELIVERY_ID)
    assert named > 50
    told = shown(render_minimal(short[:named], "invalid_blocks", DELIVERY_ID))
    assert all(each.event.id in told for each in short[:named])


def test_the_minimal_form_of_one_event_says_what_is_needed_to_find_it() -> None:
    """Its key, account, time, and why it looks like this."""
    assert [
        "│ rule aws-root-console-login · high · account 111122223333 · ConsoleLogin ·",
        "│ 2026-11-23 13:05:12 UTC · event 3fcfb182-98f8-4744-bd45-10ae4c0b1d2e · key",
        "│ cloudtrail:111122223333:3fcfb182-98f8-4744-bd45-10ae4c0b1d2e",
        "│ Slack refused the full message: invalid_blocks",
        "└ a1b2c3",
    ] == to_terminal(render_minimal([NOTIFICATION], "invalid_blocks", DELIVERY_ID))


def test_the_minimal_form_of_a_long_baseline_says_how_many_it_leaves_out() -> None:
    """The newest are named."""
    told = shown(render_minimal(many(1_000), "msg_blocks_too_long", DELIVERY_ID))
    assert f"{999:012x}" in told
    assert "older events: alertd explain knows them" in told


def test_the_minimal_form_of_alertds_own_words_says_where_they_are() -> None:
    """A message about alertd carries no event that could be named."""
    assert "see its log, or alertd status" in text(render_minimal([], "msg_too_long", DELIVERY_ID))


def test_the_minimal_form_has_only_the_plainest_blocks() -> None:
    """Whatever it was that Slack did not take is not in it again."""
    types = [block["type"] for block in blocks(render_minimal(many(60), "invalid_blocks", DELIVERY_ID))]
    assert {"section", "context"} == set(types)


def test_an_empty_list_is_no_block() -> None:
    """Slack refuses a block without a text."""
    assert [] == listing([])


def test_alertds_own_failures_are_told_apart_from_their_end() -> None:
    """⚠ begins, ✅ ends."""
    began = render_ops("source x: 403", delivery_id=DELIVERY_ID, over=False)
    ended = render_ops("source x: over", delivery_id=DELIVERY_ID, over=True)
    assert ("⚠ alertd: source x: 403", "✅ alertd: source x: over") == (text(began), text(ended))


def test_a_repeat_is_marked_and_nothing_else_changes() -> None:
    """First line and notification; the blocks, and so the mark, are the same."""
    frozen = render_event(NOTIFICATION, style=STYLE, delivery_id=DELIVERY_ID)
    marked = mark_repeat(frozen, TIME, style=STYLE)
    words = "↩ possible repeat of an alert sent at 2026-11-23 13:05 UTC · 22:05 JST · Slack did not confirm the first"
    assert words == blocks(marked)[0]["text"]["text"]
    assert f"{words} {text(frozen)}" == text(marked)
    assert blocks(frozen) == blocks(marked)[1:]


def test_a_message_is_marked_once() -> None:
    """The first attempt is what matters."""
    marked = mark_repeat(render_ops("x", delivery_id=DELIVERY_ID, over=False), TIME, style=STYLE)
    assert marked == mark_repeat(marked, TIME + timedelta(hours=1), style=STYLE)


def test_a_replay_says_what_it_is_and_that_it_may_be_there_twice() -> None:
    """Each in words, first of all; the plainer form that Slack's refusal calls for says the same."""
    frozen = render_event(NOTIFICATION, style=STYLE, delivery_id=DELIVERY_ID)
    words = "⟲ replay, asked for by an operator: no new event · first told at 2026-11-23 13:05 UTC · 22:05 JST"
    replay = mark_replay(frozen, TIME, style=STYLE)
    assert (words, f"{words} {text(frozen)}") == (blocks(replay)[0]["text"]["text"], text(replay))
    assert blocks(frozen) == blocks(replay)[1:]
    doubtful = mark_repeat(replay, TIME, style=STYLE)
    minimal = render_minimal([NOTIFICATION], "invalid_blocks", DELIVERY_ID)
    plainer = keep_marks(doubtful, minimal)
    assert blocks(doubtful)[:2] == blocks(plainer)[:2]
    assert blocks(minimal) == blocks(plainer)[2:]
    assert text(plainer).startswith("↩ possible repeat")
    assert words in text(plainer)
    assert minimal == keep_marks(frozen, minimal)


def test_an_event_cannot_pretend_to_be_marked_already() -> None:
    """Else whoever writes into the log could hide the mark."""
    liar = of(EVENT, replace(RULE, summary="↩ possible repeat {{ event.action }}"))
    frozen = render_event(liar, style=STYLE, delivery_id=DELIVERY_ID)
    marked = mark_repeat(frozen, TIME, style=STYLE)
    assert len(json.loads(marked)["blocks"]) == len(json.loads(frozen)["blocks"]) + 1
