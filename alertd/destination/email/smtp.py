"""E-mail by SMTP: plain text, once. What the server answered to which command tells what became of a mail."""

import contextlib
import json
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.policy import SMTP
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import structlog

from alertd.clock import Clock
from alertd.destination import (
    DestinationRefused,
    Guarantee,
    NotSent,
    Outcome,
    PayloadRefused,
    Reader,
    Sent,
    Throttled,
    Unknown,
)
from alertd.destination.email.form import mail
from alertd.destination.reason import quoted
from alertd.secret import Credential, Secrets

# A server that is busy, or has never seen us (greylisting), takes a mail after a while and not after a second.
BUSY_PAUSE = timedelta(minutes=1)
# What a server may say in one conversation. smtplib reads the lines of a reply for as long as there are more.
MOST_SAID = 256 * 1024

_OK, _START_INPUT = 250, 354
_NOT_NOW, _REFUSED, _NO_REPLY = 400, 500, 600
# Too many connections, a busy mailbox, greylisting, no room.
_BUSY = frozenset({421, 450, 451, 452})
_READY = 220
# Taken, or taken to be forwarded.
_RECIPIENT_TAKEN = frozenset({250, 251, 252})

_log = structlog.get_logger("alertd.email")


class Security(StrEnum):
    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


class _StoppedError(Exception):
    """Nothing was sent, for this reason."""

    def __init__(self, outcome: NotSent | Throttled | DestinationRefused) -> None:
        super().__init__()
        self.outcome = outcome


class Email:
    """Addresses behind one mail server. A connection for each mail: there are few. Safe to use from several threads."""

    def __init__(
        self,
        *,
        name: str,
        host: str,
        port: int,
        security: Security,
        username: str | None,
        password: Credential | None,
        secrets: Secrets,
        sender: str,
        recipients: tuple[str, ...],
        ca_file: Path | None,
        timeout: timedelta,
        clock: Clock,
    ) -> None:
        self.name = name
        self._host, self._port = host, port
        self._security = security
        self._username, self._password = username, password
        self._secrets = secrets
        self._sender, self._recipients = sender, recipients
        self._ca_file = ca_file
        self._timeout = timeout
        self._clock = clock

    @property
    def reader(self) -> Reader | None:
        return None

    @property
    def threads(self) -> bool:
        return False

    @property
    def guarantee(self) -> Guarantee:
        return Guarantee.REPEATS_MARKED

    def post(self, payload: str, *, delivery_id: str, thread_ts: str | None) -> Outcome:  # noqa: ARG002 mails have none
        message = mail(
            json.loads(payload)["text"],
            delivery_id=delivery_id,
            sender=self._sender,
            recipients=self._recipients,
            now=self._clock.now(),
        )
        try:
            with self._session() as server:
                self._address(server)
                return quoted(_send(server, message.as_bytes(policy=SMTP)), self._secrets)
        except _StoppedError as stopped:
            return quoted(stopped.outcome, self._secrets)

    def check(self) -> tuple[str, ...]:
        """Connects, authenticates and names the addresses, as for a mail. Sends none."""
        try:
            with self._session() as server:
                self._address(server)
        except _StoppedError as stopped:
            return (self._secrets.quote(stopped.outcome.reason),)
        return ()

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """Connected, encrypted and authenticated; one deadline for all of it. _StoppedError."""
        server = _Server(timeout=self._timeout.total_seconds(), local_hostname=socket.gethostname())
        alarm = threading.Timer(self._timeout.total_seconds(), _shut, (server,))
        alarm.daemon = True
        alarm.start()
        try:
            self._open(server)
            yield server
            # it has the mail, or none: a failure to say goodbye changes nothing
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
        except ssl.SSLCertVerificationError as error:
            reason = f"the certificate of {self._host} is not trusted: {error.verify_message}. Set ca_file."
            raise _StoppedError(DestinationRefused(reason)) from error
        except smtplib.SMTPException as error:
            raise _StoppedError(NotSent(f"no mail server's answer: {type(error).__name__}")) from error
        except OSError as error:
            raise _StoppedError(NotSent(f"no connection to {self._host}:{self._port}: {error}")) from error
        finally:
            alarm.cancel()
            server.close()

    def _open(self, server: smtplib.SMTP) -> None:
        connection = socket.create_connection((self._host, self._port), self._timeout.total_seconds())
        # from here on close() and the alarm find it
        server.sock = connection
        if self._security is Security.TLS:
            self._encrypt(server)
        _expect(_READY, server.getreply(), "greeting")
        _expect(_OK, server.ehlo(), "EHLO")
        if self._security is Security.STARTTLS:
            if not server.has_extn("starttls"):
                reason = f"{self._host} offers no STARTTLS: set security to what it speaks"
                raise _StoppedError(DestinationRefused(reason))
            _expect(_READY, server.docmd("STARTTLS"), "STARTTLS")
            self._encrypt(server)
            _expect(_OK, server.ehlo(), "EHLO")
        if self._username and self._password:
            self._log_in(server, self._username, self._password)

    def _encrypt(self, server: smtplib.SMTP) -> None:
        context = ssl.create_default_context(cafile=self._ca_file)
        connection = server.sock
        if connection is None:
            raise OSError("not connected")  # the alarm was quicker
        server.sock = context.wrap_socket(connection, server_hostname=self._host)
        # what was said in the clear counts no more (RFC 3207, 4.2)
        server.file = None
        server.ehlo_resp = None
        server.esmtp_features = {}
        server.does_esmtp = False

    def _log_in(self, server: smtplib.SMTP, username: str, password: Credential) -> None:
        used = password.value
        try:
            try:
                server.login(username, used)
            except smtplib.SMTPAuthenticationError as error:
                if error.smtp_code < _REFUSED or not password.renew(used):
                    raise
                server.login(username, password.value)
        except smtplib.SMTPAuthenticationError as error:
            said = error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()
            answer = said + (f"; {password.renewal}".encode() if password.renewal else b"")
            raise _StoppedError(_not_taken(error.smtp_code, answer, "user and password")) from error
        except smtplib.SMTPServerDisconnected:
            raise
        except (smtplib.SMTPException, ValueError) as error:
            # it offers no way to log in, or none that this password can be written in, or a challenge that is none
            reason = f"{self._host} takes no such login: {type(error).__name__}"
            raise _StoppedError(DestinationRefused(reason)) from None

    def _address(self, server: smtplib.SMTP) -> None:
        """Those who are refused do not keep the others from hearing of it."""
        _expect(_OK, server.mail(self._sender), f"the sender {self._sender}")
        answers = {recipient: server.rcpt(recipient) for recipient in self._recipients}
        refused = {name: answer for name, answer in answers.items() if answer[0] not in _RECIPIENT_TAKEN}
        for recipient, answer in refused.items():
            if len(refused) == len(answers):
                raise _StoppedError(_not_taken(*answer, f"the recipient {recipient}"))
            _log.error(
                "recipient_refused",
                destination=self.name,
                recipient=recipient,
                reason=self._secrets.quote(_words(answer)),
            )


