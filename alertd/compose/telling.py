"""Settings → destinations, what messages look like, and who delivers them."""

import random
import uuid
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from zoneinfo import ZoneInfo

from alertd.clock import Clock, SteadyClock
from alertd.config.accounts import known_accounts
from alertd.config.destination import DestinationTable, EmailDestination, SlackDestination, WebhookDestination
from alertd.config.model import Settings, secrets_of
from alertd.deliver.batch import Batch, Renderers
from alertd.deliver.courier import Courier
from alertd.deliver.reconcile import Reconciler
from alertd.deliver.verdict import Doubt, OnUnknown
from alertd.destination import Destination
from alertd.destination.email.smtp import PORTS, Email, Security
from alertd.destination.slack.bot import Slack, slack_reader
from alertd.destination.slack.webhook import SlackWebhook
from alertd.ledger import Ledger
from alertd.ledger.model import Message, MessageKind, Notification
from alertd.message import (
    Expected,
    Style,
    mark_repeat,
    render_baseline,
    render_digest,
    render_echo,
    render_event,
    render_minimal,
    render_ops,
    render_session,
)
from alertd.ops.trouble import Troubles
from alertd.secret import Secrets
from alertd.toml.value import credential


def destination(name: str, table: DestinationTable, *, clock: Clock) -> Destination:
    secrets = Secrets(secrets_of(table))
    if isinstance(table, EmailDestination):
        return Email(
            name=name,
            host=table.host,
            port=table.port or PORTS[Security(table.security)],
            security=Security(table.security),
            username=table.username,
            password=credential(table.password) if table.password else None,
            secrets=secrets,
            sender=table.sender,
            recipients=table.to,
            ca_file=table.ca_file,
            timeout=table.timeout,
            clock=clock,
        )
    if isinstance(table, SlackDestination):
        return Slack(
            name=name,
            token=credential(table.token),
            secrets=secrets,
            channel=table.channel,
            clock=clock,
            timeout=table.timeout,
            base_url=f"{table.base_url}/",
            proxy=table.proxy,
        )
    reader = None
    if table.verify_token and table.channel:
        reader = slack_reader(
            token=credential(table.verify_token),
            secrets=secrets,
            channel=table.channel,
            clock=clock,
            timeout=table.timeout,
            base_url=f"{table.base_url}/",
            proxy=table.proxy,
        )
    return SlackWebhook(
        name=name,
        url=credential(table.url),
        secrets=secrets,
        clock=clock,
        timeout=table.timeout,
        proxy=table.proxy,
        reader=reader,
        hold=table.on_unknown == "hold",
    )


def style(settings: Settings) -> Style:
    return Style(
        accounts=known_accounts(settings),
        timezone=ZoneInfo(settings.message.timezone),
        discover_url=settings.message.discover_url,
        discover_data_view=settings.message.discover_data_view,
        expected=tuple(Expected(**dict(table)) for table in settings.expected),
    )


def couriers(settings: Settings, ledger: Ledger, *, clock: Clock, troubles: Troubles) -> tuple[Courier, ...]:
    """One for each destination."""
    look = style(settings)
    made = []
    for name, table in settings.destinations.items():
        # each moves its deadlines with it; Slack's history is read by the same clock
        steady = SteadyClock(clock)
        target = destination(name, table, clock=steady)
        made.append(
            Courier(
                destination=target,
                ledger=ledger,
                clock=steady,
                batch=Batch(ledger, name, target.threads, renderers(look, settings), new_delivery_id),
                reconciler=Reconciler(
                    destination=target,
                    ledger=ledger,
                    clock=steady,
                    doubt=_doubt(table, readable=target.reader is not None),
                    mark_repeat=partial(mark_repeat, style=look),
                    troubles=troubles,
                ),
                troubles=troubles,
                random=random.Random(),  # noqa: S311 spreads pauses
            )
        )
    return tuple(made)


def _doubt(table: DestinationTable, *, readable: bool) -> Doubt:
    if isinstance(table, EmailDestination):
        return Doubt(readable)
    on_unknown = OnUnknown(table.on_unknown) if isinstance(table, WebhookDestination) else OnUnknown.RESEND_MARKED
    return Doubt(readable, on_unknown, table.settle, table.max_doubt)


def renderers(look: Style, settings: Settings) -> Renderers:
    look_back = max(table.look_back for table in settings.sources.values())

    def event(notification: Notification, delivery_id: str) -> str:
        return render_event(notification, style=look, delivery_id=delivery_id)

    def digest(notifications: Sequence[Notification], delivery_id: str) -> tuple[str, int]:
        return render_digest(notifications, style=look, delivery_id=delivery_id)

    def session(notifications: Sequence[Notification], delivery_id: str) -> tuple[str, int]:
        return render_session(notifications, style=look, delivery_id=delivery_id)

    def baseline(newest: Sequence[Notification], number: int, delivery_id: str) -> str:
        return render_baseline(newest, number, style=look, delivery_id=delivery_id, look_back=look_back)

    def echo(notification: Notification, delivery_id: str) -> str:
        return render_echo(notification, style=look, delivery_id=delivery_id)

    return Renderers(event, digest, session, baseline, echo, render_minimal)


def troubles(settings: Settings, ledger: Ledger, *, clock: Clock, over_after: timedelta | None = None) -> Troubles:
    """What is wrong goes to the log, and to the ops destination if there is one."""
    ops = settings.ops
    tell = partial(ops_message, ops.notify, clock) if ops.notify else None
    return Troubles(clock, ledger, tell, over_after=ops.over_after if over_after is None else over_after)


def ops_message(name: str, clock: Clock, text: str, over: bool) -> Message:  # noqa: FBT001 good news or bad: Troubles' protocol
    delivery_id = new_delivery_id()
    payload = render_ops(text, delivery_id=delivery_id, over=over)
    return Message(delivery_id, name, MessageKind.OPS, payload, created_at=clock.now())


def new_delivery_id() -> str:
    return uuid.uuid4().hex
