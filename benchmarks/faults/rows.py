"""The faults. Each is one function that does the same to every product."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from signal import SIGKILL, SIGTERM

from alertd.demo.slack import Fault
from benchmarks.faults.node import Node
from benchmarks.faults.product import POST_TIMEOUT_SECONDS
from benchmarks.faults.scene import Scene

BATCH, SHOWN_BEFORE = 50, 10
TOO_LONG = Fault("hang", stores=True, delay_seconds=POST_TIMEOUT_SECONDS * 2)
# Late, but not as late as the peer's query_delay makes up for.
A_LITTLE = timedelta(seconds=12)
VERY = timedelta(hours=6)
OUTAGE_SECONDS = 20
# Before a stop that is not the fault itself: whatever a product still writes after its last message is written.
IDLE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    what: str
    run: Callable[[Scene], None]
    destinations: int = 1
    stops_the_server: bool = False


def control(scene: Scene) -> None:
    scene.start()
    scene.add(20)


def killed(scene: Scene) -> None:
    scene.start()
    scene.add(BATCH)
    scene.wait_for_messages(SHOWN_BEFORE)
    scene.end(SIGKILL)
    scene.start()


def terminated(scene: Scene) -> None:
    scene.start()
    scene.add(BATCH)
    scene.wait_for_messages(SHOWN_BEFORE)
    scene.end(SIGTERM)
    scene.start()


def killed_in_doubt(scene: Scene) -> None:
    """Slack has the message and no answer came yet."""
    _kill_at_the_post(scene, Fault("hang", stores=True, delay_seconds=POST_TIMEOUT_SECONDS))


def killed_unheard(scene: Scene) -> None:
    """Slack has nothing, which the product cannot know."""
    _kill_at_the_post(scene, Fault("hang", delay_seconds=POST_TIMEOUT_SECONDS))


def _kill_at_the_post(scene: Scene, fault: Fault) -> None:
    scene.start()
    scene.fault(fault, 1)
    scene.add(5)
    scene.wait_for_posts(1)
    scene.hold(POST_TIMEOUT_SECONDS / 4)
    scene.end(SIGKILL)
    scene.start()


def late_while_down(scene: Scene) -> None:
    _late_while_down(scene, A_LITTLE)


def very_late_while_down(scene: Scene) -> None:
    _late_while_down(scene, VERY)


def _late_while_down(scene: Scene, ago: timedelta) -> None:
    scene.start()
    scene.add(5)
    scene.wait_for_messages(5)
    scene.hold(IDLE_SECONDS)
    scene.end(SIGTERM)
    scene.add(20, ago=ago)
    scene.start()


def late(scene: Scene) -> None:
    scene.start()
    scene.hold(5)
    scene.add(20, ago=timedelta(minutes=2))


def very_late(scene: Scene) -> None:
    scene.start()
    scene.hold(5)
    scene.add(20, ago=VERY)


def twice(scene: Scene) -> None:
    """First as they are, then under other ids in another index."""
    scene.start()
    documents = scene.add(20)
    scene.wait_for_messages(20)
    scene.put(documents, index="two")


def throttled(scene: Scene) -> None:
    scene.fault(Fault("throttle", retry_after="3"), 3)
    scene.start()
    scene.add(10)


def slow(scene: Scene) -> None:
    scene.fault(TOO_LONG, 3)
    scene.start()
    scene.add(10)


def reset(scene: Scene) -> None:
    scene.fault(Fault("reset", stores=True), 3)
    scene.start()
    scene.add(10)


def stored_late(scene: Scene) -> None:
    """No answer, and the message only shows afterwards."""
    scene.fault(Fault("late", delay_seconds=3), 3)
    scene.start()
    scene.add(10)


def one_destination_down(scene: Scene) -> None:
    scene.sinks[1].stop()
    scene.start()
    scene.add(10)
    scene.hold(OUTAGE_SECONDS)
    scene.sinks[1].start()


def search_down_at_start(scene: Scene) -> None:
    """What happened during the outage is indexed when it is over."""
    node = _node(scene)
    scene.start()
    scene.add(5)
    scene.wait_for_messages(5)
    scene.hold(IDLE_SECONDS)
    scene.end(SIGTERM)
    node.stop()
    scene.start(wait=False)
    scene.hold(10)
    node.start()
    scene.add(20, ago=timedelta(seconds=5))
    scene.wait_until_ready()


def search_stopped(scene: Scene) -> None:
    node = _node(scene)
    scene.start()
    scene.add(10)
    scene.wait_for_messages(10)
    scene.add(10)
    node.stop()
    scene.hold(10)
    node.start()
    scene.add(20, ago=timedelta(seconds=5))


def shard_fails(scene: Scene) -> None:
    """Of two indices one has a limit that lets no search of theirs through: the server answers with what is left."""
    scene.start()
    scene.limit("two", 1)
    scene.add(10, index="one")
    scene.add(10, index="two")
    scene.hold(OUTAGE_SECONDS)
    scene.limit("two", None)


def slack_down(scene: Scene) -> None:
    scene.start()
    scene.sinks[0].stop()
    scene.add(300)
    scene.hold(OUTAGE_SECONDS)
    scene.sinks[0].start()


def burst(scene: Scene) -> None:
    scene.start()
    scene.add(1_000)


def _node(scene: Scene) -> Node:
    if scene.node is None:
        raise RuntimeError("this row stops the server")
    return scene.node


ROWS = (
    Row("none", "no fault, 20 events", control),
    Row("kill", f"kill -9 when {SHOWN_BEFORE} of {BATCH} messages are there, restart", killed),
    Row("term", f"SIGTERM when {SHOWN_BEFORE} of {BATCH} messages are there, restart", terminated),
    Row("kill-stored", "kill -9 during a post that Slack stored, restart", killed_in_doubt),
    Row("kill-not-stored", "kill -9 during a post that Slack did not store, restart", killed_unheard),
    Row("late-down", f"{A_LITTLE.seconds} s late, indexed while the product was stopped", late_while_down),
    Row("late-6h-down", "6 hours late, indexed while the product was stopped", very_late_while_down),
    Row("late", "2 minutes late", late),
    Row("late-6h", "6 hours late", very_late),
    Row("twice", "delivered again under another _id in another index", twice),
    Row("429", "three posts get 429 with Retry-After: 3", throttled),
    Row("slow", "three posts are stored, the answer is later than the timeout", slow),
    Row("reset", "three posts are stored, then the connection is reset", reset),
    Row("stored-late", "three posts end without an answer, and are stored 3 s later", stored_late),
    Row("one-down", f"one of two destinations is down for {OUTAGE_SECONDS} s", one_destination_down, destinations=2),
    Row("search-down", "started while Elasticsearch is down", search_down_at_start, stops_the_server=True),
    Row("search-stops", "Elasticsearch killed and started again", search_stopped, stops_the_server=True),
    Row("shard", f"the searches of one of two indices fail for {OUTAGE_SECONDS} s", shard_fails),
    Row("slack-down", f"Slack down for {OUTAGE_SECONDS} s, 300 events", slack_down),
    Row("burst", "1,000 events at once", burst),
)
