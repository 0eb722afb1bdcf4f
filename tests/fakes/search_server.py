"""A search server that misbehaves on request: a few documents, points in time, and a script of faults.

It speaks as much of Elasticsearch and OpenSearch as alertd uses, over a real socket, with TLS if it gets a context.
"""

import json
import re
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

# What is asked, by path; the first that fits.
_KINDS = (
    ("root", "GET", re.compile(r"/")),
    ("open", "POST", re.compile(r"/[^/]+/(_pit|_search/point_in_time)")),
    ("close", "DELETE", re.compile(r"/(_pit|_search/point_in_time)")),
    ("page", "POST", re.compile(r"/_search")),
    ("search", "POST", re.compile(r"/[^/]+/_search")),
    ("fields", "GET", re.compile(r"/[^/]+/_field_caps")),
    ("health", "GET", re.compile(r"/_cat/health")),
)
INDEX = "logs-1"


@dataclass(frozen=True, slots=True)
class Asked:
    kind: str
    method: str
    path: str  # with the query
    headers: Mapping[str, str]
    body: Any


Fault = Callable[["Handler"], None]


@dataclass(slots=True)
class ScriptedServer:
    """`faults` maps the kind of a request and its number, from 1, to what happens instead of the answer."""

    flavor: str
    documents: int = 3
    faults: dict[tuple[str, int], Fault] = field(default_factory=dict)
    always: dict[str, Fault] = field(default_factory=dict)  # by kind, whatever the number
    asked: list[Asked] = field(default_factory=list)
    pits: set[str] = field(default_factory=set)  # the one id of each open point in time that is valid now
    released: threading.Event = field(default_factory=threading.Event)
    date: str | None = None  # of every answer; the real servers send none
    url: str = ""
    _counts: Counter[str] = field(default_factory=Counter)

    def count(self, kind: str) -> int:
        return self._counts[kind]

    def fault(self, asked: Asked) -> Fault | None:
        self.asked.append(asked)
        self._counts[asked.kind] += 1
        return self.faults.get((asked.kind, self._counts[asked.kind])) or self.always.get(asked.kind)

    def answer(self, asked: Asked) -> tuple[int, object]:
        answers = {
            "root": self._root,
            "open": self._open,
            "close": self._close,
            "page": self._page,
            "search": self._search,
            "fields": self._fields,
            "health": self._health,
        }
        if asked.kind not in answers:
            return 400, error_body("illegal_argument_exception", f"no handler for {asked.method} {asked.path}")
        return answers[asked.kind](asked.body)

    def _root(self, _: object) -> tuple[int, object]:
        return 200, {"cluster_name": "scripted", "version": self._version()}

    def _open(self, _: object) -> tuple[int, object]:
        return 200, {("id" if self.flavor == "elasticsearch" else "pit_id"): self._new_pit(), "_shards": shards()}

    def _close(self, body: Mapping[str, Any]) -> tuple[int, object]:
        ids = body.get("pit_id") or [body["id"]]
        self.pits -= set(ids)
        return 200, {"succeeded": True}

    def _search(self, body: Mapping[str, Any]) -> tuple[int, object]:
        return 200, self._counted(whole(self._hits(body, start=0)))

    def _fields(self, _: object) -> tuple[int, object]:
        return 200, {"indices": [INDEX], "fields": {"n": {"long": {}}}}

    def _health(self, _: object) -> tuple[int, object]:
        return 200, [{"epoch": "1795457018"}]

    def _version(self) -> dict[str, str]:
        return (
            {"number": "8.19.0"}
            if self.flavor == "elasticsearch"
            else {"number": "3.8.0", "distribution": "opensearch"}
        )

    def _new_pit(self) -> str:
        pit = f"pit-{len(self.asked)}"
        self.pits.add(pit)
        return pit

    def _page(self, body: Mapping[str, Any]) -> tuple[int, object]:
        if body["pit"]["id"] not in self.pits:
            return 404, expired_body()
        self.pits.discard(body["pit"]["id"])  # each answer's id replaces the one before
        start = body.get("search_after", [None, -1])[1] + 1
        return 200, {**self._counted(whole(self._hits(body, start=start))), "pit_id": self._new_pit()}

    def _counted(self, answer: dict[str, Any]) -> dict[str, Any]:
        total = {"value": self.documents, "relation": "eq"}
        return {**answer, "hits": {**answer["hits"], "total": total}}

    def _hits(self, body: Mapping[str, Any], *, start: int) -> list[dict[str, object]]:
        numbers = range(start, min(start + body["size"], self.documents))
        hits: list[dict[str, object]] = [{"_index": INDEX, "_id": str(n), "sort": [INDEX, n]} for n in numbers]
        return [{**hit, "_source": {"n": n}} for n, hit in zip(numbers, hits, strict=True)] if body["_source"] else hits


