"""Slack by incoming webhook: it answers "ok" and tells nothing more, so an unknown send can only be marked or held."""

import http.client
import json
from datetime import datetime, timedelta

from alertd.clock import Clock
from alertd.destination import DestinationRefused, Guarantee, Outcome, Reader
from alertd.destination.reason import quoted
from alertd.destination.slack.classify import of_exception, of_webhook_answer
from alertd.destination.slack.read_back import ChannelReader
from alertd.destination.slack.transport import REFUSALS, DeadlineWebhookClient
from alertd.secret import Credential, Secrets
from alertd.toml.value import is_address


class SlackWebhook:
    """An incoming webhook; with a bot token of the same workspace beside it, its channel can be read back."""

    def __init__(
        self,
        *,
        name: str,
        url: Credential,
        secrets: Secrets,
        clock: Clock,
        timeout: timedelta,
        proxy: str | None = None,
        reader: ChannelReader | None = None,
        hold: bool = False,
    ) -> None:
        self.name = name
        self._clock = clock
        self._url = url
        self._secrets = secrets
        self._client = DeadlineWebhookClient(url=url, timeout=timeout, proxy=proxy)
        self._reader = reader
        self._hold = hold

    @property
    def reader(self) -> Reader | None:
        return self._reader

    @property
    def threads(self) -> bool:
        return False  # a webhook does not tell the ts of what it posted

    @property
    def guarantee(self) -> Guarantee:
        if self._reader:
            return Guarantee.EXACTLY_ONCE
        return Guarantee.AT_MOST_ONCE if self._hold else Guarantee.REPEATS_MARKED

    def post(self, payload: str, *, delivery_id: str, thread_ts: str | None) -> Outcome:  # noqa: ARG002 the mark is in the payload's block_id
        body = json.loads(payload)
        return self._post({**body, "unfurl_links": False, "unfurl_media": False}, now=self._clock.now())

    def _post(self, body: dict[str, object], *, now: datetime) -> Outcome:
        used = self._url.value
        outcome, status = self._try(body, used, now=now)
        refuses = isinstance(outcome, DestinationRefused)
        note = ""
        # the address may have been replaced; only what is refused for certain is posted again
        if refuses or status in REFUSALS:
            if self._url.renew(used, fits=is_address) and refuses:
                outcome, _ = self._try(body, self._url.value, now=now)
            note = self._url.renewal
        return quoted(outcome, self._secrets, note=note)

    def _try(self, body: dict[str, object], url: str, *, now: datetime) -> tuple[Outcome, int]:
        self._client.url = url
        try:
            said = self._client.send_dict(body)
        except (OSError, http.client.HTTPException) as error:
            return of_exception(error), 0
        return of_webhook_answer(said.status_code, said.headers, said.body, now=now), said.status_code

    def check(self) -> tuple[str, ...]:
        """A webhook cannot be tried without posting; its reader can."""
        return self._reader.check() if self._reader else ()
