"""The real process in trouble: a mail server or a second channel hears of it, each thing once, over kills."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertd.ledger.sqlite import open_ledger
from tests.acceptance.installation import CHANNEL, Installation, event_id, root_event
from tests.fakes.smtp_server import Fault, MailServer, mail_server

OPS = """
[destinations.oncall]
type = "email"
host = "127.0.0.1"
port = {port}
security = "none"
from = "alertd@example.com"
to = "oncall@example.com"
[ops]
notify = "oncall"
over_after = "2s"
{more}
"""
DAY = timedelta(days=1)


@pytest.fixture
def mail() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def configure(installed: Installation, mail: MailServer, *, source: str = "", more: str = 'daily = "off"') -> None:
    ops = OPS.format(port=mail.port, more=more)
    installed.configure(source=source, more=ops)
    text = installed.config.read_text()
    installed.config.write_text(text.replace("[rules]\n", '[rules]\nnotify = ["security"]\n'))


def subjects(mail: MailServer) -> list[str]:
    return [each.message["Subject"].replace("\n", "") for each in mail.mails]


def _failed(installed: Installation, scans: int) -> Callable[[], bool]:
    return lambda: installed.log.count('"scan_failed"') > scans


def told(mail: MailServer, beginning: str) -> int:
    return sum(subject.startswith(beginning) for subject in subjects(mail))


def test_killed_again_and_again_in_the_middle_of_a_trouble_it_is_told_once_and_its_end_once(
    installed: Installation, mail: MailServer
) -> None:
    """The index is missing, then there; alertd dies by SIGKILL in between, and starts again."""
    configure(installed, mail)
    right = installed.config.read_text()
    installed.config.write_text(right.replace(f"{installed.index}-*", f"{installed.index}-later"))
    installed.run("init")
    for number in range(3):
        process = installed.start()
        installed.wait_for(_failed(installed, 2 * (number + 1)), "failed scans")
        installed.wait_for(lambda: mail.mails, "the mail")
        process.kill()
        process.wait()
    assert 1 == len(mail.mails), subjects(mail)
    assert 1 == told(mail, "⚠ alertd: source cloudtrail: cannot be searched: 404")
    shown = installed.run("status").stdout
    assert re.search(r"^source cloudtrail +\d+ s +cannot be searched: 404", shown, re.MULTILINE), shown
    [trouble] = json.loads(installed.run("status", "--json").stdout)["troubles"]
    assert "source cloudtrail" == trouble["subject"]
    process = installed.start()
    installed.send("PUT", f"/{installed.index}-later", {"mappings": {"properties": {"@timestamp": {"type": "date"}}}})
    installed.wait_for(lambda: told(mail, "✅ alertd: source cloudtrail: over since "), "the end")
    process.kill()
    process.wait()
    with installed.daemon():
        installed.wait_for(lambda: installed.run("status", "--check").returncode == 0, "alive")
    assert "source cloudtrail" not in installed.run("status").stdout
    assert 2 == len(mail.mails), subjects(mail)
    assert 2 == len({each.message["Message-ID"] for each in mail.mails})


def test_a_channel_that_refuses_is_told_elsewhere_and_the_ops_channel_gets_no_alert(
    installed: Installation, mail: MailServer
) -> None:
    """A second channel hears of it as well as a mailbox."""
    installed.slack.workspace.add_channel(id="C0OPS", name="alertd-ops")
    configure(installed, mail)
    second = f"""
