"""One seed → one history: alertd's own poll, ledger and deliver in a world of faults, and what must be true of it."""

import re
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, cast

from alertd.clock import SteadyClock
from alertd.deliver.batch import Batch, Renderers
from alertd.deliver.courier import Courier
from alertd.deliver.reconcile import Reconciler
from alertd.deliver.verdict import Doubt
from alertd.event.profile import load_profile
from alertd.ledger import Ledger
from alertd.ledger.file import create
from alertd.ledger.model import MessageState, NotificationKind
from alertd.ledger.sqlite import SqliteLedger, open_ledger
from alertd.message import (
    Style,
    mark_repeat,
    render_baseline,
    render_digest,
    render_echo,
    render_event,
    render_minimal,
    render_session,
)
from alertd.ops.trouble import Troubles
from alertd.poll.scan import Poll
from alertd.poll.source import Source
from alertd.poll.ticks import Watch
from alertd.rules.model import Query, Rule, RuleFacts, RuleSet, Severity
from tests.simulation.world import (
    DAY,
    HOUR,
    MINUTE,
    RETENTION,
    SECOND,
    Channel,
    CrashError,
    Document,
    Faults,
    Index,
    SimulatedClock,
    event_id,
    happen,
)

CHANNELS = ("security", "hook")
LOOK_BACK = 31 * DAY
_FACTS = RuleFacts("root", "root-used", "Root was used", Severity.HIGH)
_QUERY = Query("dsl", "{}", {"term": {"userIdentity.type": "Root"}}, "root.toml:1")
RULES = RuleSet("root", "trail", None, (Rule(_FACTS, _QUERY, CHANNELS, "root.toml:1"),), Path("root.toml"))
SOURCE = Source(
    name="trail",
    index="trail-*",
    profile=load_profile("cloudtrail"),
    time_fields=("eventTime",),
    ingest_field=None,
    look_back=LOOK_BACK,
    overlap=15 * MINUTE,
    ingest_overlap=5 * MINUTE,
    page_size=7,
    timeout=30 * SECOND,
)
STYLE = Style()
RENDERERS = Renderers(
    event=lambda told, name: render_event(told, style=STYLE, delivery_id=name),
    digest=lambda told, name: render_digest(told, style=STYLE, delivery_id=name),
    session=lambda told, name: render_session(told, style=STYLE, delivery_id=name),
    baseline=lambda told, n, name: render_baseline(told, n, style=STYLE, delivery_id=name, look_back=LOOK_BACK),
    echo=lambda told, name: render_echo(told, style=STYLE, delivery_id=name),
    minimal=render_minimal,
)
_EVENT_ID = re.compile(r"3fcfb182-98f8-4744-bd45-[0-9a-f]{12}")
_MARK = '"block_id":"possible-repeat"'


class Failing:
    """The ledger, in a process that may die before or after each call of it."""

    def __init__(self, ledger: SqliteLedger, faults: Faults) -> None:
        self._ledger = ledger
        self._faults = faults

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._ledger, name)

        def failing(*args: Any, **kwargs: Any) -> Any:
            self._faults.point()
            answer = call(*args, **kwargs)
            self._faults.point()
            return answer

        return failing


