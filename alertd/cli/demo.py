"""`alertd demo`: the real daemon and the real slack-sdk, an embedded search server and a stand-in for Slack.

Nothing inside alertd is faked: the daemon runs as a process of its own, from a configuration like anybody's, and with
--kill it dies by SIGKILL every few seconds.
"""

import random
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import typer

from alertd.clock import Clock, SystemClock
from alertd.demo.slack import SlackStandIn
from alertd.demo.traffic import ACCOUNTS, Traffic
from alertd.message.terminal import to_terminal
from alertd.search.embedded import EmbeddedServer, embedded_server

CHANNEL_ID, CHANNEL = "C0AWSROOT", "aws-root"
SEED = 20
ROOT_EVERY = timedelta(seconds=1.6)  # a little slower than Slack lets a channel fill, so that none need be bundled
NOISE_PER_ROOT = 4
KILL_AFTER = (2.0, 5.0)
# After the last event: time to deliver what waits, and, after kills, to settle what is in doubt.
DRAIN = timedelta(seconds=30)
SETTLE = timedelta(seconds=3)
LOST = 1


def run_demo(*, seconds: int, kill: bool, port: int) -> int:
    """Exit code: 1 if anything was lost or repeated."""
    clock = SystemClock()
    with tempfile.TemporaryDirectory(prefix="alertd-demo-") as folder, embedded_server() as search:
        slack = SlackStandIn(port=port)
        slack.workspace.add_channel(id=CHANNEL_ID, name=CHANNEL)
        with slack:
            config = _configure(Path(folder), search.url, slack.url.removesuffix("/"))
            typer.echo(f"embedded search server {search.url} · Slack stand-in with its channel at {slack.page_url}")
            with _daemon(config, kill=kill) as kills:
                traffic = _play(search, slack, clock, seconds=seconds)
                _drain(slack, traffic, clock)
            return _count(slack, traffic, seconds, len(kills) if kill else None)


def _configure(folder: Path, search_url: str, slack_url: str) -> Path:
    """What a user would write, with shorter times."""
    rules = files("alertd") / "demo" / "aws-root-user.toml"
    (folder / "token").write_text("xoxb-demo-token", "utf-8")
    (folder / "token").chmod(0o600)
    accounts = "\n".join(
        f'[accounts."{number}"]\nname = "{name}"\nowner = "{owner}"\nenvironment = "{environment}"'
        for number, (name, owner, environment) in ACCOUNTS.items()
    )
    text = f"""
[elasticsearch]
url = "{search_url}"
[sources.cloudtrail]
index = "cloudtrail-*"
interval = "1s"
sweep_interval = "5s"
[destinations.security]
type = "slack"
channel = "#{CHANNEL}"
token_file = "token"
base_url = "{slack_url}"
settle = "{SETTLE.seconds}s"
max_doubt = "20s"
[rules]
paths = ["{Path(str(rules)).as_posix()}"]
[ledger]
path = "alertd.db"
[log]
format = "json"
{accounts}
"""
    config = folder / "alertd.toml"
    config.write_text(text, "utf-8")
    return config


@contextmanager
def _daemon(config: Path, *, kill: bool) -> Iterator[list[int]]:
    """Runs alertd as a process, again and again if it is killed. Yields the list of the processes killed so far."""
    killed: list[int] = []
    stop = threading.Event()
    log = (config.parent / "alertd.log").open("ab")
    command = [sys.executable, "-m", "alertd", "run", "--init", "--config", str(config)]

    def supervise() -> None:
        dice = random.Random(SEED)
        while not stop.is_set():
            process = subprocess.Popen(command, stderr=log, stdout=log)  # noqa: S603 our own program
            if not kill:
                stop.wait()
            elif not stop.wait(dice.uniform(*KILL_AFTER)):
                process.send_signal(signal.SIGKILL)
                killed.append(process.pid)
                typer.echo(f"✂ killed alertd (pid {process.pid}) with SIGKILL; starting it again")
            if stop.is_set():
                process.terminate()
            process.wait()

    thread = threading.Thread(target=supervise)
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()
        log.close()


def _play(search: EmbeddedServer, slack: SlackStandIn, clock: Clock, *, seconds: int) -> Traffic:
    """Let events arrive, and show messages as they do."""
    traffic = Traffic(random.Random(SEED))
    for index in ("cloudtrail-raw", "cloudtrail-ecs"):
        search.create_index(index, {"properties": {"@timestamp": {"type": "date"}}})
    shown = 0
    pause = threading.Event()
    end = clock.elapsed_seconds() + seconds
    pause.wait(1.5)  # the first start lists what is older than the rules: let it begin before the first event
    while clock.elapsed_seconds() < end:
        now = clock.now()
        deliveries = [traffic.noise(now) for _ in range(NOISE_PER_ROOT)] + list(traffic.root(now))
        search.add([(each.index, each.document_id, each.document) for each in deliveries])
        shown = _show(slack, shown)
        pause.wait(ROOT_EVERY.total_seconds())
    return traffic


def _drain(slack: SlackStandIn, traffic: Traffic, clock: Clock) -> None:
    pause = threading.Event()
    end = clock.elapsed_seconds() + DRAIN.total_seconds()
    shown = len(slack.messages(CHANNEL_ID))
    while clock.elapsed_seconds() < end:
        missing = traffic.by_root - _told(slack).keys()
        shown = _show(slack, shown)
        if not missing:
            return
        pause.wait(0.2)


def _show(slack: SlackStandIn, shown: int) -> int:
    messages = slack.messages(CHANNEL_ID)
    for message in messages[shown:]:
        typer.echo("\n".join(to_terminal(message.payload)) + "\n")
    return len(messages)


def _told(slack: SlackStandIn) -> Counter[str]:
    """Event ids by how many messages of the channel name them."""
    import re

    ids = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    return Counter(found for message in slack.messages(CHANNEL_ID) for found in set(ids.findall(message.payload)))


def _count(slack: SlackStandIn, traffic: Traffic, seconds: int, kills: int | None) -> int:
    told = _told(slack)
    lost = traffic.by_root - told.keys()
    repeated = [event_id for event_id, count in told.items() if count > 1]
    killed = f" · alertd killed {kills} times" if kills is not None else ""
    typer.echo(
        f"{seconds} s · {traffic.documents} events in, {len(traffic.by_root)} by root ({traffic.late} late, "
        f"{traffic.twice} delivered twice by CloudTrail){killed} · {len(slack.messages(CHANNEL_ID))} messages · "
        f"{len(lost)} lost · {len(repeated)} repeated"
    )
    typer.echo("Next: cp config.example.toml alertd.toml, then docs/getting-started.md")
    return LOST if lost or repeated else 0
