"""E-mail over a real socket: what arrives, and what each way of failing counts as."""

import base64
import json
import ssl
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import trustme
from hypothesis import example, given
from hypothesis import strategies as st

from alertd.destination import DestinationRefused, NotSent, Outcome, PayloadRefused, Sent, Throttled, Unknown
from alertd.destination.email.form import mail
from alertd.destination.email.smtp import Email, Security
from alertd.message import mark_repeat, render_ops
from alertd.secret import HIDDEN, Credential, Secrets
from tests.fakes.smtp_server import Fault, MailServer, closed_port, mail_server
from tests.simulation.world import SimulatedClock
from tests.unit.told import DELIVERY_ID, STYLE

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TEXT = "source cloudtrail: cannot be searched: 403 <security_exception> & more. Nothing is lost."
PAYLOAD = render_ops(TEXT, delivery_id=DELIVERY_ID, over=False)
HEADERS = "From To Subject Date Message-ID Auto-Submitted Content-Type Content-Transfer-Encoding MIME-Version"
PASSWORD = "planted" + "Secret" + "0a1b2c"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


@pytest.fixture
def tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def email(
    server: MailServer,
    security: Security = Security.NONE,
    *,
    password: str | None = None,
    password_file: Path | None = None,
    to: tuple[str, ...] = ("oncall@example.com",),
    ca_file: Path | None = None,
    port: int = 0,
    timeout: float = 10,
) -> Email:
    credential = Credential(password, password_file) if password else None
    return Email(
        name="oncall",
        host="127.0.0.1",
        port=port or server.port,
        security=security,
        username="alertd" if password else None,
        password=credential,
        secrets=Secrets([credential] if credential else []),
        sender="alertd@example.com",
        recipients=to,
        ca_file=ca_file,
        timeout=timedelta(seconds=timeout),
        clock=SimulatedClock(NOW),
    )


def post(target: Email, payload: str = PAYLOAD) -> Outcome:
    return target.post(payload, delivery_id=DELIVERY_ID, thread_ts=None)


def test_a_mail_is_plain_text_that_says_what_the_channel_would() -> None:
    """With a Message-ID that the delivery id makes, and no entity of Slack's."""
    with mail_server() as server:
        assert Sent() == post(email(server, to=("oncall@example.com", "second@example.com")))
    [mail] = server.mails
    assert ("alertd@example.com", ("oncall@example.com", "second@example.com")) == (mail.sender, mail.recipients)
    assert f"⚠ alertd: {TEXT}" == mail.message["Subject"]
    assert mail.text.startswith(f"⚠ alertd: {TEXT}\n")
    assert "text/plain" == mail.message.get_content_type()
    assert f"<{DELIVERY_ID}@example.com>" == mail.message["Message-ID"]
    assert "auto-generated" == mail.message["Auto-Submitted"]
    assert NOW == mail.message["Date"].datetime


def test_a_repeat_has_the_same_message_id_and_says_what_it_is() -> None:
    with mail_server() as server:
        post(email(server))
        post(email(server), mark_repeat(PAYLOAD, NOW, style=STYLE))
    first, second = server.mails
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert "possible repeat" in second.text
    assert TEXT in second.text


def test_hostile_text_adds_neither_a_header_nor_a_recipient_nor_the_end_of_the_mail() -> None:
    """A reason may quote anything."""
    hostile = f"\r\n.\r\nBcc: x@example.com\r\n\r\n{'long ' * 300}"
    with mail_server() as server:
        assert Sent() == post(email(server), render_ops(hostile, delivery_id=DELIVERY_ID, over=False))
        assert Sent() == post(email(server), json.dumps({"text": ". begins with a dot", "blocks": []}))
    mail, dotted = server.mails
    assert ("oncall@example.com",) == mail.recipients
    assert mail.message["Bcc"] is None
    assert "\\n.\\nBcc: x@example.com\\n" in mail.text
    assert 300 == mail.text.count("long")
    assert dotted.text.startswith(". begins with a dot\n")


