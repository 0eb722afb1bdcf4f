"""The same world, with Hypothesis to choose what happens: it shrinks a failure to the few steps that matter."""

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.simulation.history import History
from tests.simulation.world import DAY, HOUR, MINUTE, SECOND

SPANS = st.sampled_from([SECOND, 30 * SECOND, 3 * MINUTE, 20 * MINUTE, 6 * HOUR, 2 * DAY])
CHANCES = st.sampled_from([0.0, 0.02, 0.3])


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)
        self.history: History | None = None

    @initialize(seed=st.integers(0, 1000))
    def start(self, seed: int) -> None:
        self.history = History(seed, Path(self.folder.name) / "alertd.db")

    @property
    def now(self) -> History:
        assert self.history
        return self.history

    @rule(count=st.sampled_from([1, 1, 2, 30]))
    def acts(self, count: int) -> None:
        for _ in range(count):
            self.now.act()

    @rule(span=SPANS)
    def works(self, span: timedelta) -> None:
        self.now.tick()
        self.now.clock.advance(span)

    @rule(crash=st.sampled_from([0.0, 0.002, 0.05]), search=CHANCES, post=CHANCES, read=CHANCES)
    def fails(self, crash: float, search: float, post: float, read: float) -> None:
        faults = self.now.faults
        faults.crash, faults.search, faults.post, faults.read = crash, search, post, read

    @rule(span=SPANS)
    def search_is_down(self, span: timedelta) -> None:
        self.now.index.down_until = self.now.clock.true + span

    @rule(number=st.integers(0, 1), span=SPANS)
    def channel_refuses(self, number: int, span: timedelta) -> None:
        self.now.channels[number].refused_until = self.now.clock.true + span

    @rule(span=SPANS)
    def channel_is_unreadable(self, span: timedelta) -> None:
        self.now.channels[0].unreadable_until = self.now.clock.true + min(span, HOUR)

    @rule(minutes=st.integers(-25, 25))
    def clock_is_set(self, minutes: int) -> None:
        self.now.clock.offset = minutes * MINUTE

    def teardown(self) -> None:
        try:
            if self.history:
                self.history.settle()
                assert [] == self.history.problems()
        finally:
            if self.history:
                self.history.close()
            self.folder.cleanup()


TestWorld = World.TestCase
TestWorld.settings = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
