"""One HTTP exchange with a search server: its TLS, its proxy, and one deadline for the whole of it.

No redirects, no retries, nothing from the environment: a proxy variable or a .netrc must not change where data goes.
"""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
import urllib3.connection

from alertd.clock import SystemClock
from alertd.errors import AlertdError, PermanentError, RetryError
from alertd.search.answer import UnwieldyError, of_failure
from alertd.search.connection import Connection, basic_authorization
from alertd.search.tls import Tls

# Parsed, an answer takes some five times as much memory. A page of 1,000 ordinary events has a tenth of it.
MOST_BYTES = 16 * 1024 * 1024
_KEEP_ALIVE_SECONDS = 30
# Idle connections through firewalls and address translation are forgotten there, without a word, after minutes.
_KEEP_ALIVE = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), _KEEP_ALIVE_SECONDS)
        for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL")
        if hasattr(socket, name)
    ),
]
_UNAUTHORIZED = 401
_PROXY_UNAUTHORIZED = 407
_NOT_FOUND = 404
_ITS_PATH = "with its path"
_OF_PROXY = "check the user and password in elasticsearch.proxy"
_PROXY_BETWEEN = (
    "this is no search server's answer: a proxy in between wants to know who asks. Let alertd pass, or name it in "
    "elasticsearch.proxy"
)
_REFUSING = frozenset({_UNAUTHORIZED, 403})
# How http.client says that a proxy answered CONNECT with 4xx.
_REFUSED = "Tunnel connection failed: 4"


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def kind(self) -> str:
        """The media type, of the two that matter."""
        return "application/json" if "json" in self.headers.get("content-type", "") else "text/plain"

    def json(self) -> object:
        """The body as text where it is no JSON: a proxy's page."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return self.body.decode(errors="replace")


class Exchange:
    """Safe to use from several threads; keeps connections open between exchanges."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tls = Tls(connection.ca_file, connection.client_cert_file, connection.client_key_file)
        self._proxy = connection.proxy
        self.secrets = connection.secrets
        self._clock = SystemClock()
        self._pools: dict[str, urllib3.PoolManager] = {}  # by scheme: reading whom to trust takes time and memory
        self._sockets = _Sockets()
        self.server_date: datetime | None = None  # as the last reply told it

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, deadline: timedelta
    ) -> Reply:
        """With the identity; where it is refused, once more with what its file holds by now.

        RetryError: no whole answer. PermanentError: TLS or the proxy refuses. UnwieldyError: too long to hold.
        """
        credential = self._connection.credential
        used = credential.value if credential else ""
        late_seconds = self._clock.elapsed_seconds() + deadline.total_seconds()
        identity = self._connection.authorization(used)
        reply = self._send(method, url, headers={**headers, **identity}, body=body, deadline=deadline)
        if credential and reply.status in _REFUSING and credential.renew(used):
            left = timedelta(seconds=max(late_seconds - self._clock.elapsed_seconds(), 1))
            identity = self._connection.authorization(credential.value)
            reply = self._send(method, url, headers={**headers, **identity}, body=body, deadline=left)
        return reply

    def failure(self, status: int, body: object, where: str) -> AlertdError:
        """The error for an answer whose status is not 2xx."""
        error = of_failure(status, body, where, self.secrets)
        credential = self._connection.credential
        if status == _PROXY_UNAUTHORIZED:
            return type(error)(f"{error}: {_OF_PROXY if self._proxy else _PROXY_BETWEEN}.")
        paths = [path for url in self._connection.urls if (path := urlsplit(url).path.strip("/"))]
        if status == _NOT_FOUND and paths and _ITS_PATH not in str(error):
            return type(error)(f"{error} Check the path /{self.secrets.quote(paths[0])} in elasticsearch.url too.")
        if status == _UNAUTHORIZED and credential and credential.renewal:
            return type(error)(f"{error} {credential.renewal}.")
        return error

    def _send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, deadline: timedelta
    ) -> Reply:
        scheme = urlsplit(url).scheme
        pools = self._pools[scheme] = self._pools.get(scheme) or self._open(scheme)
        late_seconds = self._clock.elapsed_seconds() + deadline.total_seconds()
        alarm = self._sockets.shut_after(deadline)
        try:
            answer = pools.urlopen(
                method,
                url,
                body=body,
                headers=dict(headers),
                timeout=urllib3.Timeout(total=deadline.total_seconds()),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            with closing(answer):  # the connection of one that was read whole is back in the pool by then
                reply = _read(answer, url)
        except urllib3.exceptions.HTTPError as error:
            late = self._clock.elapsed_seconds() >= late_seconds
            failure = _late(url, deadline) if late else self._failure(error, url)
            if isinstance(failure, PermanentError):
                self._pools.clear()  # certificates may be replaced: the next exchange reads them anew
            raise failure from error
        finally:
            alarm.cancel()
        if self._clock.elapsed_seconds() >= late_seconds:
            raise _late(url, deadline)  # the alarm's shutdown can look like the end of a short answer
        self.server_date = _date(reply)
        return reply

    def close(self) -> None:
        for pools in self._pools.values():
            pools.clear()

    def _open(self, scheme: str) -> urllib3.PoolManager:
        options: dict[str, Any] = {
            "maxsize": 2,  # the fast scan and the sweep run beside each other
            "ssl_context": self._tls.context() if scheme == "https" else None,
            "socket_options": [*urllib3.connection.HTTPConnection.default_socket_options, *_KEEP_ALIVE],
        }
        if self._proxy:
            pools: urllib3.PoolManager = urllib3.ProxyManager(
                self._proxy, proxy_headers=_proxy_headers(self._proxy), **options
            )
        else:
            pools = urllib3.PoolManager(**options)
        pools.pool_classes_by_scheme = _watched_pools(self._sockets.use)
        return pools

    def _failure(self, error: Exception, url: str) -> AlertdError:
        causes = list(_causes(error))
        tls = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), None)
        if tls:
            return self._tls.failure(tls, _origin(url))
        said = self.secrets.quote(_said(causes[-1]))
        if self._proxy and any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes):
            text = f"{_origin(url)} cannot be reached through the proxy {_origin(self._proxy)}: {said}"
            return PermanentError(f"{text}: check elasticsearch.proxy.") if _REFUSED in text else RetryError(text)
        is_odd = any(isinstance(cause, (http.client.BadStatusLine, ConnectionResetError)) for cause in causes)
        hint = (
            ". If it speaks TLS, elasticsearch.url begins with https://" if is_odd and url.startswith("http:") else ""
        )
        return RetryError(f"{_origin(url)} does not answer: {said}{hint}")