@given(
    st.lists(
        st.sampled_from(
            [
                "=?utf-8?q?Bcc:=20x@example.com?=",
                "=?utf-8?b?QmNjOiB4QGV4YW1wbGUuY29tCg==?=",
                "=?utf-8?q?a=0D=0ABcc:_x?=",
            ]
        )
        | st.text(st.characters() | st.sampled_from("=?\r\n\0\ud800\u202e:;<>@"), max_size=300)
    )
)
@example(["=?utf-8?q?a=0ABcc:=20x@example.com?="] * 9)
def test_no_text_becomes_anything_but_the_words_of_a_subject(parts: list[str]) -> None:
    """Some versions of Python (3.11.7) decode an encoded word, line ends included, and write it as it is."""
    made = mail(" ".join(parts), delivery_id="d1", sender="a@example.com", recipients=["b@example.com"], now=NOW)
    raw = made.as_bytes(policy=policy.SMTP)
    head, _, _ = raw.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert HEADERS == b" ".join(names).decode()
    read = message_from_bytes(raw, policy=policy.default)
    assert "Bcc:" not in str(read["Subject"]) or "Bcc:" in " ".join(parts)
    assert max(map(len, raw.split(b"\r\n"))) < 998


FAULTS: dict[str, tuple[str, Fault, type[Outcome]]] = {
    "not now": ("connect", Fault("421 too many connections"), Throttled),
    "never": ("connect", Fault("554 go away"), DestinationRefused),
    "gone before the greeting": ("connect", Fault(), NotSent),
    "a greeting that is none": ("connect", Fault("hello"), NotSent),
    "no hello": ("EHLO", Fault("502 what"), DestinationRefused),
    "the sender waits": ("MAIL", Fault("451 later"), Throttled),
    "the sender is refused": ("MAIL", Fault("550 5.7.1 not you"), DestinationRefused),
    "greylisting": ("RCPT", Fault("450 4.2.0 greylisted"), Throttled),
    "an error that passes": ("RCPT", Fault("454 tls please"), NotSent),
    "no such person": ("RCPT", Fault("550 5.1.1 unknown user"), DestinationRefused),
    "no data": ("DATA", Fault("554 no"), DestinationRefused),
    "no data, not now": ("DATA", Fault("451 later"), Throttled),
    "gone before the data": ("DATA", Fault(), NotSent),
    "taken, not now": (".", Fault("452 disk full"), Throttled),
    "an unwanted content": (".", Fault("554 5.6.0 spam"), PayloadRefused),
    "gone after the data, not delivered": (".", Fault(), Unknown),
    "gone after the data, delivered": (".", Fault(keeps=True), Unknown),
    "an answer that is none": (".", Fault("queued?", keeps=True), Unknown),
    "no goodbye": ("QUIT", Fault(), Sent),
}


@pytest.mark.parametrize(("command", "fault", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_each_failure_counts_as_what_is_to_be_done(command: str, fault: Fault, expected: type) -> None:
    with mail_server() as server:
        server.next(command, fault)
        outcome = post(email(server))
        assert expected is type(outcome), outcome
        server.repair()
        assert Sent() == post(email(server))


def test_a_server_that_is_not_there_has_certainly_no_mail() -> None:
    assert isinstance(post(email(MailServer(), port=closed_port())), NotSent)


@pytest.mark.parametrize(("command", "expected"), [("connect", NotSent), ("RCPT", NotSent), (".", Unknown)])
def test_a_server_that_does_not_answer_is_left_after_the_timeout(command: str, expected: type) -> None:
    with mail_server() as server:
        server.next(command, Fault(hangs=True))
        assert expected is type(post(email(server, timeout=0.3)))


def test_one_refused_recipient_does_not_keep_the_others_from_hearing() -> None:
    with mail_server(MailServer(refused={"left@example.com": "550 unknown"})) as server:
        assert Sent() == post(email(server, to=("left@example.com", "here@example.com")))
    assert ("here@example.com",) == server.mails[0].recipients


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_the_password_goes_over_tls_only(security: Security, tls: ssl.SSLContext, ca_file: Path) -> None:
    rules = MailServer(users={"alertd": PASSWORD}, tls=tls, tls_at_once=security is Security.TLS)
    with mail_server(rules) as server:
        assert Sent() == post(email(server, security, password=PASSWORD, ca_file=ca_file))
    assert 1 == len(server.mails)
    assert [] == [line for line in server.said if line in {"clear AUTH", "clear MAIL", "clear DATA"}]
    assert "tls AUTH" in server.said


def test_where_starttls_is_taken_away_nothing_is_said_in_the_clear(tls: ssl.SSLContext, ca_file: Path) -> None:
    """Somebody in between may cut it out of the answer."""
    rules = MailServer(users={"alertd": PASSWORD}, tls=tls, offers_starttls=False)
    with mail_server(rules) as server:
        outcome = post(email(server, Security.STARTTLS, password=PASSWORD, ca_file=ca_file))
    assert isinstance(outcome, DestinationRefused)
    assert "STARTTLS" in outcome.reason
    assert ["clear EHLO"] == server.said


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.TLS])
def test_a_certificate_that_is_not_trusted_is_refused_and_named(security: Security, tls: ssl.SSLContext) -> None:
    with mail_server(MailServer(tls=tls, tls_at_once=security is Security.TLS)) as server:
        outcome = post(email(server, security))
    assert isinstance(outcome, DestinationRefused)
    assert "ca_file" in outcome.reason
    assert [] == server.mails