def shards(*, total: int = 5, failed: int = 0, lost: int = 0) -> dict[str, object]:
    failures = (
        [{"shard": 0, "index": INDEX, "reason": {"type": "node_gone", "reason": "the node left"}}] if failed else []
    )
    return {"total": total, "successful": total - failed - lost, "skipped": 0, "failed": failed, "failures": failures}


def whole(hits: list[dict[str, object]], **changed: object) -> dict[str, object]:
    return {
        "took": 1,
        "timed_out": False,
        "_shards": shards(),
        "hits": {"total": {"value": len(hits), "relation": "eq"}, "hits": hits},
        **changed,
    }


def error_body(kind: str, reason: str) -> dict[str, object]:
    cause = {"type": kind, "reason": reason, "index": INDEX}
    return {"error": {"root_cause": [cause], **cause}}


def expired_body() -> dict[str, object]:
    cause = {"type": "search_context_missing_exception", "reason": "No search context found for id [14]"}
    wrapper = {"type": "search_phase_execution_exception", "reason": "all shards failed"}
    return {
        "error": {"root_cause": [cause], **wrapper, "failed_shards": [{"shard": 0, "index": INDEX, "reason": cause}]}
    }


# faults


def reply(status: int, body: object, *, kind: str = "application/json") -> Fault:
    text = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return lambda handler: handler.send(status, text, kind=kind)


def cut_short(handler: "Handler") -> None:
    """Half of what it promised."""
    handler.head(200, length=1000)
    handler.wfile.write(b'{"took": 1, "hits"')
    handler.close_connection = True


def hang(handler: "Handler") -> None:
    handler.scripted.released.wait()
    handler.close_connection = True


def drip_head(handler: "Handler") -> None:
    """Never quite silent, and never done."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(handler)


def drip_body(handler: "Handler") -> None:
    handler.head(200, length=1_000_000)
    _drip(handler)


def _drip(handler: "Handler") -> None:
    while not handler.scripted.released.wait(0.05):
        try:
            handler.wfile.write(b" ")
        except OSError:
            break
    handler.close_connection = True


def reset(handler: "Handler") -> None:
    """RST rather than FIN: the process behind it was killed."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def hang_up(handler: "Handler") -> None:
    handler.close_connection = True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out one after the other
    scripted: ScriptedServer

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        asked = Asked(_kind(self.command, self.path), self.command, self.path, dict(self.headers.items()), body)
        fault = self.scripted.fault(asked)
        if fault:
            fault(self)
        else:
            status, answer = self.scripted.answer(asked)
            self.send(status, json.dumps(answer).encode(), kind="application/json")

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 the library's names

    def send(self, status: int, body: bytes, *, kind: str) -> None:
        self.head(status, length=len(body), kind=kind)
        self.wfile.write(body)

    def head(self, status: int, *, length: int, kind: str = "application/json") -> None:
        self.send_response_only(status)
        if self.scripted.date:
            self.send_header("Date", self.scripted.date)
        if self.scripted.flavor == "elasticsearch":
            self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("Warning", '299 Elasticsearch-8 "something is deprecated"')
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def _kind(method: str, path: str) -> str:
    bare = urlsplit(path).path
    return next((name for name, verb, shape in _KINDS if verb == method and shape.fullmatch(bare)), "unknown")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are what is tested here."""


@contextmanager
def serving(
    scripted: ScriptedServer, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[ScriptedServer]:
    handler = type("Scripted", (Handler,), {"scripted": scripted})
    with _Server(("127.0.0.1", 0), handler) as server:
        if tls:
            # the handshake belongs into the handler's thread: a client that leaves in it must not stop the server
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        scripted.url = f"{'https' if tls else 'http'}://{host}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield scripted
        finally:
            scripted.released.set()
            server.shutdown()
            thread.join()
