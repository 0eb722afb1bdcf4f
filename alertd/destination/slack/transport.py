"""One HTTP exchange for the slack-sdk's clients: no redirects, a deadline for the whole of it, nothing logged.

A token or address that is refused is read again from its file, and the request, refused for certain, made once more.

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
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.error import HTTPError, URLError

from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient, WebhookResponse

from alertd.destination.slack.answer import Answer, answer
from alertd.destination.slack.classify import OF_TOKEN
from alertd.secret import Credential

SLACK = "https://slack.com/api/"
# An answer of Slack is a few kB; what is longer is not Slack's. A page of history with metadata stays far below.
MOST_BYTES = 16 * 1024 * 1024

# What a proxy, or a webhook that is gone, may answer without a word of Slack's.
REFUSALS = frozenset({401, 403, 404, 410})

# slack-sdk would log the webhook's URL, which is its secret, and each failure, which alertd logs itself.
_SILENT = logging.getLogger("alertd.slack_sdk")
_SILENT.setLevel(logging.CRITICAL + 1)


class DeadlineWebClient(WebClient):
    def __init__(self, *, token: Credential, base_url: str, timeout: timedelta, proxy: str | None) -> None:
        super().__init__(
            token=token.value,
            base_url=base_url,
            timeout=max(1, int(timeout.total_seconds())),
            proxy=proxy,
            retry_handlers=[],  # the default one posts again what Slack may have taken
            logger=_SILENT,
        )
        self._deadline = timeout
        self._credential = token
        self._answer = answer(0, {}, "")

    @property
    def token_in_use(self) -> str:
        return self._credential.value

    def ask(self, method: str, **arguments: Any) -> Answer:
        """`arguments`: of slack-sdk's api_call. OSError and HTTPException as `exchange` raises them."""
        used = self._credential.value
        said = self._ask(method, used, arguments)
        if is_refused(said) and self._credential.renew(used) and said.word in OF_TOKEN:
            return self._ask(method, self._credential.value, arguments)
        return said

    def renewal(self, said: Answer) -> str:
        """For people, where the token is refused: what became of reading its file again."""
        return self._credential.renewal if is_refused(said) else ""

    def _ask(self, method: str, token: str, arguments: Mapping[str, Any]) -> Answer:
        self.token = token
        self.api_call(method, **arguments)
        return self._answer

    def _perform_urllib_http_request_internal(
        self,
        url: str,  # noqa: ARG002 the request has it
        req: urllib.request.Request,
    ) -> dict[str, Any]:
        self._answer = answer(*exchange(req, deadline=self._deadline, proxy=self.proxy))
        # slack-sdk would read it in a way of its own, which fails on what is odd
        return {"status": 200, "headers": {}, "body": '{"ok": true}'}


def is_refused(said: Answer) -> bool:
    """Whether the token may be to blame."""
    return said.word in OF_TOKEN or (not said.word and said.status in REFUSALS)


class DeadlineWebhookClient(WebhookClient):
    def __init__(self, *, url: Credential, timeout: timedelta, proxy: str | None) -> None:
        super().__init__(
            url=url.value, timeout=max(1, int(timeout.total_seconds())), proxy=proxy, retry_handlers=[], logger=_SILENT
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
            said = opener.open(request, timeout=deadline.total_seconds())
        except HTTPError as error:
            said = error
        except UnicodeEncodeError:
            # from None: it carries the header, with the token
            raise URLError("a character that no HTTP header can hold, in the token perhaps") from None
        with said:
            body = said.read(MOST_BYTES)
            if not isinstance(said, HTTPError) and said.length:
                raise http.client.IncompleteRead(body, said.length)
            return said.code, dict(said.headers.items()), body.decode(errors="replace")
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

    def http_error_302(self, *_: object) -> None:
        """Not even the address is looked at: it may be none."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302  # type: ignore[assignment]


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