@dataclass(slots=True)
class History:
    """A daemon's parts and its world."""

    seed: int
    path: Path
    dice: Random = field(init=False)
    faults: Faults = field(init=False)
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    index: Index = field(init=False)
    channels: tuple[Channel, ...] = field(init=False)
    root: set[str] = field(default_factory=set)
    acts: int = 0
    _ledger: SqliteLedger = field(init=False)
    _watch: Watch = field(init=False)
    _couriers: tuple[Courier, ...] = ()

    def __post_init__(self) -> None:
        self.dice = Random(self.seed)
        self.faults = Faults(Random(self.seed + 1))
        self.index = Index(self.clock, self.faults)
        self.channels = tuple(Channel(name, self.clock, self.faults, name == "security") for name in CHANNELS)
        create(self.path, now=self.clock.now())
        for _ in range(5):
            self.act()  # before alertd's first start
        self.clock.advance(HOUR)
        self._ledger = open_ledger(self.path, now=self.clock.now())
        self._survive(self._start)

    def close(self) -> None:
        self._ledger.close()

    def run(self, days: float) -> None:
        end = self.clock.true + days * DAY
        while self.clock.true < end:
            self.disturb()
            self.tick()
            self.clock.advance(self.dice.choice([5 * SECOND, 40 * SECOND, 3 * MINUTE, 20 * MINUTE, HOUR]))
        self.settle()

    def act(self) -> None:
        for document in happen(self.dice, self.clock.true, self.acts):
            self.index.documents.append(document)
            if document.root:
                self.root.add(document.event_id)
        self.acts += 1

    def disturb(self) -> None:
        """What happens in the world beside alertd."""
        dice, now = self.dice, self.clock.true
        for _ in range(dice.choices([0, 1, 250], [90, 10, 0.1])[0]):
            self.act()
        if dice.random() < 0.002:
            self.index.down_until = now + dice.random() * 2 * DAY
        for channel in self.channels:
            if dice.random() < 0.002:
                channel.refused_until = now + dice.random() * DAY
            if dice.random() < 0.002:
                channel.silent_until = now + dice.random() * DAY
            if dice.random() < 0.004:
                channel.unreadable_until = now + dice.random() * HOUR
        if dice.random() < 0.005:
            self._set_clock()
        if dice.random() < 0.003:
            self.clock.advance(dice.random() * 2 * DAY)  # the machine was off
        oldest = now - RETENTION
        self.index.documents = [document for document in self.index.documents if document.time >= oldest]

    def _set_clock(self) -> None:
        """By minutes or years, or right again."""
        far = self.dice.choice([timedelta(0), 25 * MINUTE, 3 * HOUR, 800 * DAY])
        self.clock.offset = far * self.dice.uniform(-1, 1)

    def tick(self) -> None:
        self._survive(self._work)

    def settle(self) -> None:
        """Faults stop and time passes: until the last late document, then until the last doubt."""
        self.faults.stop()
        self.clock.offset = timedelta(0)
        now = self.clock.true
        self.index.down_until = now
        for channel in self.channels:
            channel.refused_until = channel.silent_until = channel.unreadable_until = now
        for _ in range(64):
            self.tick()
            self.clock.advance(12 * HOUR)
        # alone in the look-back: nothing but its own scan can find it
        last = Document("trail-0", "last", event_id(self.acts), self.clock.true, self.clock.true, root=True)
        self.index.documents.append(last)
        self.root.add(last.event_id)
        for _ in range(200):
            self.tick()
            self.clock.advance(MINUTE)

    def _work(self) -> None:
        self._watch.fast()
        self._watch.sweep_if_due()
        for courier in self._couriers:
            for _ in range(100):
                wait = courier.step()
                if wait > 2 * SECOND or (not wait and not courier.is_busy()):
                    break
                self.clock.advance(max(wait, SECOND))
                if wait and not courier.is_busy():
                    break

    def _survive(self, work: Callable[[], None]) -> None:
        while True:
            try:
                work()
            except CrashError:
                work = self._restart
            else:
                return

    def _restart(self) -> None:
        self._ledger.close()
        if self.dice.random() < 0.2:
            self._set_clock()
        self._ledger = open_ledger(self.path, now=self.clock.now())
        self.clock.advance(self.dice.random() * 5 * MINUTE)
        self._start()

    def _start(self) -> None:
        ledger = cast("Ledger", Failing(self._ledger, self.faults))
        troubles = Troubles(self.clock)
        for channel in self.channels:  # what is in doubt now may be told twice where nobody can look
            sending = self._ledger.messages(channel.name, MessageState.SENDING)
            channel.doubtful |= {message.delivery_id for message in sending}
        poll = Poll(SOURCE, (RULES,), lambda: self.index, ledger, self.clock, troubles)
        self._watch = Watch("trail", MINUTE, 6 * HOUR, poll, self.clock, troubles)
        self._couriers = tuple(
            Courier(
                destination=channel,
                ledger=ledger,
                clock=steady,
                batch=Batch(ledger, channel.name, channel.threads, RENDERERS, self._new_id),
                reconciler=Reconciler(
                    destination=channel,
                    ledger=ledger,
                    clock=steady,
                    doubt=Doubt(readable=channel.with_reader),
                    mark_repeat=partial(mark_repeat, style=STYLE),
                    troubles=troubles,
                ),
                troubles=troubles,
                random=self.dice,
            )
            for channel, steady in ((channel, SteadyClock(self.clock)) for channel in self.channels)
        )
        poll.start()
        for courier in self._couriers:
            courier.recover()

    def _new_id(self) -> str:
        return f"{self.dice.getrandbits(128):032x}"

    # what must be true in the end

    def problems(self) -> list[str]:
        found = []
        for channel in self.channels:
            found += self._told(channel)
            for state in (MessageState.PENDING, MessageState.SENDING, MessageState.UNKNOWN):
                left = self._ledger.messages(channel.name, state)
                found += [f"{channel.name}: {message.delivery_id} is still {state}" for message in left]
            for kind in NotificationKind:
                if waits := self._ledger.waiting_count(channel.name, kind):
                    found.append(f"{channel.name}: {waits} notifications of kind {kind} still wait")
        return found

    def _told(self, channel: Channel) -> list[str]:
        found = []
        deliveries: dict[str, set[str]] = {}
        seen: set[str] = set()
        for message in channel.shown:
            named = set(_EVENT_ID.findall(message.payload))
            first = message.delivery_id not in seen
            seen.add(message.delivery_id)
            if not first and channel.with_reader:
                found.append(f"{channel.name}: {message.delivery_id} is there twice")
            if not first and message.delivery_id not in channel.doubtful:
                found.append(f"{channel.name}: {message.delivery_id} was repeated without a doubt")
            if not first and _MARK not in message.payload and not self._marked_before(channel, message.delivery_id):
                found.append(f"{channel.name}: {message.delivery_id} was repeated without a mark")
            deliveries.setdefault(message.delivery_id, set()).update(named)
        told = Counter(name for named in deliveries.values() for name in named)
        found += [f"{channel.name}: {name} was lost" for name in sorted(self.root - told.keys())]
        found += [f"{channel.name}: {name} matches no rule" for name in sorted(told.keys() - self.root)]
        found += [f"{channel.name}: {name} is in {n} messages" for name, n in sorted(told.items()) if n > 1]
        return found

    def _marked_before(self, channel: Channel, delivery_id: str) -> bool:
        """A first post that was slow shows up behind its marked repeat."""
        copies = [message for message in channel.shown if message.delivery_id == delivery_id]
        return sum(_MARK not in message.payload for message in copies) <= 1


def replay(seed: int, days: float, folder: Path) -> tuple[list[str], History]:
    history = History(seed, folder / f"{seed}.db")
    with closing(history):
        history.run(days)
        return history.problems(), history


def described(seed: int, days: float, problems: list[str]) -> str:
    again = f"again: make simulate SEED={seed} DAYS={days:g}"
    return "\n".join([f"seed {seed}, {days:g} days: {len(problems)} problems; {again}", *problems[:20]])
