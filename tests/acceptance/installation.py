"""alertd as somebody installed it: a folder with a configuration, the shipped rules, and a process."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from alertd.demo.slack import SlackStandIn
from tests.planted import PLANTED
from tests.servers.running import SearchServer

RULES = Path(__file__).parents[2] / "rules"
CHANNEL = "C0SECURITY"
# No output may ever show it.
SECRET = f"xoxb-{PLANTED}"
_EVENT_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
DEADLINE_SECONDS = 60


@dataclass(slots=True)
class Installation:
    folder: Path
    server: SearchServer
    slack: SlackStandIn
    index: str
    outputs: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "alertd.toml"

    def configure(self, *, destination: str = "", source: str = "", more: str = "") -> None:
        (self.folder / "token").write_text(SECRET)
        (self.folder / "token").chmod(0o600)
        destination = (
            destination
            or f"""
type = "slack"
channel = "#aws-root"
token_file = "token"
base_url = "{self.slack.url.removesuffix("/")}"
timeout = "2s"
settle = "1s"
max_doubt = "20s"
"""
        )
        self.config.write_text(
            f"""
[elasticsearch]
url = "{self.server.url}"
[sources.cloudtrail]
index = "{self.index}-*"
interval = "1s"
sweep_interval = "3s"
{source}
[destinations.security]
{destination}
[rules]
paths = ["{RULES}/aws-root-user.toml"]
[ledger]
path = "alertd.db"
[log]
format = "json"
{more}
"""
        )

    def run(
        self, *arguments: str, timeout: float = DEADLINE_SECONDS, columns: int = 200
    ) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "alertd", *arguments],
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "ALERTD_CONFIG": str(self.config), "NO_COLOR": "1", "COLUMNS": str(columns)},
            cwd=self.folder,
            check=False,
        )
        self.outputs += [done.stdout, done.stderr]
        return done

    @contextmanager
    def daemon(self, *arguments: str) -> Iterator["Daemon"]:
        daemon = Daemon(self, self.start(*arguments))
        try:
            yield daemon
        finally:
            if daemon.process.poll() is None:
                daemon.process.send_signal(signal.SIGTERM)
                daemon.process.wait(20)

    def start(
        self, *arguments: str, program: Sequence[str] = ("alertd",), output: IO[bytes] | None = None
    ) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *program, "run", *arguments],
                stdout=log,
                stderr=output or log,
                env={**os.environ, "ALERTD_CONFIG": str(self.config), "PYTHONPATH": str(RULES.parent)},
                cwd=self.folder,
            )

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    # Elasticsearch

    def send(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else (body if isinstance(body, bytes) else json.dumps(body).encode())
        kind = "application/x-ndjson" if isinstance(body, bytes) else "application/json"
        request = urllib.request.Request(self.server.url + path, data, {"Content-Type": kind}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def create_indices(self) -> None:
        for shape in ("raw", "ecs"):
            self.send("PUT", f"/{self.index}-{shape}", {"mappings": {"properties": {"@timestamp": {"type": "date"}}}})

    def add(self, *documents: Mapping[str, object]) -> None:
        lines = []
        for document in documents:
            shape = "ecs" if "aws" in document else "raw"
            lines += [json.dumps({"index": {"_index": f"{self.index}-{shape}"}}), json.dumps(document)]
        answer = self.send("POST", "/_bulk?refresh=true", ("\n".join(lines) + "\n").encode())
        assert not answer["errors"], answer

    # Slack

    def told(self) -> Counter[str]:
        """Event ids by the number of messages that name them."""
        messages = self.slack.messages(CHANNEL)
        return Counter(found for message in messages for found in set(_EVENT_ID.findall(message.payload)))

    def wait_for(self, condition: Callable[[], object], what: str, *, seconds: float = DEADLINE_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{self.log[-4000:]}"
            time.sleep(0.02)

    def wait_for_events(self, ids: set[str]) -> None:
        self.wait_for(lambda: ids <= self.told().keys(), f"all {len(ids)} events in Slack")


@dataclass(slots=True)
class Daemon:
    installation: Installation
    process: subprocess.Popen[bytes]

    def wait_until_started(self) -> None:
        """Its first baseline is done: what comes now is alerted."""
        self.installation.wait_for(lambda: '"event": "started"' in self.installation.log, "started")


def root_event(
    name: str = "PutBucketPolicy", *, ago: timedelta = timedelta(0), ecs: bool = False, account: str = "111122223333"
) -> dict[str, Any]:
    event_id = str(uuid.uuid4())
    when = f"{datetime.now(UTC) - ago:%Y-%m-%dT%H:%M:%SZ}"
    if ecs:
        return {
            "@timestamp": when,
            "event": {"id": event_id, "action": name, "provider": "s3.amazonaws.com", "outcome": "success"},
            "cloud": {"account": {"id": account}, "region": "eu-north-1"},
            "source": {"address": "203.0.113.7"},
            "aws": {"cloudtrail": {"user_identity": {"type": "Root"}, "recipient_account_id": account}},
        }
    return {
        "@timestamp": when,
        "eventTime": when,
        "eventID": event_id,
        "eventName": name,
        "eventSource": "s3.amazonaws.com",
        "awsRegion": "eu-north-1",
        "sourceIPAddress": "203.0.113.7",
        "userIdentity": {"type": "Root", "accountId": account, "arn": f"arn:aws:iam::{account}:root"},
        "recipientAccountId": account,
    }


def event_id(document: Mapping[str, Any]) -> str:
    return str(document["eventID"] if "eventID" in document else document["event"]["id"])
