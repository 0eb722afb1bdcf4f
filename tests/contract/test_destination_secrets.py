"""What a gateway says of the request it got shows no secret, and one that is refused is read again from its file."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertd.clock import SystemClock
from alertd.demo.slack import SlackStandIn
from alertd.destination import DestinationRefused, Outcome, Sent
from alertd.destination.slack.bot import Slack, slack_reader
from alertd.destination.slack.webhook import SlackWebhook
from alertd.errors import PermanentError, RetryError
from alertd.secret import HIDDEN, Credential, Secrets
from tests.fakes.echo_gateway import SPELLINGS, echo_gateway
from tests.planted import PLANTED

SHORT = timedelta(seconds=5)
PAYLOAD = json.dumps({"text": "x", "blocks": []})
CHANNEL = "C0SECURITY"


def _post(target: Slack | SlackWebhook) -> Outcome:
    return target.post(PAYLOAD, delivery_id="d1", thread_ts=None)


def _bot(token: Credential, url: str) -> Slack:
    return Slack(
        name="a",
        token=token,
        secrets=Secrets([token]),
        channel=CHANNEL,
        clock=SystemClock(),
        timeout=SHORT,
        base_url=url,
    )


def _webhook(url: Credential) -> SlackWebhook:
    return SlackWebhook(name="b", url=url, secrets=Secrets([url]), clock=SystemClock(), timeout=SHORT)


@pytest.mark.parametrize("status", [200, 400, 404, 500])
@pytest.mark.parametrize("as_json", [True, False], ids=["as Slack", "as a page"])
@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_an_answer_that_repeats_the_request_shows_no_secret(
    spelled: Callable[[str], str], as_json: bool, status: int
) -> None:
    """Neither in an outcome, which the ledger keeps, nor in an error, nor in what `check` says."""
    token = Credential(f"kept-{PLANTED}-token")
    with echo_gateway(spelled, status=status, as_json=as_json) as url:
        bot, webhook = _bot(token, f"{url}/api/"), _webhook(Credential(f"{url}/services/T0AB12CD3/{PLANTED}"))
        assert bot.reader
        said = [repr(_post(bot)), repr(_post(webhook)), *bot.check()]
        with pytest.raises((RetryError, PermanentError)) as caught:
            bot.reader.find({"d1": None}, since=datetime.now(UTC))
    for text in (*said, str(caught.value)):
        for secret in (PLANTED, spelled(PLANTED), spelled(f"kept-{PLANTED}-token")):
            assert secret.lower() not in text.lower()
        assert len(text) < 600
    assert any(HIDDEN in text for text in said)


# Rotation


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secret"


def test_a_token_that_was_replaced_is_taken_up_when_the_old_one_is_refused(file: Path) -> None:
    """Within the same post: it was refused for certain, so nothing is posted twice."""
    file.write_text("xoxb-old\n")
    token = Credential("xoxb-old", file)
    with SlackStandIn() as standin:
        standin.workspace.add_channel(id=CHANNEL, name="aws-root")
        bot = _bot(token, standin.url)
        standin.workspace.refuses = "token_revoked"
        first = _post(bot)
        assert isinstance(first, DestinationRefused)
        assert first.reason.startswith("token_revoked: the token was revoked: create a new one")
        assert first.reason.endswith(f"; {file} still holds the one that is refused")
        assert f"{file} still holds the one that is refused" in bot.check()[0]
        file.write_text("xoxb-new\n")
        _post(bot)
        assert 2 + 1 + 1 == len(standin.requests), "again with the new one, once"
        assert "xoxb-new" == token.value
        standin.workspace.refuses = None
        assert isinstance(_post(bot), Sent)
        assert () == bot.check()


def test_a_reader_takes_up_a_new_token_too(file: Path) -> None:
    """It may be all that a webhook's token is for."""
    file.write_text("xoxb-new\n")
    token = Credential("xoxb-old", file)
    token._seen = None
    with SlackStandIn() as standin:
        standin.workspace.add_channel(id=CHANNEL, name="aws-root")
        standin.workspace.refuses = "invalid_auth"
        reader = slack_reader(
            token=token,
            secrets=Secrets([token]),
            channel=CHANNEL,
            clock=SystemClock(),
            timeout=SHORT,
            base_url=standin.url,
        )
        with pytest.raises(PermanentError, match="invalid_auth"):
            reader.introduce()
    assert "xoxb-new" == token.value


def test_a_webhook_that_was_replaced_is_taken_up_when_the_old_one_is_gone(file: Path) -> None:
    """And what is no address is not."""
    with SlackStandIn() as standin:
        standin.workspace.add_channel(id=CHANNEL, name="aws-root")
        standin.workspace.add_channel(id="C0OLD", name="old").refuses = "no_active_hooks"
        old = standin.webhook_url("C0OLD")
        file.write_text(old)
        url = Credential(old, file)
        webhook = _webhook(url)
        refused = _post(webhook)
        assert isinstance(refused, DestinationRefused)
        assert "still holds the one that is refused" in refused.reason
        file.write_text("no address")
        refused = _post(webhook)
        assert isinstance(refused, DestinationRefused)
        assert "what it holds now is no such secret" in refused.reason
        file.write_text(standin.webhook_url(CHANNEL))
        assert Sent() == _post(webhook)
        assert 1 == len(standin.messages(CHANNEL))
