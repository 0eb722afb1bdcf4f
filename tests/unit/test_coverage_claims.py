"""No command claims a moment that no completed scan covered, whatever happens in whatever order."""

from datetime import timedelta
from random import Random

import pytest

from alertd import status
from tests.simulation.world import DAY, HOUR, MINUTE, SECOND
from tests.unit.test_poll import Trail
from tests.unit.test_poll import trail as trail  # noqa: PLC0414 a fixture


@pytest.mark.parametrize("seed", range(8))
def test_what_is_claimed_was_searched(trail: Trail, seed: int) -> None:
    """By true time: both what status shows and what explain says, which read the same."""
    dice = Random(seed)
    print(f"seed {seed}")
    poll, look_back, began, ended = trail.poll(), DAY, None, None
    for _ in range(25):
        match dice.choice(["start", "sweep", "fast", "prune", "clock", "time"]):
            case "start":
                look_back = dice.choice([HOUR, DAY, 20 * DAY])
                poll = trail.poll(look_back=look_back)
            case "sweep":
                poll = trail.poll(look_back=look_back)
                poll.sweep()
                reached = trail.clock.true - look_back
                began, ended = min(began or reached, reached), trail.clock.true
            case "fast" if began:
                poll.fast()
                ended = trail.clock.true
            case "prune":
                trail.ledger.prune(before=trail.clock.now() - dice.choice([HOUR, 400 * DAY]))
            case "clock":
                trail.clock.offset = dice.choice([timedelta(0), -800 * DAY, -6 * MINUTE, 6 * MINUTE, 800 * DAY])
            case _:
                trail.clock.advance(dice.choice([SECOND, HOUR, 3 * DAY]))
        for told in status.rule_sets(trail.ledger, trail.clock.now()):
            assert (told.covered_from is None) == (began is None)
            if told.covered_from and told.covered_until and began and ended:
                assert began - SECOND <= told.covered_from
                assert told.covered_until <= ended + SECOND
