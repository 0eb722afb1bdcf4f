"""What is said of clocks that disagree, and what their moments prove."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alertd.clock import SteadyClock, compared, skew, skew_told
from alertd.ops.life import Life
from alertd.status import Patience, RuleSetStatus, unready
from tests.simulation.world import SimulatedClock

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("ahead", "took", "said", "wrong"),
    [
        (0.3, 0.0, "clock +0.3 s", None),
        (0.0, 2.0, "clock +0.0 s", None),
        (-0.02, 0.0, "clock +0.0 s", None),
        (-4.0, 0.0, "clock -4.0 s", None),
        (6.0, 0.0, "clock +6.0 s", "this machine's clock is 6 seconds behind the search server's"),
        (-360.0, 0.0, "clock -360.0 s", "this machine's clock is 6 minutes ahead of the search server's"),
    ],
)
def test_clocks_are_compared_to_a_tenth_and_differ_beyond_five_seconds(
    ahead: float, took: float, said: str, wrong: str | None
) -> None:
    asked, answered = NOW, NOW + took * SECOND
    told = NOW + (took / 2 + ahead) * SECOND
    assert said == compared(told, asked_at=asked, answered_at=answered)
    found = skew(told, asked_at=asked, answered_at=answered)
    assert wrong == (skew_told(found) if found else None)


def test_a_clock_that_drifts_has_not_jumped() -> None:
    wall = SimulatedClock(NOW)
    steady = SteadyClock(wall)
    wall.offset = 0.9 * SECOND
    assert timedelta(0) == steady.jump()
    wall.offset = -6 * MINUTE
    assert -6 * MINUTE == steady.jump()
    assert NOW == steady.now()
    steady.follow(steady.jump())
    assert (wall.now(), timedelta(0)) == (steady.now(), steady.jump())


def _searched(last: datetime) -> list[str]:
    sign = Life(NOW, ("root",), ())
    told = RuleSetStatus("root", last, None, None, None, (), 0, 0)
    return unready(sign, (told,), (), patience=Patience(5 * MINUTE, 10 * MINUTE, 10 * MINUTE), now=NOW)


def test_a_last_search_that_is_dated_in_the_future_is_no_sign_of_life() -> None:
    assert [] == _searched(NOW - MINUTE)
    assert [] == _searched(NOW + SECOND)
    for ahead in (6 * MINUTE, 800 * DAY):
        assert "root was last searched in the future" in "".join(_searched(NOW + ahead))


def test_what_was_only_run_once_is_not_said_to_have_never_run() -> None:
    """The line stands above rule sets with their last scan."""
    patience = Patience(5 * MINUTE, 10 * MINUTE, 10 * MINUTE)
    never = RuleSetStatus("root", None, None, None, None, (), 0, 0)
    assert ["it never ran with this ledger"] == unready(None, (never,), (), patience=patience, now=NOW)
    [why] = unready(None, (never, replace(never, name="b", last_scan=NOW)), (), patience=patience, now=NOW)
    assert f"by run --once only, or for seconds: last at {NOW:%Y-%m-%d %H:%M} UTC" in why
