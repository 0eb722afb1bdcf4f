"""alertd's own failures, as people hear of them."""

from datetime import timedelta

from alertd.trouble import Troubles
from tests.simulation.world import HOUR, MINUTE, SimulatedClock


def test_an_episode_is_told_when_it_begins_every_hour_and_when_it_is_over() -> None:
    """Once each, however often it is noticed; a subject that is well has nothing to tell."""
    clock = SimulatedClock()
    told: list[tuple[timedelta, str, bool]] = []
    began = clock.now()
    troubles = Troubles(clock, lambda text, over: told.append((clock.now() - began, text, over)))
    troubles.end("source trail")
    for _ in range(150):
        troubles.begin("source trail", "cannot be searched")
        clock.advance(MINUTE)
    troubles.end("source trail")
    troubles.end("source trail")
    text = "source trail: cannot be searched"
    over = f"source trail: over. It began at {began:%Y-%m-%d %H:%M:%S} UTC: cannot be searched"
    assert [
        (timedelta(0), text, False),
        (HOUR, text, False),
        (2 * HOUR, text, False),
        (150 * MINUTE, over, True),
    ] == told
