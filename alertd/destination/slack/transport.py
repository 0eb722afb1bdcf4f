"""One HTTP exchange for the slack-sdk's clients: no redirects, a deadline for the whole of it, nothing logged.

slack-sdk's own transport follows redirects, bounds each socket operation but not their sum, and raises on answers
that are not text. What urllib wraps in URLError stays the sign that the request was never written whole.
"""

import contextlib
import http.client
import logging
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient, WebhookResponse

# An answer of Slack is a few kB; what is longer is not Slack's. A page of history with metadata stays far below.
MOST_BYTES = 16 * 1024 * 1024

# slack-sdk would log the webhook's URL, which is its secret, and each failure, which alertd logs itself.
_SILENT = logging.getLogger("alertd.slack_sdk")
_SILENT.setLevel(logging.CRITICAL + 1)


class DeadlineWebClient(WebClient):
    def __init__(self, *, token: str, base_url: str, timeout: timedelta, proxy: str | None) -> None:
        super().__init__(
            token=token,
            base_url=base_url,
            timeout=max(1, int(timeout.total_seconds())),
            proxy=proxy,
            retry_handlers=[],  # the default one posts again what Slack may have taken
            logger=_SILENT,
        )
        self._deadline = timeout

    def _perform_urllib_http_request_internal(
        self,
        url: str,  # noqa: ARG002 the request has it
        req: urllib.request.Request,
    ) -> dict[str, Any]:
        status, headers, body = exchange(req, deadline=self._deadline, proxy=self.proxy)
        return {"status": status, "headers": headers, "body": body}


class DeadlineWebhookClient(WebhookClient):
    def __init__(self, *, url: str, timeout: timedelta, proxy: str | None) -> None:
        super().__init__(
            url=url, timeout=max(1, int(timeout.total_seconds())), proxy=proxy, retry_handlers=[], logger=_SILENT
        )
        self._deadline = timeout

    def _perform_http_request_internal(
        self,
        url: str,  # noqa: ARG002 the request has it
        req: urllib.request.Request,
    ) -> WebhookResponse:
        status, headers, body = exchange(req, deadline=self._deadline, proxy=self.proxy)
        return WebhookResponse(url="", status_code=status, body=body, headers=headers)


def exchange(
    request: urllib.request.Request, *, deadline: timedelta, proxy: str | None
) -> tuple[int, dict[str, str], str]:
    """Status, headers and text of the answer, whatever the status.

    URLError: not written whole. OSError, HTTPException: written, and no (whole) answer before the deadline.
    """
    sockets: list[socket.socket] = []
    alarm = threading.Timer(deadline.total_seconds(), _shut, (sockets,))
    alarm.daemon = True
    proxies = {"http": proxy, "https": proxy} if proxy else None
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), _Http(sockets.append), _Https(sockets.append), _NoRedirect()
    )
    alarm.start()
    try:
        try:
            answer = opener.open(request, timeout=deadline.total_seconds())
        except HTTPError as error:
            answer = error
        with answer:
            body = answer.read(MOST_BYTES)
            if not isinstance(answer, HTTPError) and answer.length:
                raise http.client.IncompleteRead(body, answer.length)
            return answer.code, dict(answer.headers.items()), body.decode(errors="replace")
    finally:
        alarm.cancel()


def _shut(sockets: list[socket.socket]) -> None:
    """Ends a read or write under way in the posting thread; what it raises there tells which of the two it was."""
    for connection in sockets:
        # already closed where the exchange ended at this very moment
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Slack's API does not redirect. Followed, a POST would become a GET whose page looks like success."""

    def redirect_request(self, *_: object) -> None:
        return None


class _Http(urllib.request.HTTPHandler):
    def __init__(self, connected: Callable[[socket.socket], None]) -> None:
        super().__init__()
        self._connected = connected

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_watched(http.client.HTTPConnection, self._connected), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, connected: Callable[[socket.socket], None]) -> None:
        super().__init__()
        self._connected = connected

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        # made only now: it reads every certificate authority
        tls = ssl.create_default_context()
        return self.do_open(_watched(http.client.HTTPSConnection, self._connected), req, context=tls)


def _watched(kind: type[http.client.HTTPConnection], connected: Callable[[socket.socket], None]) -> Any:
    """A connection class that hands out its socket, TLS or not, as soon as there is one."""

    class Watched(kind):  # type: ignore[misc, valid-type]
        def connect(self) -> None:
            super().connect()
            connected(self.sock)

    return Watched
