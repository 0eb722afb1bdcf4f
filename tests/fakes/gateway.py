"""What stands before a search server, and lets through what it likes."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

# (method, path with query, body) → status and answer instead of the server's, None to let it through
Judge = Callable[[str, str, Any], tuple[int, object] | None]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: str
    judge: Judge

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = None  # _bulk
        refused = type(self).judge(self.command, self.path, body)
        if refused:
            self._answer(refused[0], json.dumps(refused[1]).encode(), "application/json")
            return
        parts = urlsplit(self.upstream)
        server = http.client.HTTPConnection(parts.hostname or "", parts.port)
        kept = {name: value for name, value in self.headers.items() if name.lower() in {"accept", "content-type"}}
        server.request(self.command, self.path, raw, kept)
        answer = server.getresponse()
        self._answer(answer.status, answer.read(), answer.headers.get("content-type", "application/json"))
        server.close()

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 the library's names

    def _answer(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def gateway(upstream: str, judge: Judge) -> Iterator[str]:
    """Its address."""
    handler = type("Gateway", (_Handler,), {"upstream": upstream, "judge": staticmethod(judge)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
