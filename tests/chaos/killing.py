"""alertd killed at random instants, over and over, while Slack misbehaves; then everything is counted.

Rounds of a few hundred kills, each with a ledger, an index and a Slack of its own. Most kills hit a fork of a warm
process that opens the ledger and runs as `alertd run` does; one in twenty hits a real process. A round is made of its
seed, except for what the machine's scheduler adds: to run it again is to meet much the same, not the very same.
"""

import argparse
import multiprocessing
import os
import random
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from alertd import compose, log
from alertd.cli.run import serve
from alertd.config import Settings, load_settings
from alertd.demo.traffic import Delivery, Traffic
from alertd.ledger.file import create
from alertd.rules.model import RuleSet
from alertd.run.stopping import Stop
from alertd.search.embedded import EmbeddedServer, embedded_server
from tests.chaos.hurried import hurry
from tests.chaos.judging import MARK, judge, told
from tests.chaos.ledger_file import count_open, damage
from tests.chaos.log_replay import replay
from tests.chaos.slack_process import CHANNEL, Misbehaviour, SlackProcess, slack_process

ROOT = Path(__file__).parents[2]
ROUND = 250
REAL_EVERY, UNHURRIED_EVERY = 20, 200
# It dies after so many lines of its log at most: the start has three, and each message some four.
MOST_LINES, MEAN_EXTRA_SECONDS = 16, (0.0002, 0.002, 0.02)
LONGEST_LIFE_SECONDS, START_SECONDS = 0.4, 1.0
# Longer than the longest late post and the read lag together, on a busy machine too.
SETTLE_SECONDS = 2
DRAIN_SECONDS = 60
MOST_SHOWN = 20
# SIGKILL loses nothing that was written, on no disk: waiting for a real one would only make the kills fewer.
_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclass(frozen=True, slots=True)
class Figures:
    kills: int = 0
    events: int = 0
    posts: int = 0  # requests that reached Slack
    messages: int = 0
    marked: int = 0  # messages that say that they may be a repeat

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(slots=True)
class Round:
    """One installation: its outside world, its folder, and how often it was killed."""

    seed: int
    webhook: bool
    folder: Path
    search: EmbeddedServer
    slack: SlackProcess
    dice: random.Random = field(init=False)
    traffic: Traffic = field(init=False)
    log_start: int = 0  # where the log of the present process begins
    _second: list[Delivery] = field(default_factory=list)  # what CloudTrail will deliver once more

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.traffic = Traffic(random.Random(self.seed + 1))

    @property
    def ledger(self) -> Path:
        return self.folder / "alertd.db"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def _index(self, name: str) -> str:
        return name.replace("cloudtrail", f"k{self.seed:x}{'w' if self.webhook else 't'}")

    def install(self) -> tuple[Settings, tuple[RuleSet, ...]]:
        for name in ("cloudtrail-raw", "cloudtrail-ecs"):
            self.search.create_index(self._index(name), {"properties": {"@timestamp": {"type": "date"}}})
        (self.folder / "secret").write_text(self.slack.webhook_url if self.webhook else "xoxb-not-a-token")
        (self.folder / "secret").chmod(0o600)
        by_token = f'type = "slack"\nchannel = "{CHANNEL}"\ntoken_file = "secret"\nbase_url = "{self.slack.url[:-1]}"'
        (self.folder / "alertd.toml").write_text(f"""
[elasticsearch]
url = "{self.search.url}"
[sources.cloudtrail]
index = "{self._index("cloudtrail-*")}"
interval = "1s"
sweep_interval = "1s"
[destinations.security]
{'type = "slack-webhook"' if self.webhook else by_token}
{'url_file = "secret"' if self.webhook else ""}
timeout = "1s"
settle = "{SETTLE_SECONDS}s"
max_doubt = "1h"
[rules]
paths = ["{ROOT}/rules/aws-root-user.toml"]
[ledger]
path = "{self.ledger}"
[log]
format = "json"
""")
        settings = load_settings(self.folder / "alertd.toml")
        log.configure(form="json", level="info", secrets=settings.secrets())
        create(self.ledger, now=datetime.now(UTC))
        return settings, compose.rules.rule_sets(settings)

    def happen(self) -> None:
        """Some events become searchable, some late; CloudTrail delivers some once more, now or later."""
        now = datetime.now(UTC)
        deliveries = [self.traffic.noise(now)]
        for _ in range(self.dice.choice((0, 1, 1, 2, 3))):
            once, *again = self.traffic.root(now)
            deliveries.append(once)
            self._second += again
        if self._second and self.dice.random() < 0.3:
            deliveries.append(self._second.pop())
        self.search.add([(self._index(each.index), each.document_id, each.document) for each in deliveries])

    def lines(self) -> int:
        """Of the log, since the last start."""
        with self.log.open("rb") as file:
            file.seek(self.log_start)
            return file.read().count(b"\n")

    def catch_up(self) -> None:
        """What CloudTrail has not yet delivered for the second time."""
        if self._second:
            self.search.add([(self._index(each.index), each.document_id, each.document) for each in self._second])


