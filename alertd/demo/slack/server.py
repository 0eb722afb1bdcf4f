"""The workspace on a socket: Web API, webhooks, the channel as a page, and the control of it all by tests."""

import contextlib
import json
import socket
import struct
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from alertd.demo.slack.faults import Fault, Faults
from alertd.demo.slack.web_api import call
from alertd.demo.slack.workspace import Message, RefusedError, Workspace

# Statuses of a webhook's words; Slack documents some of them.
_WEBHOOK_STATUS = {
    "action_prohibited": 403,
    "invalid_token": 403,
    "channel_not_found": 404,
    "no_active_hooks": 404,
    "no_service": 404,
    "channel_is_archived": 410,
    "rollup_error": 500,
    "internal_error": 500,
}
_PAGE_TEXT = "<html><body>Bad gateway</body></html>"


class SlackStandIn:
    """`with SlackStandIn() as slack:` — slack.url for WebClient(base_url=…), slack.webhook_url("C0…") for webhooks."""

    def __init__(self, port: int = 0) -> None:
        self.workspace = Workspace()
        self.faults = Faults()
        self.requests: list[str] = []  # the methods asked for, in order; posts as "webhook" or "chat.postMessage"
        self._port = port
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"{self.page_url}api/"

    @property
    def page_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def webhook_url(self, channel: str) -> str:
        return f"{self.page_url}services/T0STANDIN/B0STANDIN/{channel}"

    def messages(self, channel: str) -> list[Message]:
        """What people see, replies in threads among them, oldest first."""
        return self.workspace.visible(self.workspace.find(channel))

    def start(self) -> None:
        """Also after stop(): on the same port, with the same messages."""
        handler = type("Handler", (_Handler,), {"standin": self})
        self._server = _Server(("127.0.0.1", self._port), handler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        """Connections are refused from now on."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Clients that are killed drop their connections."""


class _Handler(BaseHTTPRequestHandler):
    standin: ClassVar[SlackStandIn]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        if path.path == "/":
            page = (files("alertd.demo.slack") / "page.html").read_text("utf-8")
            self._answer(200, page, "text/html; charset=utf-8")
        elif path.path == "/_standin/messages":
            self._answer(200, json.dumps(self._everything()), "application/json")
        elif path.path.startswith("/api/"):
            self._web_api(path.path.removeprefix("/api/"), dict(parse_qsl(path.query)))
        else:
            self._answer(405 if path.path.startswith("/services/") else 404, "not found")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = urlsplit(self.path).path
        if len(body) < length:
            self.close_connection = True  # cut off while writing: Slack never acts on half a request
        elif path.startswith("/services/"):
            self._webhook(path.rsplit("/", 1)[1], body)
        elif path.startswith("/api/"):
            self._web_api(path.removeprefix("/api/"), self._arguments(body))
        else:
            self._answer(404, "not found")

    def _arguments(self, body: bytes) -> dict[str, Any]:
        if "json" in (self.headers.get("Content-Type") or ""):
            return dict(json.loads(body or b"{}"))
        return dict(parse_qsl(body.decode()))

    # Slack's two doors

    def _web_api(self, method: str, arguments: dict[str, Any]) -> None:
        self.standin.requests.append(method)
        fault = self.standin.faults.take(method)
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or arguments.get("token")
        if fault and not fault.stores:
            self._go_wrong(fault, lambda: call(self.standin.workspace, method, arguments, token), webhook=False)
            return
        headers = {"x-oauth-scopes": self.standin.workspace.scopes}
        try:
            answer = call(self.standin.workspace, method, arguments, token)
        except RefusedError as refused:
            wait = refused.more.pop("retry_after", None)
            answer = {"ok": False, "error": refused.word, **refused.more}
            if wait is not None:
                self._answer(429, json.dumps(answer), "application/json", {**headers, "Retry-After": str(wait)})
                return
        if fault:
            self._go_wrong(fault, None, webhook=False, would_be=json.dumps(answer))
        else:
            self._answer(200, json.dumps(answer), "application/json; charset=utf-8", headers)

    def _webhook(self, channel: str, body: bytes) -> None:
        self.standin.requests.append("webhook")
        fault = self.standin.faults.take("webhook")
        if fault and not fault.stores:
            self._go_wrong(fault, lambda: self._hook(channel, body), webhook=True)
            return
        try:
            self._hook(channel, body)
        except RefusedError as refused:
            if refused.word == "ratelimited":
                limited = json.dumps({"retry_after": 1, "ok": False, "error": "rate_limited"})
                self._answer(429, limited, "application/json", {"Retry-After": "1"})
            else:
                self._answer(_WEBHOOK_STATUS.get(refused.word, 400), refused.word)
            return
        if fault:
            self._go_wrong(fault, None, webhook=True, would_be="ok")
        else:
            self._answer(200, "ok")

    def _hook(self, channel: str, body: bytes) -> object:
        try:
            message = json.loads(body)
        except ValueError as error:
            raise RefusedError("invalid_payload") from error
        workspace = self.standin.workspace
        if channel not in workspace.channels:
            raise RefusedError("no_service")
        return workspace.post(message, via="webhook", channel=workspace.channels[channel])

    # what goes wrong

    def _go_wrong(  # noqa: C901 one case for each fault
        self, fault: Fault, act: Any, *, webhook: bool, would_be: str = '{"ok": true}'
    ) -> None:
        """`act` is what the request wanted, where it was not done yet: only a late one still does it."""
        match fault.kind:
            case "fin":
                self.close_connection = True
            case "reset":
                # closing with unread or unsent data and no linger sends RST
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
            case "hang":
                time.sleep(fault.delay_seconds)
                self.close_connection = True
            case "drip":
                self._drip(would_be, fault.delay_seconds)
            case "truncated":
                self._raw(
                    f"HTTP/1.1 200 OK\r\nContent-Length: {len(would_be) + 50}\r\n\r\n{would_be[: len(would_be) // 2]}"
                )
                self.close_connection = True
            case "html":
                self._answer(200, _PAGE_TEXT, "text/html")
            case "garbage":
                self._answer(200, would_be[: len(would_be) // 2] or "o", "application/json")
            case "status":
                self._answer(fault.status, _PAGE_TEXT, "text/html")
            case "word":
                self._word(fault.word, webhook=webhook)
            case "redirect":
                self._answer(302, "", headers={"Location": f"{self.standin.page_url}"})
            case "throttle":
                wait = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
                limited = {"ok": False, "error": "rate_limited" if webhook else "ratelimited"}
                self._answer(429, json.dumps(limited), "application/json", wait)
            case "late":
                self.close_connection = True
                threading.Timer(fault.delay_seconds, _quietly, (act,)).start()

    def _word(self, word: str, *, webhook: bool) -> None:
        if webhook:
            self._answer(_WEBHOOK_STATUS.get(word, 400), word)
        else:
            self._answer(200, json.dumps({"ok": False, "error": word}), "application/json")

    def _drip(self, text: str, pause_seconds: float) -> None:
        with contextlib.suppress(OSError):
            self._raw(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n")
            for char in text:
                self._raw(char)
                time.sleep(pause_seconds)
        self.close_connection = True

    def _raw(self, text: str) -> None:
        self.wfile.write(text.encode())
        self.wfile.flush()

    def _answer(self, status: int, body: str, kind: str = "text/html", headers: dict[str, str] | None = None) -> None:
        data = body.encode()
        self.send_response_only(status)
        date = formatdate(self.standin.workspace.now(), usegmt=True)
        for name, value in {"Date": date, "Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _everything(self) -> list[dict[str, Any]]:
        workspace = self.standin.workspace
        return [
            {
                "id": channel.id,
                "name": channel.name,
                "messages": [
                    {"ts": message.ts, "thread_ts": message.thread_ts, "text": message.text, "blocks": message.blocks}
                    for message in workspace.visible(channel)
                ],
            }
            for channel in workspace.channels.values()
        ]

    def log_message(self, *_: object) -> None:
        pass


def _quietly(act: Any) -> None:
    with contextlib.suppress(RefusedError):
        act()
