"""The benchmark beside a peer counts what people see: a mistake here would praise or blame wrongly."""

import json
import urllib.request
import uuid
from dataclasses import replace

from alertd.demo.slack import SlackStandIn
from alertd.message import mark_repeat, render_digest, render_event
from benchmarks.faults.tally import Tally, named, tally
from tests.unit.told import DELIVERY_ID, EVENT, STYLE, TIME, of

IDS = [str(uuid.uuid4()) for _ in range(4)]
FIRST, SECOND, THIRD, FOURTH = IDS


def attachment(event_id: str) -> str:
    """As ElastAlert 2 posts it."""
    return json.dumps({"text": "", "attachments": [{"title": "aws-root", "text": f"event {event_id} Root"}]})


def block(*event_ids: str, marked: bool = False) -> str:
    """A line for each, as alertd's digests have them."""
    lines = "\n".join(f"13:05:12  {each}  aws-root" for each in event_ids)
    body = {"type": "section", "text": {"type": "plain_text", "text": lines}}
    note = {"type": "section", "block_id": "possible-repeat", "text": {"type": "plain_text", "text": "↩"}}
    return json.dumps({"text": " ".join(event_ids), "blocks": [note, body] if marked else [body]})


def test_each_event_counts_as_shown_once_lost_or_repeated() -> None:
    """One of each kind, over both forms of messages."""
    channel = [attachment(FIRST), attachment(SECOND), attachment(SECOND), block(THIRD), block(THIRD, marked=True)]
    assert Tally(events=4, once=1, lost=1, repeated=1, marked=1, copies=2) == tally(IDS, [channel])


def test_nothing_shown_is_everything_lost() -> None:
    """An empty channel is the worst result, not the best."""
    assert Tally(4, once=0, lost=4, repeated=0, marked=0, copies=0) == tally(IDS, [[]])
    assert not tally(IDS, [[]]).is_clean


def test_all_shown_once_is_clean() -> None:
    """In a digest or alone is the same."""
    assert tally(IDS, [[block(FIRST, SECOND), block(THIRD), attachment(FOURTH)]]).is_clean


def test_an_event_counts_once_for_each_destination() -> None:
    """What one channel has does not make up for what the other lacks."""
    found = tally([FIRST, SECOND], [[block(FIRST, SECOND)], [block(FIRST)]])
    assert (4, 3, 1) == (found.events, found.once, found.lost)


def test_a_copy_without_a_mark_is_a_repeat_even_beside_one_with_a_mark() -> None:
    """Only the copies that say so are excused."""
    found = tally([FIRST], [[block(FIRST), block(FIRST), block(FIRST, marked=True)]])
    assert (1, 0, 2) == (found.repeated, found.marked, found.copies)


def test_a_message_that_is_marked_and_alone_is_shown_once() -> None:
    """The first post never arrived."""
    assert tally([FIRST], [[block(FIRST, marked=True)]]).is_clean


def test_an_event_that_a_digest_lists_twice_is_a_repeat() -> None:
    """Lines are counted, not messages."""
    assert 1 == tally([FIRST], [[block(FIRST, FIRST)]]).repeated


def test_a_stranger_changes_nothing() -> None:
    """Other events may be in the channel."""
    assert tally([FIRST], [[block(FIRST), block(SECOND), block(SECOND)]]).is_clean


def test_every_message_of_alertd_names_each_of_its_events_once() -> None:
    """Though links and the notification's text have the id too."""
    notifications = [of(replace(EVENT, id=each)) for each in IDS]
    single = render_event(notifications[0], style=STYLE, delivery_id=DELIVERY_ID)
    digest, _ = render_digest(notifications, style=STYLE, delivery_id=DELIVERY_ID)
    assert {FIRST: 1} == named(single)
    assert dict.fromkeys(IDS, 1) == named(digest)


def test_the_mark_of_alertd_is_known() -> None:
    """An unmarked copy and a marked one: a repeat that says so."""
    single = render_event(of(replace(EVENT, id=FIRST)), style=STYLE, delivery_id=DELIVERY_ID)
    found = tally([FIRST], [[single, mark_repeat(single, TIME, style=STYLE)]])
    assert (0, 1) == (found.repeated, found.marked)


def test_what_a_peer_posts_to_a_webhook_is_counted() -> None:
    """Slack takes attachments alone; the stand-in does too."""
    with SlackStandIn() as slack:
        slack.workspace.add_channel(id="C0SECURITY", name="aws-root")
        kind = {"Content-Type": "application/json"}
        request = urllib.request.Request(slack.webhook_url("C0SECURITY"), attachment(FIRST).encode(), kind)
        urllib.request.urlopen(request).close()
        assert tally([FIRST], [[message.payload for message in slack.messages("C0SECURITY")]]).is_clean
