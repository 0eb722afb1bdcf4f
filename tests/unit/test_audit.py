"""The comparison itself: each way in which search, ledger and channel can differ, and where they only seem to."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alertd.destination import History, Posted, Shown
from alertd.history.audit import PATIENCE, Cover, Fate, Finding, Found, Judged, Kind, Place, Records
from alertd.history.audit.channel import judge_channels
from alertd.history.audit.search import judge_search
from alertd.ledger.model import MatchKind, Message, MessageKind, MessageState, NotificationKind, RuleState

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVENT, OTHER = "3fcfb182-98f8-4744-bd45-000000000001", "3fcfb182-98f8-4744-bd45-000000000002"
SENT = Message(
    "d1" * 16, "security", MessageKind.EVENT, "{}", NOW - HOUR, MessageState.SENT, attempts=1,
    attempted_at=NOW - HOUR, channel="C1", ts="1.1", permalink="https://example.slack.com/1", sent_at=NOW - HOUR,
)  # fmt: skip
FATE = Fate(
    "k1", EVENT, NOW - HOUR, "root", "root-used", MatchKind.ALERT, NOW - HOUR, "security", NotificationKind.MESSAGE,
    delivery_id=SENT.delivery_id,
)  # fmt: skip
FOUND = Found("root", "root-used", "k1", EVENT, NOW - HOUR, NOW - HOUR)
STATE = RuleState("root", "root-used", "f", NOW - 40 * DAY, NOW - MINUTE, NOW - 71 * DAY, searched_since=NOW - 71 * DAY)
COVER = Cover(STATE, is_current=True, swept_at=NOW - 5 * MINUTE, sweep_every=15 * MINUTE)


def shown(delivery_id: str = SENT.delivery_id, text: str = f"root signed in · event {EVENT}", ts: str = "1.1") -> Shown:
    return Shown(delivery_id, Posted("C1", ts), text, f"https://example.slack.com/{ts}")


def place(*those: Shown, read_at: datetime = NOW) -> Place:
    return Place(History("C1", those), settle=2 * MINUTE, read_at=read_at)


def judged(
    *messages: Message,
    there: tuple[Shown, ...] = (),
    fates: tuple[Fate, ...] = (FATE,),
    items: Mapping[str, tuple[str, ...]] | None = None,
    at: Place | None = None,
    known: frozenset[str] = frozenset(),
) -> Judged:
    items = {message.delivery_id: (EVENT,) for message in messages} if items is None else items
    records = Records(fates, messages, items, known)
    return judge_channels(records, {"security": at or place(*there)}, now=NOW)


def kinds(result: Judged) -> list[Kind]:
    return [finding.kind for finding in result.findings]


def test_a_message_that_is_there_once_and_names_its_event_is_proven() -> None:
    """Counted as a message and as an event."""
    result = judged(SENT, there=(shown(),))
    assert ((), ()) == (result.findings, result.unverified)
    assert ({"security": 1}, {"security": 1}) == (result.proven_messages, result.proven_events)


def test_a_message_that_is_no_longer_there_is_missing() -> None:
    """With the event, and the address at which it stood."""
    [finding] = judged(SENT).findings
    assert (Kind.MISSING, (EVENT,), (SENT.permalink,)) == (finding.kind, finding.events, finding.links)
    assert finding.counts(NOW)


def test_two_copies_are_repeated_in_whatever_state_the_ledger_has_it() -> None:
    """Both addresses are told."""
    unknown = replace(SENT, state=MessageState.UNKNOWN, unknown_since=NOW, sent_at=None)
    for message in (SENT, unknown):
        [finding] = judged(message, there=(shown(), shown(ts="2.2"))).findings
        assert Kind.REPEATED is finding.kind
        assert ("https://example.slack.com/1.1", "https://example.slack.com/2.2") == finding.links


@pytest.mark.parametrize(("apart", "kind"), [(SECOND / 2, Kind.SUPPRESSED), (SECOND, Kind.MISSING)])
def test_only_what_was_sent_in_a_burst_is_called_suppressed(apart: timedelta, kind: Kind) -> None:
    """Whichever of the two is not shown."""
    first = replace(SENT, delivery_id="d0" * 16, attempted_at=NOW - HOUR - apart)
    there = (shown(first.delivery_id),)
    assert [kind] == kinds(judged(first, SENT, there=there))


def test_what_may_not_show_yet_is_neither_missing_nor_proven() -> None:
    """Within the settle time before the read began."""
    fresh = replace(SENT, sent_at=NOW - 2 * MINUTE + SECOND)
    result = judged(fresh)
    assert () == result.findings
    assert [(1, 1)] == [(each.messages, each.events) for each in result.unverified]
    assert {} == result.proven_messages
    assert [Kind.MISSING] == kinds(judged(replace(SENT, sent_at=NOW - 2 * MINUTE - SECOND)))


def test_what_cannot_be_read_back_never_counts_as_proven() -> None:
    """Nor what is in another channel than the one that was read."""
    result = judged(SENT, replace(SENT, delivery_id="d2" * 16), at=Place(None, "cannot be read back", "taken on trust"))
    [unverified] = result.unverified
    assert ("cannot be read back", 2, 2, "taken on trust") == (
        unverified.why, unverified.messages, unverified.events, unverified.instead,
    )  # fmt: skip
    assert {} == result.proven_messages == result.proven_events
    elsewhere = judged(replace(SENT, channel="C0OLD"), there=(shown(),))
    assert ["was sent to C0OLD, which is not the channel that is configured now"] == [
        each.why for each in elsewhere.unverified
    ]
    assert {} == elsewhere.proven_messages


def test_a_message_that_does_not_name_its_events_does_not_prove_them() -> None:
    """A digest that is there but names one of two; an id that escaping may have changed says nothing."""
    digest = replace(SENT, kind=MessageKind.DIGEST)
    both = {digest.delivery_id: (EVENT, OTHER)}
    [finding] = judged(digest, there=(shown(),), items=both).findings
    assert (Kind.MISSING, True) == (finding.kind, OTHER in finding.what)
    assert {"security": 2} == judged(digest, there=(shown(text=f"{EVENT} {OTHER}"),), items=both).proven_events
    odd = {digest.delivery_id: (EVENT, "a<b>&c")}
    assert () == judged(digest, there=(shown(),), items=odd).findings
    baseline = replace(SENT, kind=MessageKind.BASELINE)
    assert {"security": 2} == judged(baseline, there=(shown(),), items=both).proven_events


def test_a_send_in_doubt_is_unknown_even_where_the_channel_shows_it() -> None:
    """It says so, and is no proof before the ledger has it."""
    unknown = replace(SENT, state=MessageState.UNKNOWN, unknown_since=NOW - HOUR, sent_at=None, last_error="timeout")
    there, absent = judged(unknown, there=(shown(),)), judged(unknown)
    assert [Kind.UNKNOWN] == kinds(there) == kinds(absent)
    assert [True, False] == ["shows it" in result.findings[0].what for result in (there, absent)]
    assert {} == there.proven_messages
    died = replace(unknown, state=MessageState.SENDING, attempted_at=NOW - 2 * MINUTE)
    assert [Kind.UNKNOWN] == kinds(judged(died))
    assert [Kind.OPEN] == kinds(judged(replace(died, attempted_at=NOW - SECOND)))


def test_what_waits_is_told_and_counts_when_it_waits_too_long() -> None:
    """In a message or not yet in one."""
    pending = replace(SENT, state=MessageState.PENDING, sent_at=None, created_at=NOW - PATIENCE - SECOND)
    waiting = replace(FATE, delivery_id=None, seen_at=NOW - MINUTE)
    old, fresh = judged(pending).findings, judged(fates=(waiting, replace(waiting, event_id=OTHER))).findings
    assert [(Kind.OPEN, True)] == [(finding.kind, finding.counts(NOW)) for finding in old]
    assert [(Kind.OPEN, False, (EVENT, OTHER))] == [
        (finding.kind, finding.counts(NOW), finding.events) for finding in fresh
    ]


def test_an_operators_word_is_no_proof() -> None:
    """What was given up was not told."""
    assert [Kind.MISSING] == kinds(judged(replace(SENT, state=MessageState.DEAD, sent_at=None)))


def test_what_was_to_be_told_to_nobody_is_not_looked_for() -> None:
    """Excepted events, baseline matches that another rule set told, echoes where there are no threads."""
    nowhere = replace(FATE, destination=None, kind=None, delivery_id=None)
    closed = replace(FATE, kind=NotificationKind.ECHO, delivery_id=None, closed=True)
    silent = [replace(nowhere, match=MatchKind.EXCEPTED), replace(nowhere, match=MatchKind.BASELINE), closed]
    assert () == judged(fates=tuple(silent)).findings
    assert [Kind.MISSING] == kinds(judged(fates=(nowhere,)))


def test_an_echo_names_an_event_again_and_tells_none() -> None:
    """Two messages, one event."""
    echo = replace(SENT, delivery_id="d2" * 16, kind=MessageKind.ECHO, ts="1.2")
    result = judged(SENT, echo, there=(shown(), shown(echo.delivery_id, ts="1.2")))
    assert ((), {"security": 2}, {"security": 1}) == (result.findings, result.proven_messages, result.proven_events)


def test_a_message_about_alertd_itself_is_no_stranger_and_no_lost_event() -> None:
    """Deleted by somebody, it is only said."""
    ops = replace(SENT, kind=MessageKind.OPS)
    assert {"security": 1} == judged(ops, there=(shown(),), items={}).proven_messages
    gone = judged(ops, items={})
    assert ((), 1) == (gone.findings, len(gone.unverified))


def test_a_message_that_the_ledger_does_not_know_and_that_tells_an_event_again_is_repeated() -> None:
    """One from before the period, or that names nothing of it, is none."""
    stranger = shown("ee" * 16, ts="2.2")
    assert [Kind.REPEATED] == kinds(judged(SENT, there=(shown(), stranger)))
    assert [] == kinds(judged(SENT, there=(shown(), stranger), known=frozenset({stranger.delivery_id})))
    assert [] == kinds(judged(SENT, there=(shown(), shown("ee" * 16, text="event x", ts="2.2"))))


def test_a_stranger_that_tells_many_events_again_counts_them() -> None:
    """They follow in a list of their own, which is cut where it grows long."""
    digest = replace(SENT, kind=MessageKind.DIGEST)
    both = f"{EVENT} {OTHER}"
    there = (shown(text=both), shown("ee" * 16, text=both, ts="2.2"))
    fates = (FATE, replace(FATE, event_id=OTHER))
    items = {digest.delivery_id: (EVENT, OTHER)}
    [finding] = judged(digest, there=there, fates=fates, items=items).findings
    assert (2, True) == (len(finding.events), finding.what.endswith("names 2 events again")), finding


def test_a_replay_repeats_nothing_and_stands_for_what_it_tells_again() -> None:
    """If it names every event of it."""
    replay = replace(SENT, delivery_id="d3" * 16, replay_of=SENT.delivery_id, attempted_at=NOW)
    both = judged(SENT, replay, there=(shown(), shown(replay.delivery_id, ts="3.3")))
    assert ((), {"security": 1}) == (both.findings, both.proven_events)
    alone = judged(SENT, replay, there=(shown(replay.delivery_id, ts="3.3"),))
    assert ((), {"security": 1}) == (alone.findings, alone.proven_events)
    part = judged(SENT, replay, there=(shown(replay.delivery_id, text="something else", ts="3.3"),))
    assert [Kind.MISSING] == kinds(part)


def search(found: Found = FOUND, cover: Cover = COVER, *, unseen: bool = True) -> Judged:
    known = {("root", "k1")} if unseen else set()
    return judge_search([found], known, {("root", "root-used"): cover}, now=NOW)


def finding_of(result: Judged) -> Finding:
    [finding] = result.findings
    return finding


def test_a_match_that_the_ledger_does_not_know_is_missing() -> None:
    """One that it knows is not."""
    assert Kind.MISSING is finding_of(search()).kind
    assert ((), {"root": 1}) == (search(unseen=False).findings, search(unseen=False).proven_events)


def test_a_match_that_the_next_sweep_takes_is_on_its_way() -> None:
    """By when it arrived, where the pipeline notes that; else by when it happened, with a word of caution."""
    late = replace(FOUND, time=NOW - DAY, arrived=NOW - 16 * MINUTE + SECOND)
    assert (Kind.OPEN, False) == ((on_its_way := finding_of(search(late))).kind, on_its_way.counts(NOW))
    assert Kind.MISSING is finding_of(search(replace(late, arrived=NOW - 16 * MINUTE))).kind
    unnoted = finding_of(search(replace(FOUND, arrived=None)))
    assert (Kind.MISSING, True) == (unnoted.kind, "unless it arrived after the last sweep" in unnoted.what)
    assert Kind.OPEN is finding_of(search(replace(FOUND, time=NOW - MINUTE, arrived=None))).kind
    assert Kind.MISSING is finding_of(search(replace(FOUND, time=None, arrived=None))).kind


@pytest.mark.parametrize(
    "cover",
    [
        replace(COVER, state=None, is_current=False),
        replace(COVER, state=replace(STATE, covered_until=None)),
        replace(COVER, is_current=False),
        replace(COVER, state=replace(STATE, floor=NOW - HOUR + SECOND)),
        replace(COVER, state=replace(STATE, forgotten_before=NOW - HOUR + SECOND)),
        replace(COVER, state=replace(STATE, searched_since=NOW - HOUR + SECOND)),
        replace(COVER, state=replace(STATE, searched_since=None)),
    ],
    ids=[
        "never ran",
        "no baseline yet",
        "changed since",
        "from before what it covers",
        "forgotten",
        "from before any search",
        "no search known",
    ],
)
def test_what_the_ledger_need_not_know_is_neither_missing_nor_proven(cover: Cover) -> None:
    """It is said, with the number of events."""
    result = search(cover=cover)
    assert () == result.findings
    assert [("root-used", 1)] == [(each.where, each.events) for each in result.unverified]
    assert {} == result.proven_events


def test_what_an_exception_keeps_silent_is_not_missed() -> None:
    """Nobody was to be told."""
    assert () == search(replace(FOUND, excepted=True)).findings


def test_what_is_older_than_the_look_back_was_not_looked_for() -> None:
    """Unless it arrived in time: then it should have been found."""
    cover = replace(COVER, look_back=31 * DAY)
    old = replace(FOUND, time=NOW - 70 * DAY, arrived=NOW - HOUR)
    for each in (old, replace(old, arrived=None)):
        result = search(each, cover)
        assert () == result.findings
        assert "older than the look-back is not looked for" in result.unverified[0].why
    assert Kind.MISSING is finding_of(search(replace(old, arrived=NOW - 69 * DAY), cover)).kind
