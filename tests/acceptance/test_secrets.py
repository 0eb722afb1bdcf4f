"""The real process between gateways that answer with the request they got: its secrets are nowhere to be read."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installation import Installation, event_id, root_event
from tests.fakes.echo_gateway import SPELLINGS, echo_gateway
from tests.fakes.smtp_server import MailServer, mail_server
from tests.planted import PLANTED

KEY = f"kept-{PLANTED}-key"
SECRETS = {word for spelled in SPELLINGS.values() for word in (spelled(PLANTED), spelled(KEY))} | {
    b64encode(f"{KEY}:".encode()).decode()[:16]
}
OPS = """
[destinations.hook]
type = "slack-webhook"
url_file = "hook"
timeout = "2s"
[destinations.seen]
type = "slack"
channel = "#aws-root"
token_file = "token"
base_url = "{seen}"
[destinations.oncall]
type = "email"
host = "127.0.0.1"
port = {port}
security = "none"
from = "alertd@example.com"
to = "oncall@example.com"
[ops]
notify = "{notify}"
daily = "off"
"""
COMMANDS = [
    ["check"],
    ["status"],
    ["status", "--json"],
    ["audit", "--since", "1h"],
    ["replay", "--since", "1h", "--yes"],
    ["test-rule", "--live", "--since", "1h"],
    ["retry", "0123"],
    ["route", "event.json"],
]


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def _write(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o600)


@pytest.mark.parametrize(("spelling", "notify"), [("plain", "oncall"), ("percent", "seen")])
def test_no_gateway_that_repeats_requests_makes_alertd_tell_a_secret(
    installed: Installation, mail: MailServer, spelling: str, notify: str
) -> None:
    """Not to the ledger, the log, a mail, a channel, nor in the output of any command."""
    event = root_event()
    with (
        echo_gateway(SPELLINGS[spelling], status=404, as_json=False) as page,
        echo_gateway(SPELLINGS[spelling], status=403, as_json=True) as slack,
    ):
        destination = (
            f'type = "slack"\nchannel = "#aws-root"\ntoken_file = "secret-token"\nbase_url = "{slack}/api"\n'
            'timeout = "2s"\nsettle = "1s"\nmax_doubt = "5s"\n'
        )
        seen = installed.slack.url.removesuffix("/")
        installed.configure(destination=destination, more=OPS.format(port=mail.port, notify=notify, seen=seen))
        text = installed.config.read_text()
        _write(installed.config, text.replace("[rules]\n", '[rules]\nnotify = ["security", "hook"]\n'))
        _write(installed.folder / "secret-token", KEY)
        _write(installed.folder / "hook", f"{page}/services/T0AB12CD3/{PLANTED}")
        _write(installed.folder / "es-key", KEY)
        with installed.daemon("--init") as daemon:
            daemon.wait_until_started()
            installed.add(event)
            installed.wait_for(lambda: installed.log.count('"attempt_ended"') >= 2, "attempts")
        right = installed.config.read_text()
        key_beside = right.replace("[sources.cloudtrail]", 'api_key_file = "es-key"\n[sources.cloudtrail]')
        _write(installed.config, key_beside.replace(installed.server.url, page))
        with installed.daemon():
            installed.wait_for(lambda: installed.log.count('"scan_failed"') >= 2, "failed scans")
            installed.wait_for(lambda: mail.mails or installed.slack.messages("C0SECURITY"), "word of it")
        (installed.folder / "event.json").write_text(json.dumps(event))
        for command in [*COMMANDS, ["explain", event_id(event)]]:
            installed.run(*command)
    files = [path.read_bytes() for path in installed.folder.iterdir() if path.name in {"log", "alertd.db"}]
    said = [*installed.outputs, *(content.decode(errors="replace") for content in files)]
    said += [str(one.content) for one in mail.mails]
    said += [message.payload for message in installed.slack.messages("C0SECURITY")]
    assert any("[secret]" in text for text in said)
    assert not [secret for secret in SECRETS if any(secret in text for text in said)]
