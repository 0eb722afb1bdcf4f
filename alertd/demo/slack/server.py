"""The workspace on a socket: Web API, webhooks, the channel as a page, and the control of it all by tests."""

import json
import threading
from collections.abc import Callable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from alertd.demo.slack import web_api, webhook
from alertd.demo.slack.faults import Faults
from alertd.demo.slack.limits import RefusedError
from alertd.demo.slack.wire import Answer, go_wrong, send, sever
from alertd.demo.slack.workspace import Message, Workspace, delivery_id

_JSON = "application/json; charset=utf-8"


class SlackStandIn:
    """`with SlackStandIn() as slack:` — slack.url for WebClient(base_url=…), slack.webhook_url("C0…") for webhooks."""

    def __init__(self, port: int = 0) -> None:
        self.workspace = Workspace()
        self.faults = Faults()
        self.requests: list[str] = []  # the methods asked for, in order; posts as "webhook" or "chat.postMessage"
        self.posts: list[str | None] = []  # delivery ids of the posts that arrived whole, whatever became of them
        self._port = port
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"{self.page_url}api/"

    @property
    def page_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def webhook_url(self, channel: str) -> str:
        return f"{self.page_url}services/{webhook.TEAM}/{webhook.HOOK}/{channel}"

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

    def handle(self) -> None:
        fault = self.standin.faults.take("connection")
        if fault:
            sever(self, fault)
        else:
            super().handle()

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        if path.path == "/":
            page = (files("alertd.demo.slack") / "page.html").read_text("utf-8")
            send(self, Answer(200, page, "text/html; charset=utf-8"))
        elif path.path == "/_standin/messages":
            send(self, Answer(200, json.dumps(self._everything()), _JSON))
        elif path.path.startswith("/api/"):
            self._web_api(path.path.removeprefix("/api/"), dict(parse_qsl(path.query)))
        else:
            send(self, Answer(405 if path.path.startswith("/services/") else 404, "not found"))

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path = urlsplit(self.path).path
        if len(body) < length:
            # cut off while writing: Slack never acts on half a request
            self.close_connection = True
            send(self, Answer(200, json.dumps({"ok": False, "error": "request_timeout"}), _JSON))
        elif path.startswith("/services/"):
            self._webhook(path.removeprefix("/services/"), body)
        elif path.startswith("/api/"):
            self._web_api(path.removeprefix("/api/"), self._arguments(body))
        else:
            send(self, Answer(404, "not found"))

    @property
    def _content_type(self) -> str:
        return self.headers.get("Content-Type") or ""

    def _arguments(self, body: bytes) -> dict[str, Any]:
        if "json" in self._content_type:
            return dict(json.loads(body or b"{}"))
        return dict(parse_qsl(body.decode()))

    # Slack's two doors

    def _web_api(self, method: str, arguments: dict[str, Any]) -> None:
        workspace = self.standin.workspace
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or arguments.get("token")
        headers = {
            "Date": formatdate(workspace.now(), usegmt=True),
            "x-oauth-scopes": workspace.scopes,
            "x-accepted-oauth-scopes": ",".join(web_api.accepted_scopes(method)),
        }

        def act() -> Answer:
            try:
                answer = web_api.call(workspace, method, arguments, token)
            except RefusedError as refused:
                more = dict(refused.more)
                wait = more.pop("retry_after", None)
                answer = {"ok": False, "error": refused.word, **more}
                if wait is not None:
                    return Answer(429, json.dumps(answer), _JSON, {**headers, "Retry-After": str(wait)})
            if "json" in self._content_type and "charset" not in self._content_type:
                answer |= {"warning": "missing_charset", "response_metadata": {"warnings": ["missing_charset"]}}
            return Answer(200, json.dumps(answer), _JSON, headers)

        self._do(method, arguments if method == "chat.postMessage" else None, act)

    def _webhook(self, address: str, data: bytes) -> None:
        date = {"Date": formatdate(self.standin.workspace.now(), usegmt=True)}
        try:
            body = webhook.body_of(data, self._content_type)
        except RefusedError as refused:
            send(self, Answer(400, refused.word, headers=date))
            return

        def act() -> Answer:
            try:
                webhook.post(self.standin.workspace, address, body)
            except RefusedError as refused:
                if refused.word != "ratelimited":
                    return Answer(webhook.STATUS.get(refused.word, 400), refused.word, headers=date)
                wait = refused.more["retry_after"]
                limited = json.dumps({"retry_after": wait, "ok": False, "error": "rate_limited"})
                return Answer(429, limited, "application/json", {**date, "Retry-After": str(wait)})
            return Answer(200, "ok", headers=date)

        self._do("webhook", body, act)

    def _do(self, method: str, post: dict[str, Any] | None, act: Callable[[], Answer]) -> None:
        self.standin.requests.append(method)
        if post is not None:
            self.standin.posts.append(delivery_id(post))
        fault = self.standin.faults.take(method)
        if fault:
            go_wrong(self, fault, act, webhook=method == "webhook")
        else:
            send(self, act())

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