def test_a_wrong_password_is_a_refusal_that_does_not_show_it(tls: ssl.SSLContext, ca_file: Path) -> None:
    rules = MailServer(users={"alertd": "another"}, tls=tls)
    with mail_server(rules) as server:
        outcome = post(email(server, Security.STARTTLS, password=PASSWORD, ca_file=ca_file))
        rules.next("AUTH", Fault("454 4.7.0 busy"))
        rules.users["alertd"] = PASSWORD
        busy = post(email(server, Security.STARTTLS, password=PASSWORD, ca_file=ca_file))
    assert isinstance(outcome, DestinationRefused)
    assert "535" in outcome.reason
    assert PASSWORD not in outcome.reason
    assert isinstance(busy, NotSent)


def test_a_server_without_logins_and_a_password_beyond_ascii_are_refusals(tls: ssl.SSLContext, ca_file: Path) -> None:
    with mail_server(MailServer(tls=tls)) as server:
        assert isinstance(
            post(email(server, Security.STARTTLS, password=PASSWORD, ca_file=ca_file)), DestinationRefused
        )
    with mail_server(MailServer(users={"alertd": "x"}, tls=tls)) as server:
        assert isinstance(
            post(email(server, Security.STARTTLS, password="pässword", ca_file=ca_file)), DestinationRefused
        )


def test_a_check_goes_as_far_as_the_recipients_and_sends_nothing() -> None:
    with mail_server(MailServer(refused={"left@example.com": "550 5.1.1 unknown"})) as server:
        assert () == email(server).check()
        (problem,) = email(server, to=("left@example.com",)).check()
        assert "left@example.com: 550 5.1.1 unknown" in problem
        server.next("connect", Fault("421 too many"))
        assert ("greeting: 421 too many",) == email(server).check()
    assert [] == server.mails
    assert "clear DATA" not in server.said


def test_a_password_that_was_replaced_is_taken_up_when_the_old_one_is_refused(
    tls: ssl.SSLContext, ca_file: Path, tmp_path: Path
) -> None:
    """Within the same attempt."""
    file = tmp_path / "password"
    file.write_text("the-old-one\n")
    with mail_server(MailServer(users={"alertd": PASSWORD}, tls=tls)) as server:
        target = email(server, Security.STARTTLS, password="the-old-one", password_file=file, ca_file=ca_file)
        refused = post(target)
        assert isinstance(refused, DestinationRefused)
        assert f"{file} still holds the one that is refused" in refused.reason
        file.write_text(f"{PASSWORD}\n")
        assert Sent() == post(target)


@pytest.mark.parametrize("repeats", [PASSWORD, base64.b64encode(f"\0alertd\0{PASSWORD}".encode()).decode()])
def test_a_server_that_repeats_what_it_was_told_shows_no_password(
    repeats: str, tls: ssl.SSLContext, ca_file: Path
) -> None:
    with mail_server(MailServer(users={"alertd": PASSWORD}, tls=tls)) as server:
        server.next("AUTH", Fault(f"535-cannot read\r\n535 AUTH PLAIN {repeats}"))
        outcome = post(email(server, Security.STARTTLS, password=PASSWORD, ca_file=ca_file))
    assert isinstance(outcome, DestinationRefused)
    assert f"AUTH PLAIN {HIDDEN}" in outcome.reason or HIDDEN in outcome.reason
    assert PASSWORD not in outcome.reason
    assert repeats[-12:] not in outcome.reason


@pytest.mark.parametrize("command", ["connect", "EHLO", "RCPT", "DATA", "."])
@pytest.mark.parametrize(
    "reply", ["550-x\r\n" * 100_000 + "550 x", f"550 {'x' * 8_000}", "999 what", "\xff\0", "25O x"]
)
def test_an_odd_answer_of_a_mail_server_is_an_outcome_and_short(command: str, reply: str) -> None:
    """And never a success."""
    with mail_server() as server:
        server.next(command, Fault(reply))
        outcome = post(email(server))
    assert not isinstance(outcome, Sent)
    assert len(outcome.reason) < 400
    assert command != "." or reply.startswith("550 ") or isinstance(outcome, Unknown)
