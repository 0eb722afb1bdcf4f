"""Reading a channel to learn what was really posted: the only way to settle a send that had no answer."""

import http.client
import re
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any
from urllib.error import URLError

from alertd.clock import Clock
from alertd.destination import Finding, History, Posted, Shown
from alertd.destination.slack.answer import Answer, as_channel, as_ts, moment
from alertd.destination.slack.channel import Channel
from alertd.destination.slack.classify import retry_after
from alertd.destination.slack.mark import ids, ours
from alertd.destination.slack.repair import REPAIR, with_repair
from alertd.destination.slack.transport import SLACK, DeadlineWebClient
from alertd.errors import PermanentError, RetryError
from alertd.secret import Secrets

# Clocks may differ by more than the Date header tells, which has whole seconds and a network between.
MARGIN = timedelta(minutes=5)
# How far back a channel is read where it is not known since when a message may be there.
LONG = timedelta(days=7)
# Slack's most for an app of one's own.
PAGE = 999
# A channel with more than this since the message was frozen is read no further: an error, not an answer.
MOST_PAGES = 200
# Slack answers some 50 reads a minute. Who reads everything waits as told, but not for ever.
MOST_WAITS = 20
LONGEST_WAIT = timedelta(minutes=2)
# Of what others say, in a reason.
MOST_QUOTED = 200
# Slack's are some 60 characters long.
MOST_CURSOR = 1_000

# They stay until somebody does something about them.
_FINAL = frozenset(
    {
        "not_in_channel",
        "channel_not_found",
        "missing_scope",
        "invalid_auth",
        "not_authed",
        "token_expired",
        "token_revoked",
        "account_inactive",
        "is_archived",
    }
)
_TOO_FAST = frozenset({"ratelimited", "rate_limited"})
HTTP_OK, TOO_MANY = 200, 429
# Final, though there is nothing to repair.
_GONE = frozenset({"message_not_found", "cant_delete_message", "thread_not_found"})
_PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
_WORKSPACE = re.compile(r"https?://[A-Za-z0-9.:-]{1,250}/", re.ASCII)


class _TooFastError(RetryError):
    """Slack asks to be left alone for a while."""

    def __init__(self, text: str, wait: timedelta) -> None:
        super().__init__(text)
        self.wait = wait


