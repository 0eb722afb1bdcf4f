"""One product in one row: its process, its destinations, its indices, and what was put in."""

import json
import signal
import statistics
import subprocess
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from alertd.demo.slack import Fault, SlackStandIn
from benchmarks.faults.node import Node
from benchmarks.faults.ours import CHANNEL
from benchmarks.faults.product import Place, Product, environment
from benchmarks.faults.tally import named
from tests.acceptance.installation import root_event

# A product is given this time without any news from it, after the fault is over. It is longer than each pause between
# two looks or two attempts: for the peer query_delay 20 s and 7 s between runs, for alertd a back-off of 32 s.
QUIET_SECONDS = 40
# And no more than this all in all.
DRAIN_SECONDS = 180
START_SECONDS = 120
STOP_SECONDS = 30
# How often is looked at the messages: what kills in the middle of a batch must be quick. And at all else.
_LOOK_SECONDS, _GLANCE_SECONDS = 0.003, 0.1
_MAPPING = {"mappings": {"properties": {"@timestamp": {"type": "date"}}}}

Document = Mapping[str, Any]


@dataclass(slots=True)
class Scene:
    product: Product
    place: Place
    sinks: tuple[SlackStandIn, ...]
    node: Node | None  # only where the row stops it
    over: threading.Event  # nobody waits for the end any more
    restarts: int = 0  # of a product that ended by itself: something always starts it again
    added_at: dict[str, float] = field(default_factory=dict)  # by event id
    _process: subprocess.Popen[bytes] | None = None
    _is_wanted: bool = False
    _read: int = 0  # of the log, before the last start

    # the process

    def start(self, *, wait: bool = True) -> None:
        """`wait`: until it watches."""
        self._is_wanted = True
        self._spawn()
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        if not self._wait(lambda: self.product.is_ready(self.place, self.log[self._read :]), START_SECONDS):
            raise RuntimeError(f"{self.product.name} is not ready after {START_SECONDS} s:\n{self.log[-2000:]}")

    def end(self, number: signal.Signals) -> None:
        """As somebody who stops it: it is not started again."""
        self._is_wanted = False
        if self._process:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)
            self._process.wait(STOP_SECONDS)

    def close(self) -> None:
        self._is_wanted = False
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError(f"{self.product.name} was not started")
        return self._process.pid

    @property
    def log(self) -> str:
        path = self.place.folder / "log"
        return path.read_text("utf-8", errors="replace") if path.exists() else ""

    def _spawn(self) -> None:
        self._read = len(self.log)
        with (self.place.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.product.command(self.place),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.place.folder,
                env=environment(),
            )

    # what goes in

    def create_indices(self) -> None:
        for name in ("one", "two"):
            self._send("PUT", f"/{self.place.index}-{name}", _MAPPING)

    def drop_indices(self) -> None:
        with suppress(OSError):
            self._send("DELETE", f"/{self.place.index}-one,{self.place.index}-two?ignore_unavailable=true")
            status = ",".join(
                f"{self.place.index}_status{end}" for end in ("", "_status", "_silence", "_error", "_past")
            )
            self._send("DELETE", f"/{status}?ignore_unavailable=true")

    def add(self, count: int, *, ago: timedelta = timedelta(0), index: str = "one") -> Sequence[Document]:
        """Searchable when this returns."""
        documents = [root_event(ago=ago) for _ in range(count)]
        now = time.time()
        self.added_at |= {document["eventID"]: now for document in documents}
        self.put(documents, index=index)
        return documents

    def put(self, documents: Sequence[Document], *, index: str) -> None:
        lines = [json.dumps(line) for document in documents for line in ({"index": {}}, document)]
        answer = self._send("POST", f"/{self.place.index}-{index}/_bulk?refresh=true", "\n".join([*lines, ""]))
        if answer["errors"]:
            raise RuntimeError(f"not indexed: {answer}")

    def limit(self, index: str, window: int | None) -> None:
        """Every search of more documents than `window` fails on this index's shard. None: as it was."""
        self._send("PUT", f"/{self.place.index}-{index}/_settings", {"index.max_result_window": window})

    def fault(self, fault: Fault, times: int) -> None:
        """Of the next posts to the first destination."""
        self.sinks[0].faults.next(self.product.method, *([fault] * times))

    # what comes out

    def payloads(self) -> list[list[str]]:
        return [[message.payload for message in sink.messages(CHANNEL)] for sink in self.sinks]

    def shown(self) -> int:
        """Messages, all in all."""
        return sum(len(sink.messages(CHANNEL)) for sink in self.sinks)

    def posts(self) -> int:
        return self.sinks[0].requests.count(self.product.method)

    def deleted(self) -> int:
        return sum(sink.requests.count("chat.delete") for sink in self.sinks)

    def delay_seconds(self) -> float | None:
        """From the moment that an event could be searched to its first message: the median."""
        first: dict[str, float] = {}
        for message in self.sinks[0].messages(CHANNEL):
            for event_id in named(message.payload):
                first.setdefault(event_id, message.stored_at)
        waits = [first[each] - at for each, at in self.added_at.items() if each in first]
        return statistics.median(waits) if waits else None

    # time

    def hold(self, seconds: float) -> None:
        self._wait(lambda: False, seconds)

    def wait_for_messages(self, count: int) -> None:
        """Or until nothing new comes: a product that drops events never shows them."""
        self._settle(lambda: self.shown() >= count, _LOOK_SECONDS)

    def wait_for_posts(self, count: int) -> None:
        self._wait(lambda: self.posts() >= count, QUIET_SECONDS, _LOOK_SECONDS)

    def drain(self) -> None:
        self._settle(lambda: False, _GLANCE_SECONDS)

    def _settle(self, condition: Callable[[], bool], look_seconds: float) -> None:
        """Until the condition is met, or for QUIET_SECONDS no message came."""
        deadline = time.monotonic() + DRAIN_SECONDS
        while not condition() and time.monotonic() < deadline:
            before = self.shown()
            if not self._wait(lambda: self.shown() != before, QUIET_SECONDS, look_seconds):  # noqa: B023 used at once
                return

    def _wait(self, condition: Callable[[], bool], seconds: float, look_seconds: float = _GLANCE_SECONDS) -> bool:
        deadline = time.monotonic() + seconds
        while not condition():
            if self.over.is_set():
                raise RuntimeError("interrupted")
            if time.monotonic() >= deadline:
                return False
            if self._is_wanted and self._process and self._process.poll() is not None:
                self.restarts += 1
                time.sleep(1)
                self._spawn()
            time.sleep(look_seconds)
        return True

    def _send(self, method: str, path: str, body: object = None) -> Any:
        kind = "application/x-ndjson" if isinstance(body, str) else "application/json"
        data = None if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        request = urllib.request.Request(self.place.url + path, data, {"Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.read().decode()[:500]}") from error


def new_index() -> str:
    return f"f{uuid.uuid4().hex[:8]}"
