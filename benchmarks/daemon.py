"""Speed and memory of the daemon on a real Elasticsearch 8: python -m benchmarks.daemon [PART ...]

Prints each limit beside what was measured in this run; exit code 1 if one is missed. Wants Maven and a JDK, and Python
3.12 or later for the part with ElastAlert 2.
"""

import argparse
import gc
import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from elasticsearch import Elasticsearch

from alertd import compose, log
from alertd.clock import SystemClock
from alertd.config import load_settings
from alertd.demo.slack import SlackStandIn
from alertd.ledger.sqlite import open_ledger
from alertd.ops.trouble import Troubles
from alertd.poll.scan import Poll
from benchmarks.beside import beside
from benchmarks.measured import Row, cpu_of, memory_of, show
from tests.acceptance.installation import CHANNEL, RULES, Installation, event_id, root_event
from tests.servers.running import SearchServer, running

RULE_COUNT = 1_000
# Of the rules part: so many to warm the server up, and so many that count.
ROUNDS = 6
SHIPPED = RULES / "aws-root-user.toml"


@dataclass(frozen=True, slots=True)
class Asked:
    events: int
    documents: int
    burst: int
    seconds: int
    dice: random.Random


@contextmanager
def installed(
    server: SearchServer, *, interval: int, sweep: str = "15m", rules: Path = SHIPPED
) -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="alertd-bench-") as folder, SlackStandIn() as slack:
        slack.workspace.add_channel(id=CHANNEL, name="aws-root")
        made = Installation(Path(folder), server, slack, f"b{uuid.uuid4().hex[:8]}")
        made.configure()
        text = made.config.read_text("utf-8")
        text = text.replace('interval = "1s"', f'interval = "{interval}s"', 1)
        text = text.replace('sweep_interval = "3s"', f'sweep_interval = "{sweep}"').replace(str(SHIPPED), str(rules))
        made.config.write_text(text, "utf-8")
        made.create_indices()
        made.run("init")
        yield made