class ChannelReader:
    """Reads one channel by bot token. Knows the bot's identity and the channel's id once it has asked."""

    def __init__(self, client: DeadlineWebClient, channel: Channel, clock: Clock, secrets: Secrets) -> None:
        self._client = client
        self._secrets = secrets
        self._channel = channel
        self._clock = clock
        self._identity: frozenset[str] = frozenset()
        self._identified = ""  # the token that it is of
        self._workspace_url: str | None = None
        self._slack_ahead = timedelta(0)

    def introduce(self) -> None:
        self._who()
        self._channel_id()

    def find(self, wanted: Mapping[str, str | None], *, since: datetime) -> Finding:
        identity, arguments = self._who(), self._from(self._past(since))
        copies: dict[str, dict[str, Posted]] = {delivery_id: {} for delivery_id in wanted}
        threads = {ts for ts in wanted.values() if ts}
        replies = (self._replies(arguments, ts) for ts in threads)
        for message in chain(self._read("conversations.history", arguments, "messages"), *replies):
            shown = ours(message, self._channel_id(), identity)
            if shown and shown.delivery_id in copies:
                copies[shown.delivery_id][shown.posted.ts] = shown.posted
        self._has_reached(arguments)
        return Finding({name: tuple(sorted(found.values(), key=_ts)) for name, found in copies.items()})

    def history(self, *, since: datetime, threads: Collection[str]) -> History:
        identity, arguments = self._who(), self._from(since)
        found: dict[str, Shown] = {}
        waiting = set(threads)
        for message in self._read("conversations.history", arguments, "messages", patient=True):
            repliers, ts = message.get("reply_users"), as_ts(message.get("ts"))
            if ts and isinstance(repliers, list) and identity & ids(*repliers):
                waiting.add(ts)
            if shown := ours(message, self._channel_id(), identity):
                found[shown.posted.ts] = replace(shown, permalink=self.permalink(shown.posted))
        for ts in sorted(waiting):
            for message in self._replies(arguments, ts, patient=True):
                if shown := ours(message, self._channel_id(), identity):
                    found[shown.posted.ts] = replace(shown, permalink=self.permalink(shown.posted))
        return History(self._channel_id(), tuple(sorted(found.values(), key=lambda shown: _ts(shown.posted))))

    def _past(self, since: datetime) -> datetime:
        """A moment to come was noted by a clock that was ahead: then the channel is read for as long as may matter."""
        return since if since < (now := self._clock.now()) else now - LONG

    def _has_reached(self, arguments: Mapping[str, Any]) -> None:
        """Our clock may have been set since Slack last told its own: what was read from a moment to come is nothing."""
        oldest, now = float(arguments["oldest"]), self._clock.now().timestamp()
        if oldest and oldest > now + self._slack_ahead.total_seconds():
            raise RetryError("conversations.history: was read from a moment that Slack's clock has not reached")

    def _from(self, since: datetime) -> dict[str, object]:
        # never later than `since`: one wrong Date, of a proxy perhaps, must not hide what is there
        skew = min(self._slack_ahead, timedelta(0)) - MARGIN
        oldest = max(since.timestamp() + skew.total_seconds(), 0)
        return {"channel": self._channel_id(), "oldest": f"{oldest:.6f}", "limit": PAGE, "include_all_metadata": True}

    def _replies(self, arguments: Mapping[str, object], ts: str, *, patient: bool = False) -> Iterator[dict[str, Any]]:
        """Of a thread that was deleted whole, none."""
        try:
            yield from self._read("conversations.replies", {**arguments, "ts": ts}, "messages", patient=patient)
        except PermanentError as error:
            if "thread_not_found" not in str(error):
                raise

    def delete(self, posted: Posted) -> None:
        try:
            self._call("chat.delete", {"channel": posted.channel, "ts": posted.ts})
        except PermanentError as error:
            if "message_not_found" not in str(error):
                raise

    def permalink(self, posted: Posted) -> str | None:
        """Built rather than asked for: an alert waits for no further call."""
        if self._workspace_url is None:
            return None
        link = f"{self._workspace_url}archives/{posted.channel}/p{posted.ts.replace('.', '')}"
        return f"{link}?thread_ts={posted.thread_ts}&cid={posted.channel}" if posted.thread_ts else link

    def check(self) -> tuple[str, ...]:
        """Tries what delivering needs, short of posting: identity, scopes, channel, history."""
        try:
            answer = self._call("auth.test", {})
            self._remember(answer)
        except (RetryError, PermanentError) as error:
            return (str(error),)
        problems = list(_missing_scopes(answer))
        try:
            info = self._info()
            if info.get("is_archived"):
                problems.append(f"the channel is archived: {REPAIR['is_archived']}")
            elif info.get("is_member") is False:
                problems.append(f"the bot is not a member of the channel: {REPAIR['not_in_channel']}")
            else:
                self._call("conversations.history", {"channel": self._channel_id(), "limit": 1})
        except (RetryError, PermanentError) as error:
            problems.append(str(error))
        return tuple(dict.fromkeys(problems))

    def _info(self) -> Mapping[str, Any]:
        info = self._call("conversations.info", {"channel": self._channel_id()}).get("channel")
        if not isinstance(info, dict):
            raise RetryError("conversations.info: an answer without channel")
        return info

    def _who(self) -> frozenset[str]:
        """bot_id and user_id of the token's own bot: a copy of our mark by anybody else proves nothing."""
        if self._identified != self._client.token_in_use:
            self._remember(self._call("auth.test", {}))
        return self._identity

    def _remember(self, answer: Answer) -> None:
        found = ids(answer.get("bot_id"), answer.get("user_id"))
        if not found:  # else no message would be ours, and a channel full of them would be an empty one
            raise RetryError("auth.test: an answer that does not say who the bot is")
        # what an earlier token's bot posted is ours as well
        self._identity |= found
        self._identified = self._client.token_in_use
        url = answer.get("url")
        known = isinstance(url, str) and _WORKSPACE.fullmatch(url) and self._secrets.hide(url) == url
        self._workspace_url = url if known else None

    def _channel_id(self) -> str:
        if self._channel.id is None:
            name = self._channel.configured.removeprefix("#")
            arguments = {"types": "public_channel,private_channel", "exclude_archived": False, "limit": PAGE}
            channels = self._read("conversations.list", arguments, "channels")
            self._channel.id = next((as_channel(one.get("id")) for one in channels if one.get("name") == name), None)
        if self._channel.id is None:
            raise PermanentError(
                f"there is no channel {self._channel.configured} that the bot can see: {REPAIR['channel_not_found']}"
            )
        return self._channel.id

    def _read(
        self, method: str, arguments: Mapping[str, object], items: str, *, patient: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Every item of every page; Slack's JSON, not ours to type."""
        cursor, cursors = "", {""}
        for _ in range(MOST_PAGES):
            call = self._patiently if patient else self._call
            answer = call(method, {**arguments, "cursor": cursor} if cursor else arguments)
            found = answer.get(items)
            if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
                raise RetryError(f"{method}: an answer without {items}")
            yield from found
            metadata = answer.get("response_metadata")
            cursor = (metadata.get("next_cursor") if isinstance(metadata, dict) else None) or ""
            if not isinstance(cursor, str) or len(cursor) > MOST_CURSOR:
                raise RetryError(f"{method}: a cursor that is none")
            if not cursor:
                if answer.get("has_more"):
                    raise RetryError(f"{method}: more to come, but no cursor")
                return
            if cursor in cursors:
                raise RetryError(f"{method}: the same cursor twice")
            cursors.add(cursor)
        raise RetryError(f"{method}: more than {MOST_PAGES} pages")

    def _patiently(self, method: str, arguments: Mapping[str, object]) -> Answer:
        for _ in range(MOST_WAITS):
            try:
                return self._call(method, arguments)
            except _TooFastError as error:
                if error.wait > LONGEST_WAIT:
                    raise
                threading.Event().wait(error.wait.total_seconds())
        return self._call(method, arguments)

    def _call(self, method: str, arguments: Mapping[str, object]) -> Answer:
        """The one place where an answer becomes an error: what others had a part in is quoted here."""
        try:
            answer = self._client.ask(method, params=dict(arguments))
        except URLError as error:
            # urllib wraps in it what fails before the request is written whole
            why = getattr(error.reason, "strerror", None) or error.reason
            raise RetryError(
                f"{method}: no connection to {self._client.base_url.rstrip('/')}: {self._quote(why)}"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise RetryError(f"{method}: {type(error).__name__} {self._quote(error)}".rstrip()) from error
        if not answer.is_ok:
            raise self._failure(method, answer)
        self._compare_clocks(answer)
        return answer

    def _failure(self, method: str, answer: Answer) -> RetryError | PermanentError:
        word, status = answer.word, answer.status
        if status == TOO_MANY or word in _TOO_FAST:
            said = self._quote(word) or TOO_MANY
            return _TooFastError(f"{method}: {said}", retry_after(answer.headers, now=self._clock.now()))
        if not word:
            said = self._quote(answer.text)
            text = f"{method}: HTTP {status}, an answer that is not Slack's: {said}".removesuffix(": ")
            base_url = self._client.base_url.rstrip("/")
            return RetryError(text if base_url == SLACK.rstrip("/") else f"{text}: check base_url ({base_url})")
        needed = answer.get("needed")
        hint = f" (needs {self._quote(needed)})" if isinstance(needed, str) else ""
        renewal = self._client.renewal(answer)
        text = f"{method}: {self._quote(word)}{hint}" + (f"; {renewal}" if renewal else "")
        if status != HTTP_OK or word in _PASSING or word not in _FINAL | _GONE:
            return RetryError(text)
        return PermanentError(with_repair(text, word))

    def _quote(self, said: object) -> str:
        return self._secrets.quote(said, most=MOST_QUOTED)

    def _compare_clocks(self, answer: Answer) -> None:
        date = moment(answer.header("date") or "")
        if date:
            self._slack_ahead = date - self._clock.now()


def _missing_scopes(answer: Answer) -> Iterator[str]:
    text = answer.header("x-oauth-scopes")
    if text is None:
        return
    scopes = {scope.strip() for scope in text.split(",")}
    if "chat:write" not in scopes:
        yield "the token lacks the scope chat:write: it cannot post"
    if not scopes & {"channels:history", "groups:history"}:
        yield "the token lacks the scope channels:history (groups:history for a private channel): it cannot read back"


def _ts(posted: Posted) -> tuple[int, str]:
    return len(posted.ts), posted.ts