class _Sockets:
    """Which sockets each thread's exchange uses, so that an alarm can end it wherever it hangs.

    A timeout bounds each read, but not their sum: a server that sends a byte a minute would hold its reader for ever.
    """

    def __init__(self) -> None:
        self._used = threading.local()

    def shut_after(self, deadline: timedelta) -> threading.Timer:
        used: list[socket.socket] = []
        self._used.by_thread = used
        alarm = threading.Timer(deadline.total_seconds(), _shut, (used,))
        alarm.daemon = True
        alarm.start()
        return alarm

    def use(self, connected: socket.socket) -> None:
        self._used.by_thread.append(connected)


def _shut(sockets: list[socket.socket]) -> None:
    for connected in sockets:
        # an SSLSocket's own shutdown would pull the TLS state from under its reader
        with suppress(OSError):
            socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _watched_pools(use: Callable[[socket.socket], None]) -> dict[str, Any]:
    """urllib3's pools, with connections that tell which socket they are about to use."""

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = _watched(urllib3.connection.HTTPConnection, use)

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = _watched(urllib3.connection.HTTPSConnection, use)

    return {"http": PlainPool, "https": SecurePool}


def _watched(kind: type[urllib3.connection.HTTPConnection], use: Callable[[socket.socket], None]) -> Any:
    class Watched(kind):  # type: ignore[misc, valid-type]
        def connect(self) -> None:
            super().connect()
            use(self.sock)

        def request(self, *args: Any, **kwargs: Any) -> None:
            if self.sock:  # kept from an earlier exchange
                use(self.sock)
            super().request(*args, **kwargs)

    return Watched


def _read(answer: urllib3.BaseHTTPResponse, url: str) -> Reply:
    body = answer.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise UnwieldyError(f"{_origin(url)}: an answer of more than {MOST_BYTES // 1024**2} MiB")
    return Reply(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)


def _late(url: str, deadline: timedelta) -> RetryError:
    return RetryError(f"{_origin(url)} does not answer: no whole answer within {deadline.total_seconds():g} s")


def _date(reply: Reply) -> datetime | None:
    try:
        date = parsedate_to_datetime(reply.headers.get("date", ""))
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):  # whatever the library meets in one that is none
        return None


def _proxy_headers(proxy: str) -> dict[str, str]:
    parts = urlsplit(proxy)
    if not parts.username:
        return {}
    return basic_authorization(unquote(parts.username), unquote(parts.password or ""), header="proxy-authorization")


def _origin(url: str) -> str:
    """For people: without path, user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _said(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return f"its name is not known here ({error.strerror})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
