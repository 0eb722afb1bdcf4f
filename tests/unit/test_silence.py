"""A source that went silent, on a simulated index."""

from datetime import timedelta
from random import Random

import pytest

from alertd.ops.dead_feed import Silence, silent
from alertd.ops.trouble import Troubles
from tests.simulation.world import HOUR, MINUTE, SECOND, START, Document, Faults, Index, SimulatedClock, event_id

AFTER = 6 * HOUR


def happen(index: Index, number: int = 1) -> None:
    now = index.clock.true
    index.documents.append(Document("trail-0", f"d{number}", event_id(number), now, now, root=False))


@pytest.fixture
def index() -> Index:
    return Index(SimulatedClock(), Faults(Random(1), crash=0, search=0))


def test_a_source_without_anything_new_is_told_until_something_comes(index: Index) -> None:
    """Any document counts, whatever the rules say of it. A server that is down says nothing of the source."""
    troubles = Troubles(index.clock)
    silence = Silence("trail", "trail-*", ("eventTime",), AFTER, lambda: index, index.clock, troubles)
    happen(index)
    index.clock.advance(AFTER - SECOND)
    silence.look()
    assert () == troubles.open()
    index.clock.advance(SECOND)
    silence.look()
    (episode,) = troubles.open()
    assert ("silent source trail", "no data since 2026-01-01 00:00 UTC. Is it still being shipped to trail-*?") == (
        episode.subject,
        episode.text,
    )
    index.down_until = index.clock.true + MINUTE
    happen(index, 2)
    silence.look()
    assert 1 == len(troubles.open())
    index.clock.advance(MINUTE)
    silence.look()
    assert () == troubles.open()


@pytest.mark.parametrize(
    ("age", "watched", "told"),
    [
        (timedelta(0), HOUR, None),
        (AFTER, timedelta(0), "no data since 2026-01-01 00:00 UTC"),
        (None, AFTER, "no document at all"),
        (None, AFTER - SECOND, None),
    ],
)
def test_when_a_source_counts_as_silent(age: timedelta | None, watched: timedelta, told: str | None) -> None:
    """An old document tells at once, also after a start; none at all may be a pipeline that is about to begin."""
    newest = None if age is None else START
    assert told == silent(newest, AFTER, now=START + (age or timedelta(0)), watched=watched)
