"""Slack by bot token: chat.postMessage, and the channel's history as the proof of what was posted."""

import http.client
import json
from datetime import datetime, timedelta

from alertd.clock import Clock
from alertd.destination import Guarantee, Outcome, Reader
from alertd.destination.reason import quoted
from alertd.destination.slack.channel import Channel
from alertd.destination.slack.classify import of_exception, of_web_answer
from alertd.destination.slack.mark import EVENT_TYPE
from alertd.destination.slack.read_back import ChannelReader
from alertd.destination.slack.transport import SLACK, DeadlineWebClient
from alertd.secret import Credential, Secrets


class Slack:
    """A channel of a workspace. Safe to use from one thread at a time."""

    def __init__(
        self,
        *,
        name: str,
        token: Credential,
        secrets: Secrets,
        channel: str,
        clock: Clock,
        timeout: timedelta,
        base_url: str = SLACK,
        proxy: str | None = None,
    ) -> None:
        self.name = name
        self._channel = Channel(channel)
        self._clock = clock
        self._client = DeadlineWebClient(token=token, base_url=base_url, timeout=timeout, proxy=proxy)
        self._secrets = secrets
        self._reader = ChannelReader(self._client, self._channel, clock, secrets)

    @property
    def reader(self) -> Reader | None:
        return self._reader

    @property
    def threads(self) -> bool:
        return True

    @property
    def guarantee(self) -> Guarantee:
        return Guarantee.EXACTLY_ONCE

    def post(self, payload: str, *, delivery_id: str, thread_ts: str | None) -> Outcome:
        message = json.loads(payload)
        body = {
            **message,
            "channel": self._channel.configured,
            "metadata": {"event_type": EVENT_TYPE, "event_payload": {"delivery_id": delivery_id, "v": 1}},
            "unfurl_links": False,
            "unfurl_media": False,
            "link_names": False,
            "parse": "none",
        }
        if thread_ts:
            body["thread_ts"] = thread_ts
        return self._channel.vouch(self._post(body, now=self._clock.now()))

    def _post(self, body: dict[str, object], *, now: datetime) -> Outcome:
        try:
            said = self._client.ask("chat.postMessage", json=body)
        except (OSError, http.client.HTTPException) as error:
            return quoted(of_exception(error), self._secrets)
        outcome = of_web_answer(said.status, said.headers, said.text if said.data is None else said.data, now=now)
        return quoted(outcome, self._secrets, note=self._client.renewal(said))

    def check(self) -> tuple[str, ...]:
        return self._reader.check()


def slack_reader(
    *,
    token: Credential,
    secrets: Secrets,
    channel: str,
    clock: Clock,
    timeout: timedelta,
    base_url: str = SLACK,
    proxy: str | None = None,
) -> ChannelReader:
    """Reads a channel that a webhook posts to."""
    client = DeadlineWebClient(token=token, base_url=base_url, timeout=timeout, proxy=proxy)
    return ChannelReader(client, Channel(channel), clock, secrets)