[destinations.second]
type = "slack"
channel = "#alertd-ops"
token_file = "token"
base_url = "{installed.slack.url.removesuffix("/")}"
[ops]
"""
    text = installed.config.read_text().replace('notify = "oncall"', 'notify = "second"')
    installed.config.write_text(text.replace("[ops]\n", second))
    with installed.daemon("--init") as daemon:
        daemon.wait_until_started()
        installed.wait_for(lambda: installed.run("status", "--check").returncode == 0, "alive")
        installed.slack.workspace.find(CHANNEL).is_archived = True
        installed.add(root_event(), root_event())
        installed.wait_for(lambda: installed.slack.messages("C0OPS"), "the trouble in the other channel")
    (message,) = installed.slack.messages("C0OPS")
    assert "destination security: refuses every message: is_archived" in message.payload
    assert [] == installed.slack.messages(CHANNEL) + mail.mails


def test_what_the_ops_destination_could_not_hear_is_in_the_log_and_told_when_it_works_again(
    installed: Installation, mail: MailServer
) -> None:
    """The mail server is busy for a while; alertd is killed meanwhile."""
    configure(installed, mail)
    installed.config.write_text(installed.config.read_text().replace(f"{installed.index}-*", "nosuch"))
    mail.always("MAIL", Fault("454 later"))
    installed.run("init")
    process = installed.start()
    installed.wait_for(lambda: installed.log.count('"outcome": "NotSent"') > 3, "attempts that fail")
    installed.wait_for(lambda: '"ops_unreachable"' in installed.log, "an error in the log")
    process.kill()
    process.wait()
    mail.repair()
    with installed.daemon():
        installed.wait_for(lambda: told(mail, "⚠ alertd: source cloudtrail"), "the mail")
    assert 1 == told(mail, "⚠ alertd: source cloudtrail")


def test_a_full_disk_is_told_although_nothing_can_be_recorded(
    installed: Installation, mail: MailServer, tmp_path: Path
) -> None:
    """No alert without its record, but somebody must make room. Then the event is told, and that it is over."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("NOT TESTED on a full disk: only root may mount a small one")
    try:
        configure(installed, mail)
        text = installed.config.read_text()
        installed.config.write_text(text.replace('path = "alertd.db"', f'path = "{disk}/alertd.db"'))
        with installed.daemon("--init") as daemon:
            daemon.wait_until_started()
            installed.wait_for(lambda: installed.run("status", "--check").returncode == 0, "alive")
            with (disk / "ballast").open("wb", buffering=0) as ballast, suppress(OSError):
                while ballast.write(bytes(4096)):
                    pass
            event = root_event()
            installed.add(event)
            installed.wait_for(lambda: told(mail, "⚠ alertd: ledger: "), "the mail")
            assert {} == installed.told()
            (disk / "ballast").unlink()
            installed.wait_for_events({event_id(event)})
            installed.wait_for(lambda: told(mail, "✅ alertd: ledger: over since "), "its end")
        assert {event_id(event): 1} == dict(installed.told())
        assert [1, 1] == [told(mail, "⚠ alertd: ledger: "), told(mail, "✅ alertd: ledger: ")]
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_source_that_went_silent_is_told_and_its_end_too(installed: Installation, mail: MailServer) -> None:
    """A document that no rule takes is a sign of life."""
    configure(installed, mail, source='silent_after = "6h"')
    noise = {"userIdentity": {"type": "AssumedRole"}}
    installed.add({**root_event("ListBuckets", ago=timedelta(hours=7)), **noise})
    with installed.daemon("--init"):
        installed.wait_for(lambda: told(mail, "⚠ alertd: silent source cloudtrail: no data since "), "the mail")
        check = installed.run("check")
        assert "1 indices" in check.stdout.replace("2 indices", "1 indices")
        assert "newest event 7 h old" in check.stdout
        assert "is CloudTrail still arriving?" in check.stdout
        installed.add({**root_event("ListBuckets"), **noise})
        installed.wait_for(lambda: told(mail, "✅ alertd: silent source cloudtrail: over since "), "its end")
    assert 2 == len(mail.mails), subjects(mail)


def test_yesterday_is_told_once_over_kills(installed: Installation, mail: MailServer) -> None:
    """The line counts the accounts of yesterday in either shape of document."""
    configure(installed, mail, more='daily = "00:00"')
    installed.run("init")
    now = datetime.now(UTC)
    with closing(open_ledger(installed.folder / "alertd.db", now=now)) as ledger:
        ledger.remember("daily_told", (now - 3 * DAY).date().isoformat())
    noise = {"userIdentity": {"type": "AssumedRole"}}
    for ecs, account in ((False, "111122223333"), (True, "111122223333"), (True, "444455556666")):
        document = root_event("ListBuckets", ago=DAY, ecs=ecs, account=account)
        installed.add(
            {**document, "aws": {"cloudtrail": {"recipient_account_id": account}}} if ecs else {**document, **noise}
        )
    installed.add({**root_event("ListBuckets", account="777788889999"), **noise})  # today's
    for _ in range(3):
        process = installed.start()
        installed.wait_for(lambda: mail.mails, "the mail")
        started = installed.log.count('"started"')
        process.kill()
        process.wait()
        assert started
    with installed.daemon():
        installed.wait_for(lambda: installed.run("status", "--check").returncode == 0, "alive")
    yesterday = (now - DAY).date().isoformat()
    expected = f"✅ alertd: {yesterday}: 2 accounts reporting, 0 events, 0 delivered once, 0 open."
    assert [expected] == subjects(mail)


def test_check_goes_to_the_mail_server_and_warns_where_nobody_would_hear(
    installed: Installation, mail: MailServer
) -> None:
    """It sends nothing."""
    configure(installed, mail)
    installed.run("init")
    done = installed.run("check")
    assert 0 == done.returncode, done.stdout
    assert "oncall  email 127.0.0.1" in done.stdout
    assert "[ops] notify" not in done.stdout
    mail.refused["oncall@example.com"] = "550 5.1.1 unknown"
    done = installed.run("check", "--json")
    assert 1 == done.returncode
    failed = [each for each in json.loads(done.stdout)["findings"] if not each["ok"]]
    assert ["the recipient oncall@example.com: 550 5.1.1 unknown"] == [each["text"] for each in failed]
    text = installed.config.read_text()
    installed.config.write_text(text.replace('notify = "oncall"', 'notify = "security"'))
    assert "[ops] notify names security, which alerts go to as well" in installed.run("check").stdout
    installed.config.write_text(text.replace('notify = "oncall"', ""))
    assert "[ops] notify is not set" in installed.run("check").stdout
    installed.config.write_text(text.replace('notify = ["security"]', 'notify = ["oncall"]'))
    refused = installed.run("check")
    assert (2, True) == (refused.returncode, "only notify in [ops] may name" in refused.stderr)
    assert [] == mail.mails
