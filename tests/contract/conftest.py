"""The stand-in and slack-sdk's two clients, as the tests of it use them."""

from collections.abc import Iterator

import pytest
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from alertd.demo.slack import SlackStandIn
from tests.contract.slack_calls import CHANNEL, PRIVATE, TOKEN


@pytest.fixture
def standin() -> Iterator[SlackStandIn]:
    with SlackStandIn() as slack:
        slack.workspace.add_channel(id=CHANNEL, name="aws-root")
        slack.workspace.add_channel(id=PRIVATE, name="secret", is_private=True)
        yield slack


@pytest.fixture
def web(standin: SlackStandIn) -> WebClient:
    return WebClient(TOKEN, base_url=standin.url, retry_handlers=[], timeout=1)


@pytest.fixture
def hook(standin: SlackStandIn) -> WebhookClient:
    return WebhookClient(standin.webhook_url(CHANNEL), retry_handlers=[], timeout=1)