def _send(server: smtplib.SMTP, message: bytes) -> Outcome:
    _expect(_START_INPUT, server.docmd("DATA"), "DATA")
    lines = message.replace(b"\r\n.", b"\r\n..")
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    # whatever fails before its end is written: the server has no whole mail, and delivers none
    server.send(lines)
    try:
        server.send(b".\r\n")
        answer = server.getreply()
    except (OSError, smtplib.SMTPException) as error:
        return Unknown(f"no answer to the mail: {type(error).__name__} {error}".rstrip())
    if answer[0] == _OK:
        return Sent()
    if not _NOT_NOW <= answer[0] < _NO_REPLY:
        return Unknown(f"an answer that is no mail server's: {_words(answer)}")
    outcome = _not_taken(*answer, "the mail")
    # it was the content that the server did not like
    return PayloadRefused(outcome.reason) if isinstance(outcome, DestinationRefused) else outcome


def _not_taken(code: int, text: bytes, what: str) -> NotSent | Throttled | DestinationRefused:
    """An answer other than the wanted one: 4xx passes, 5xx stays until a person repairs it."""
    reason = f"{what}: {_words((code, text))}"
    if code in _BUSY:
        return Throttled(BUSY_PAUSE, reason)
    return DestinationRefused(reason) if _REFUSED <= code < _NO_REPLY else NotSent(reason)


def _expect(code: int, answer: tuple[int, bytes], what: str) -> None:
    if answer[0] != code:
        raise _StoppedError(_not_taken(*answer, what))


def _words(answer: tuple[int, bytes]) -> str:
    return f"{answer[0]} {answer[1].decode(errors='replace')}"


class _Server(smtplib.SMTP):
    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        return super().getreply()


class _Bounded:
    """A file that ends in an error rather than never."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = MOST_SAID

    def readline(self, size: int) -> bytes:
        line = self._file.readline(size)
        self._left -= len(line)
        if self._left < 0:
            raise OSError(f"more than {MOST_SAID // 1024} KiB of answers")
        return line

    def close(self) -> None:
        self._file.close()


def _shut(server: smtplib.SMTP) -> None:
    """Ends a read or write under way. Below TLS: its own shutdown would let the next write pass in the clear."""
    connection = server.sock
    if connection is not None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)