def run_round(
    search: EmbeddedServer, folder: Path, *, seed: int, kills: int, webhook: bool
) -> tuple[Figures, list[str]]:
    """What happened, and what was wrong."""
    with slack_process(seed, Misbehaviour()) as slack:
        here = Round(seed, webhook, folder, search, slack)
        settings, rule_sets = here.install()
        compose.searching.search_client(settings.elasticsearch).close()  # its library is loaded once, here
        problems = _wait_for_end(here, _fork(here, partial(_serve, settings, rule_sets, once=True)))  # the baseline
        run = partial(_serve, settings, rule_sets, once=False)
        for number in range(1, kills + 1):
            if number % REAL_EVERY == 0:
                pid = _fork(here, partial(_become_alertd, here, hurried=number % UNHURRIED_EVERY != 0))
                problems += _kill(here, pid, START_SECONDS + LONGEST_LIFE_SECONDS)
            else:
                problems += _kill(here, _fork(here, run), LONGEST_LIFE_SECONDS)
        here.catch_up()
        slack.calm()
        problems += _drain(here, _fork(here, run))
        seen = slack.seen()
    problems += damage(here.ledger) + judge(seen, here.traffic.by_root, webhook=here.webhook)
    problems += replay(here.log.read_text("utf-8", errors="replace").splitlines(), seen)
    marked = sum(MARK in each.payload for each in seen.shown)
    return Figures(kills, len(here.traffic.by_root), len(seen.posts), len(seen.shown), marked), problems


# processes


def _fork(here: Round, run: Callable[[], object]) -> int:
    """A child that does this, with the log as its output. Its pid."""
    descriptor = os.open(here.log, os.O_CREAT | os.O_APPEND | os.O_RDWR, 0o600)
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        os.write(descriptor, b"\n")  # the last process died in the middle of a line
    here.log_start = os.fstat(descriptor).st_size
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(descriptor)
        return pid
    code = 70
    try:
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        run()
        code = 0
    except BaseException:  # noqa: BLE001 a child must not go on as its parent
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _serve(settings: Settings, rule_sets: Sequence[RuleSet], *, once: bool) -> None:
    stop = Stop()
    stop.listen()
    serve(settings, rule_sets, once=once, stop=stop)


def _become_alertd(here: Round, *, hurried: bool) -> None:
    os.chdir(here.folder)
    module = "tests.chaos.hurried" if hurried else "alertd"
    os.execve(sys.executable, [sys.executable, "-m", module, "run"], {**os.environ, "PYTHONPATH": str(ROOT)})


def _kill(here: Round, pid: int, most_seconds: float) -> list[str]:
    """Events arrive, and it goes on; it dies a random moment after a random line of its log."""
    lines = here.dice.randrange(MOST_LINES)
    deadline = time.monotonic() + most_seconds
    before = here.dice.randrange(lines + 1)
    ended = _ends_before(here, pid, before, deadline)
    if here.dice.random() < 0.6:
        here.happen()
    ended = ended or _ends_before(here, pid, lines, deadline)
    ended = ended or _ends_within(pid, here.dice.expovariate(1 / here.dice.choice(MEAN_EXTRA_SECONDS)))
    os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return [f"alertd ended by itself with {code}: {_tail(here)}"] if ended or code != -signal.SIGKILL else []


def _ends_before(here: Round, pid: int, lines: int, deadline: float) -> bool:
    """Whether it ends before its log has so many lines, or the time is over."""
    while time.monotonic() < deadline and here.lines() < lines:
        if _ends_within(pid, 0.0005):
            return True
    return False


def _drain(here: Round, pid: int) -> list[str]:
    """Let it run until everything is told and nothing is open, then stop it in order."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while time.monotonic() < deadline and not _ends_within(pid, 0.1):
        if not count_open(here.ledger) and here.traffic.by_root <= told(here.slack.seen()).keys():
            break
    os.kill(pid, signal.SIGTERM)
    return _wait_for_end(here, pid)


def _wait_for_end(here: Round, pid: int) -> list[str]:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return [f"alertd ended with {code}: {_tail(here)}"] if code else []


def _ends_within(pid: int, seconds: float) -> bool:
    descriptor = os.pidfd_open(pid)
    try:
        return bool(select.select([descriptor], [], [], max(0.0, seconds))[0])
    finally:
        os.close(descriptor)


def _tail(here: Round) -> str:
    return here.log.read_text("utf-8", errors="replace")[-2000:]


def main() -> int:
    """`python -m tests.chaos.killing --kills 100000 --seed 7 --webhook`. 1 if anything was wrong."""
    asked = _asked()
    sizes = [min(ROUND, asked.kills - start) for start in range(0, asked.kills, ROUND)]
    seeds = range(asked.seed, asked.seed + len(sizes))
    total, began, failed = Figures(), time.monotonic(), False
    # spawned: a process that is to be forked must not have threads
    workers = ProcessPoolExecutor(asked.jobs, multiprocessing.get_context("spawn"), hurry)
    with embedded_server() as search, workers:
        rounds = workers.map(partial(_round, search, asked.webhook), seeds, sizes)
        for seed, kills, (figures, problems) in zip(seeds, sizes, rounds, strict=True):
            total += figures
            print(f"seed {seed}: {total}, {time.monotonic() - began:.0f} s", flush=True)
            if problems:
                failed = True
                print(*problems[:MOST_SHOWN], sep="\n")
                mode = " ARGS=--webhook" if asked.webhook else ""
                print(f"{len(problems)} problems. Again: make chaos-kill CHAOS_KILLS={kills} CHAOS_SEED={seed}{mode}")
    return int(failed)


def _round(search: EmbeddedServer, webhook: bool, seed: int, kills: int) -> tuple[Figures, list[str]]:
    with tempfile.TemporaryDirectory(prefix="alertd-kill-", dir=_MEMORY) as folder:
        return run_round(search, Path(folder), seed=seed, kills=kills, webhook=webhook)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kill alertd at random instants, then count.")
    parser.add_argument("--kills", type=int, default=ROUND)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--webhook", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="Rounds at a time.")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