def latency(server: SearchServer, asked: Asked) -> Iterator[Row]:
    """One event at a time, because Slack's pace of a message a second is not measured: each soon after a poll, and then
    at one of evenly spread moments of the interval, in random order. Chance would move the median of so few."""
    for interval, events in ((1, asked.events), (10, max(4, asked.events // 4))):
        with installed(server, interval=interval) as made, made.daemon() as daemon:
            daemon.wait_until_started()
            moments = [interval * (number + 0.5) / events for number in range(events)]
            asked.dice.shuffle(moments)
            waits = [one_wait(made, interval, moment, asked.dice) for moment in moments]
        label = f"searchable → accepted, every {interval} s, {events} events:"
        yield Row(f"{label} median", statistics.median(waits), interval / 2 + 0.3, "s")
        # the longest of so few is no less than the 99th percentile
        yield Row(f"{label} longest", max(waits), interval + 0.5, "s")


def one_wait(made: Installation, interval: int, moment: float, dice: random.Random) -> float:
    time.sleep(1.2 + moment)
    document = root_event(ecs=dice.random() < 0.5)
    made.add(document)
    began = time.monotonic()
    made.wait_for(lambda: event_id(document) in made.told(), "the message", seconds=interval + 30)
    return time.monotonic() - began


def memory(server: SearchServer, asked: Asked) -> Iterator[Row]:
    with installed(server, interval=10) as made:
        began = time.monotonic()
        with made.daemon() as daemon:
            made.wait_for(lambda: searches(made) > 0, "the first search")
            first = time.monotonic() - began
            daemon.wait_until_started()
            time.sleep(asked.seconds)
            shipped = memory_of(daemon.process.pid, "VmRSS")
    yield Row("start → first search", first, 1.5, "s")
    yield Row("RSS with the shipped rules", shipped, 68, "MB")
    with many_rules() as rules, installed(server, interval=10, rules=rules) as made, made.daemon() as daemon:
        daemon.wait_until_started()
        time.sleep(5)  # the first sweep, which is one in 15 minutes
        before = cpu_of(daemon.process.pid)
        began = time.monotonic()
        time.sleep(max(asked.seconds, 21))
        share = (cpu_of(daemon.process.pid) - before) / (time.monotonic() - began) * 100
        more = memory_of(daemon.process.pid, "VmRSS") - shipped
    yield Row(f"RSS more with {RULE_COUNT} rules", more, 20, "MB")
    yield Row(f"CPU with {RULE_COUNT} rules, every 10 s", share, 1, "% of a core")


def burst(server: SearchServer, asked: Asked) -> Iterator[Row]:
    with installed(server, interval=1) as made, made.daemon() as daemon:
        daemon.wait_until_started()
        time.sleep(3)
        before = memory_of(daemon.process.pid, "VmRSS")
        documents = [root_event() for _ in range(asked.burst)]
        made.add(*documents)
        began = time.monotonic()
        made.wait_for(lambda: recorded(made) >= asked.burst, "every event in the ledger")
        took = time.monotonic() - began
        time.sleep(5)  # digests are made meanwhile
        growth = memory_of(daemon.process.pid, "VmHWM") - before
    yield Row(f"burst of {asked.burst} events: recorded", took, 10, "s")
    yield Row("burst: RSS growth, at its peak", growth, 40, "MB")


def rules(server: SearchServer, asked: Asked) -> Iterator[Row]:
    with many_rules() as path, installed(server, interval=10, rules=path) as made:
        fill(made, asked.documents, asked.dice)
        settings = load_settings(made.config)
        log.configure(form="json", level="error", secrets=settings.secrets())
        clock = SystemClock()
        with closing(open_ledger(settings.ledger.path, now=clock.now())) as ledger:
            sets = compose.rules.rule_sets(settings)
            (watch,) = compose.searching.watches(settings, sets, ledger, clock=clock, troubles=Troubles(clock, None))
            watch.poll.start()
            watch.poll.sweep()
            quiet, news, single = side_by_side(made, watch.poll)
    label = f"{RULE_COUNT} rules, {asked.documents} documents"
    yield Row(
        f"{label}: quiet poll, {quiet * 1000:.1f} ms, of single searches' {single:.2f} s", quiet / single, 1 / 100, ""
    )
    yield Row(f"{label}: poll with news, {news * 1000:.1f} ms, of the same", news / single, 1 / 20, "")


def side_by_side(made: Installation, poll: Poll) -> tuple[float, float, float]:
    """Seconds of a quiet poll, of one with news and of the single searches, in turns."""
    gc.collect()
    gc.freeze()  # as the daemon does
    with Elasticsearch(made.server.url) as client:
        # a server that was just started is several times as slow as one that has run for a while
        for _ in range(ROUNDS):
            single_searches(client, made.index)
            for _ in range(50):
                made.add(root_event("Action7", ago=timedelta(hours=1)))  # out of reach of the polls that count
                poll.sweep()
        quiet: list[float] = []
        news: list[float] = []
        single: list[float] = []
        for _ in range(ROUNDS):
            single.append(took(lambda: single_searches(client, made.index)))
            quiet += [took(poll.fast) for _ in range(10)]
            news += [with_news(made, poll.fast) for _ in range(3)]
            poll.fast()
    return statistics.median(quiet), statistics.median(news), statistics.median(single)


def with_news(made: Installation, poll: Callable[[], object]) -> float:
    made.add(root_event("Action7"))
    return took(poll)


def took(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def single_searches(client: Elasticsearch, index: str) -> None:
    """What a tool without combined searches does, from Python as alertd: a search for each rule, one after another."""
    for number in range(RULE_COUNT):
        query = f"userIdentity.type:Root AND eventName:Action{number}"
        parts = [{"query_string": {"query": query}}, {"range": {"@timestamp": {"gte": "now-1h"}}}]
        client.search(
            index=f"{index}-*", query={"bool": {"filter": parts}}, size=100, sort=[{"@timestamp": {"order": "asc"}}]
        )


def fill(made: Installation, documents: int, dice: random.Random) -> None:
    """What people do in an hour, without root."""
    batch = 5_000
    for start in range(0, documents, batch):
        made.add(*(somebody(dice) for _ in range(min(batch, documents - start))))


def somebody(dice: random.Random) -> dict[str, object]:
    document = root_event(f"Action{dice.randrange(RULE_COUNT)}")
    return {**document, "userIdentity": {"type": "IAMUser", "accountId": "111122223333"}}


@contextmanager
def many_rules() -> Iterator[Path]:
    text = ['id = "many"\nsource = "cloudtrail"\nquery.lucene = "userIdentity.type:Root"\n']
    text += [
        f'[[rules]]\nid = "rule-{number}"\ntitle = "Action {number}"\nseverity = "low"\n'
        f'query.lucene = "eventName:Action{number}"\n'
        for number in range(RULE_COUNT)
    ]
    with tempfile.TemporaryDirectory(prefix="alertd-bench-") as folder:
        path = Path(folder) / "many.toml"
        path.write_text("\n".join(text), "utf-8")
        yield path


def _beside(server: SearchServer, asked: Asked) -> Iterator[Row]:
    return beside(server, max(asked.seconds, 120))


def searches(made: Installation) -> int:
    return int(made.send("GET", f"/{made.index}-*/_stats/search")["_all"]["total"]["search"]["query_total"])


def recorded(made: Installation) -> int:
    with closing(sqlite3.connect(f"file:{made.folder}/alertd.db?mode=ro", uri=True)) as ledger:
        return int(ledger.execute("SELECT count(*) FROM events").fetchone()[0])


def main(arguments: Sequence[str] | None = None) -> int:
    parts = {"latency": latency, "memory": memory, "burst": burst, "rules": rules, "beside": _beside}
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("parts", nargs="*", help=f"of {', '.join(parts)}; default: all")
    options.add_argument("--events", type=int, default=100, help="for latency; a quarter of it at 10 s")
    options.add_argument("--documents", type=int, default=300_000)
    options.add_argument("--burst", type=int, default=10_000)
    options.add_argument("--seconds", type=int, default=60, help="how long memory and CPU are watched")
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args(arguments)
    if unknown := set(given.parts) - parts.keys():
        options.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    asked = Asked(given.events, given.documents, given.burst, given.seconds, random.Random(given.seed))
    print(f"seed {given.seed}, load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    missed = 0
    with running("elasticsearch8") as server:
        for name in given.parts or parts:
            for row in parts[name](server, asked):
                show(row)
                missed += not row.is_met
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
