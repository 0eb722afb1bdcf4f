"""The checker of logs agrees with a true story, deaths included, and sees each way in which a story can be false."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.chaos.log_replay import replay
from tests.chaos.slack_process import Seen, Shown

A, B = "cloudtrail:1:aaaaaaaa-0000-4000-8000-000000000001", "cloudtrail:1:bbbbbbbb-0000-4000-8000-000000000002"


def _line(event: str, **facts: object) -> str:
    return json.dumps({"event": event, **facts})


def _step(event: str, name: str, attempt: int = 1, **facts: object) -> str:
    return _line(event, delivery_id=name, attempt=attempt, **facts)


def _composed(name: str, *keys: str) -> str:
    return _line("message_composed", delivery_id=name, destination="d", kind="event", event_keys=keys, of=len(keys))


def _matched(key: str) -> str:
    return _line("event_matched", event_key=key, kind="alert")


STARTING, STOPPED = _line("starting"), _line("stopped")
# d1 is sent at once; alertd dies while sending d2, which arrived, and is found.
STORY = (
    STARTING,
    _matched(A),
    _composed("d1", A),
    _step("attempt_started", "d1"),
    _step("attempt_ended", "d1", outcome="Sent", state="sent", ts="1.1"),
    _matched(B),
    _composed("d2", B),
    _step("attempt_started", "d2"),
    STARTING,
    _step("unknown_send_found", "d2"),
    _step("doubt_read", "d2", state="sent", result="found", ts="1.2"),
    STOPPED,
)
SEEN = Seen(("d1", "d2"), (Shown("d1", "1.1", A), Shown("d2", "1.2", B)), 0)


def _without(number: int) -> tuple[str, ...]:
    return STORY[:number] + STORY[number + 1 :]


def test_a_true_story_agrees_with_slack() -> None:
    assert [] == replay(STORY, SEEN)


def test_a_death_may_hide_the_outcome_before_it() -> None:
    """Committed as unknown, and dead before the line."""
    assert [] == replay(_without(9), SEEN)
    assert replay((*STORY[:8], *STORY[10:]), SEEN), "without a death nothing is hidden"


def test_a_draft_that_was_never_frozen_is_no_message() -> None:
    """Its event goes into another."""
    story = (STARTING, _matched(A), _composed("d0", A), *STORY)
    assert [] == replay(story, SEEN)


def test_a_torn_line_is_the_last_of_its_process() -> None:
    assert [] == replay((*STORY[:8], '{"event": "att', *STORY[8:]), SEEN)
    assert replay((*STORY[:4], '{"event": "att', *STORY[4:]), SEEN)


@pytest.mark.parametrize(
    ("story", "seen"),
    [
        (_without(3), SEEN),
        (_without(7), SEEN),
        (_without(10), SEEN),
        (_without(2), SEEN),
        (_without(1), SEEN),
        (_without(11), SEEN),
        ((*STORY[:8], _step("attempt_started", "d2", 2), *STORY[8:]), SEEN),
        (STORY, replace(SEEN, posts=("d1", "d2", "d2"))),
        (STORY, replace(SEEN, posts=("d2",))),
        (STORY, replace(SEEN, posts=("d1", "d2", "d3"))),
        (STORY, replace(SEEN, shown=SEEN.shown[:1])),
        (STORY, replace(SEEN, shown=(*SEEN.shown, Shown("d2", "1.3", B)))),
        (STORY, replace(SEEN, shown=(SEEN.shown[0], Shown("d2", "1.3", B)))),
        (STORY, replace(SEEN, shown=(SEEN.shown[0], Shown("d2", "1.2", A)))),
        ((*STORY[:11], _matched(A.replace("a", "c")), STOPPED), SEEN),
        ((*STORY[:11], _composed("d3", A), _step("attempt_started", "d3"), STOPPED), SEEN),
    ],
    ids=[
        "an attempt without its start",
        "a post that no line announced",
        "a message left in doubt",
        "a message that names nothing known",
        "a message about an event that no scan matched",
        "no orderly stop",
        "a second attempt before the first one ended",
        "posted twice in one attempt",
        "confirmed, and never posted",
        "a post of nobody's",
        "sent, and not to be seen",
        "seen twice without a mark",
        "another ts than the one confirmed",
        "another event than the log says",
        "an event that was matched and never told",
        "an event told in a second message",
    ],
)
def test_a_story_that_is_false_anywhere_is_found_out(story: Sequence[str], seen: Seen) -> None:
    assert replay(story, seen)
