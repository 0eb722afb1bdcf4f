"""A mail server on a real socket: it encrypts, asks for a password, takes mails, and misbehaves as it is told."""

import base64
import binascii
import socket
import socketserver
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass(frozen=True, slots=True)
class Mail:
    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)

    @property
    def text(self) -> str:
        return str(self.message.get_content()).replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at a command, once. The end of a mail is the command "."."""

    reply: str | None = None  # instead of the usual one; None: the connection is cut without one
    keeps: bool = False  # a mail: it is delivered all the same
    hangs: bool = False  # until the other side gives up


@dataclass(slots=True)
class MailServer:
    users: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    tls_at_once: bool = False
    offers_starttls: bool = True
    faults: dict[str, deque[Fault]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)  # recipient → reply
    mails: list[Mail] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # commands, with whether they came encrypted
    port: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def next(self, command: str, *faults: Fault) -> None:
        self.faults.setdefault(command, deque()).extend(faults)

    def always(self, command: str, fault: Fault) -> None:
        self.faults[command] = deque([fault] * 1_000_000)

    def repair(self) -> None:
        self.faults.clear()


class _CutError(Exception):
    """The connection ends here."""


class _Conversation(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        self.rules = self.server.rules
        self.encrypted = False
        self.user: str | None = None
        self.sender: str | None = None
        self.recipients: list[str] = []
        with suppress(_CutError, OSError), closing(self):
            if self.rules.tls_at_once:
                self._encrypt()
            self._answer("connect", "220 mail.test ESMTP")
            while True:
                self._obey(self._line())

    def close(self) -> None:
        """TLS has sockets and files of its own."""
        for each in (self.rfile, self.wfile, self.connection):
            with suppress(OSError):
                each.close()

    def _line(self) -> str:
        line = self.rfile.readline()
        if not line:
            raise _CutError
        return line.decode().rstrip("\r\n")

    def _say(self, reply: str) -> None:
        self.wfile.write(f"{reply}\r\n".encode())

    def _answer(self, command: str, usual: str) -> bool:
        """Whether all went as usual."""
        faults = self.rules.faults.get(command)
        if not faults:
            self._say(usual)
            return True
        fault = faults.popleft()
        if fault.hangs:
            self.rules.over.wait(30)
            raise _CutError
        if fault.reply is None:
            raise _CutError
        self._say(fault.reply)
        return False

    def _obey(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        verb = verb.upper()
        self.rules.said.append(f"{'tls' if self.encrypted else 'clear'} {verb}")
        match verb:
            case "EHLO":
                self._answer(verb, self._features())
            case "STARTTLS":
                if self._answer(verb, "220 go ahead"):
                    self._encrypt()
            case "AUTH":
                self._log_in(rest)
            case "MAIL":
                self._mail(rest)
            case "RCPT":
                self._recipient(rest)
            case "DATA":
                if self._answer(verb, "354 end with a dot"):
                    self._take()
            case "QUIT":
                self._answer(verb, "221 bye")
                raise _CutError
            case _:
                self._say("502 no such command")

    def _features(self) -> str:
        features = ["mail.test"]
        if self.rules.tls and not self.encrypted and self.rules.offers_starttls:
            features.append("STARTTLS")
        if self.rules.users:
            features.append("AUTH PLAIN")
        return "\r\n".join([*(f"250-{name}" for name in features), "250 8BITMIME"])

    def _encrypt(self) -> None:
        assert self.rules.tls
        self.connection = self.rules.tls.wrap_socket(self.connection, server_side=True)
        self.encrypted = True
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)

    def _log_in(self, rest: str) -> None:
        _, _, given = rest.partition(" ")
        try:
            _, name, password = base64.b64decode(given).decode().split("\0")
        except (ValueError, binascii.Error):
            self._say("501 cannot read this")
            return
        if self.rules.users.get(name) == password:
            if self._answer("AUTH", "235 welcome"):
                self.user = name
        else:
            self._say("535 5.7.8 wrong password")

    def _mail(self, rest: str) -> None:
        if self.rules.users and self.user is None:
            self._say("530 5.7.0 authentication required")
        elif self._answer("MAIL", "250 fine"):
            self.sender, self.recipients = _address(rest), []

    def _recipient(self, rest: str) -> None:
        name = _address(rest)
        if name in self.rules.refused:
            self._say(self.rules.refused[name])
        elif self._answer("RCPT", "250 fine"):
            self.recipients.append(name)

    def _take(self) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise _CutError  # no end, no mail
            lines.append(line.removeprefix(b"."))
        faults = self.rules.faults.get(".")
        if not faults or faults[0].keeps:
            self.rules.mails.append(Mail(self.sender or "", tuple(self.recipients), b"".join(lines)))
        self._answer(".", "250 2.0.0 queued")


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    rules: MailServer

    def handle_error(self, request: object, client_address: object) -> None:
        """What went wrong in a conversation is the other side's to tell."""


@contextmanager
def mail_server(rules: MailServer | None = None, *, port: int = 0) -> Iterator[MailServer]:
    rules = rules or MailServer()
    with _Server(("127.0.0.1", port), _Conversation) as server:
        server.rules = rules
        rules.port = server.server_address[1]
        rules.over.clear()
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield rules
        finally:
            rules.over.set()
            server.shutdown()
            thread.join()


def closed_port() -> int:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
