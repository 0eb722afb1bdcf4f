"""Answers on the wire, right and wrong."""

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from alertd.demo.slack.faults import Fault
from alertd.demo.slack.webhook import STATUS

_PAGE = "<html><body>Bad gateway</body></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str
    kind: str = "text/html"
    headers: dict[str, str] = field(default_factory=dict)


# What a body would have been that nobody made.
_NEVER_MADE = Answer(200, '{"ok": true}')


def send(handler: BaseHTTPRequestHandler, answer: Answer, *, promised: int = 0) -> None:
    """`promised`: by how much Content-Length is wrong."""
    data = answer.body.encode()
    handler.send_response_only(answer.status)
    for name, value in {"Content-Type": answer.kind, **answer.headers}.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(data) + promised))
    handler.end_headers()
    handler.wfile.write(data)
    handler.wfile.flush()


def sever(handler: BaseHTTPRequestHandler, fault: Fault) -> None:
    """fin, reset, hang: the connection ends without a byte."""
    handler.close_connection = True
    if fault.kind == "hang":
        time.sleep(fault.delay_seconds)
    elif fault.kind == "reset":
        # closing with unread or unsent data and no linger sends RST
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()


def go_wrong(handler: BaseHTTPRequestHandler, fault: Fault, act: Callable[[], Answer], *, webhook: bool) -> None:
    """`act` does what the request wants; a fault that stores comes after it."""
    made = act() if fault.stores else None
    right = made or _NEVER_MADE
    match fault.kind:
        case "fin" | "reset" | "hang":
            sever(handler, fault)
        case "late":
            handler.close_connection = True
            threading.Timer(fault.delay_seconds, act).start()
        case "delay":
            time.sleep(fault.delay_seconds)
            send(handler, made or act())
        case "drip":
            _drip(handler, right, fault.delay_seconds)
        case "truncated":
            handler.close_connection = True
            send(handler, Answer(200, right.body[: len(right.body) // 2], right.kind), promised=50)
        case "short":
            handler.close_connection = True
            send(handler, right, promised=-(len(right.body) // 2))
        case "html" | "garbage" | "status" | "word" | "redirect" | "throttle":
            send(handler, _false(fault, right, webhook=webhook))


def _false(fault: Fault, right: Answer, *, webhook: bool) -> Answer:
    """An answer that is whole, and not the right one."""
    wait = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    limited = json.dumps({"ok": False, "error": "rate_limited" if webhook else "ratelimited"})
    word = json.dumps({"ok": False, "error": fault.word})
    answers = {
        "html": Answer(200, _PAGE),
        "garbage": Answer(200, right.body[: len(right.body) // 2] or "o", "application/json"),
        "redirect": Answer(302, "", headers={"Location": "/"}),
        "throttle": Answer(429, limited, "application/json", wait),
        "word": Answer(STATUS.get(fault.word, 400), fault.word) if webhook else Answer(200, word, "application/json"),
    }
    return answers.get(fault.kind, Answer(fault.status, _PAGE))


def _drip(handler: BaseHTTPRequestHandler, answer: Answer, pause_seconds: float) -> None:
    handler.close_connection = True
    # the client may have had enough
    with contextlib.suppress(OSError):
        handler.wfile.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer.body)}\r\n\r\n".encode())
        for char in answer.body:
            handler.wfile.write(char.encode())
            handler.wfile.flush()
            time.sleep(pause_seconds)
