"""Settings → the parts of a running alertd. The only place where they are put together."""

import random
import uuid
from collections.abc import Sequence
from datetime import time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from alertd.clock import Clock, SteadyClock
from alertd.config.destination import DestinationTable, EmailDestination, SlackDestination, WebhookDestination
from alertd.config.model import Elasticsearch, Settings
from alertd.config.model import Source as SourceTable
from alertd.deliver.batch import Batch, Renderers
from alertd.deliver.courier import Courier
from alertd.deliver.reconcile import Reconciler
from alertd.deliver.verdict import Doubt, OnUnknown
from alertd.destination import Destination
from alertd.destination.email.smtp import PORTS, Email, Security
from alertd.destination.slack.bot import Slack, slack_reader
from alertd.destination.slack.webhook import SlackWebhook
from alertd.event.account import Account
from alertd.event.profile import load_profile
from alertd.ledger import Ledger
from alertd.ledger.model import Message, MessageKind, Notification
from alertd.ledger.sqlite import SqliteLedger
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
from alertd.ops.backlog import Backlog
from alertd.ops.daily import Daily, Feed
from alertd.ops.dead_feed import Silence
from alertd.ops.trouble import Troubles
from alertd.poll.scan import Poll, Source
from alertd.poll.ticks import Watch
from alertd.rules.load import Surroundings, find_rule_files, load_rules
from alertd.rules.model import RuleSet
from alertd.rules.route import Route, Routing
from alertd.run.schedule import Job
from alertd.search import SearchClient
from alertd.search.connection import Connection, connect

BACKLOG_EVERY = timedelta(seconds=30)
DAILY_EVERY = timedelta(minutes=1)
OFF = "off"


def rule_sets(settings: Settings) -> tuple[RuleSet, ...]:
    """ConfigError with every mistake in every rule file."""
    base = settings.path.absolute().parent
    return load_rules(find_rule_files(base, settings.rules.paths), surroundings(settings))


def surroundings(settings: Settings) -> Surroundings:
    return Surroundings(
        sources=settings.sources.keys(),
        destinations=settings.alert_destinations,
        not_for_alerts=settings.destinations.keys() - set(settings.alert_destinations),
        default_notify=settings.rules.notify or settings.alert_destinations,
        check_template=_check_template,
        runbook_base=settings.rules.runbook_base,
    )


def _check_template(text: str) -> str | None:
    from alertd.message.template import check_template  # noqa: PLC0415 Jinja2 costs memory: only where a rule has one

    return check_template(text)


def search_client(table: Elasticsearch) -> SearchClient:
    """Connects: RetryError, PermanentError."""
    connection = Connection(
        urls=table.url,
        cloud_id=table.cloud_id,
        api_key=table.api_key.get_secret_value() if table.api_key else None,
        username=table.username,
        password=table.password.get_secret_value() if table.password else None,
        ca_file=table.ca_file,
        client_cert_file=table.client_cert_file,
        client_key_file=table.client_key_file,
        proxy=table.proxy,
        timeout=table.timeout,
    )
    return connect(connection, flavor=table.flavor)


def source(name: str, table: SourceTable, timeout: timedelta) -> Source:
    return Source(
        name=name,
        index=table.index,
        profile=load_profile(table.profile),
        time_fields=table.time_fields,
        ingest_field=table.ingest_field,
        look_back=table.look_back,
        overlap=table.overlap,
        ingest_overlap=table.ingest_overlap,
        page_size=table.page_size,
        timeout=timeout,
    )


def watches(
    settings: Settings, sets: Sequence[RuleSet], ledger: Ledger, *, clock: Clock, troubles: Troubles
) -> tuple[Watch, ...]:
    """One for each source that a rule set uses."""

    def watch(name: str, table: SourceTable) -> Watch:
        poll = Poll(
            source=source(name, table, settings.elasticsearch.timeout),
            rule_sets=tuple(rule_set for rule_set in sets if rule_set.source == name),
            connect=partial(search_client, settings.elasticsearch),
            ledger=ledger,
            clock=clock,
            troubles=troubles,
            route=routing(settings),
        )
        return Watch(name, table.interval, table.sweep_interval, poll, clock, troubles)

    used = {rule_set.source for rule_set in sets}
    return tuple(watch(name, table) for name, table in settings.sources.items() if name in used)


def destination(name: str, table: DestinationTable, *, clock: Clock) -> Destination:
    if isinstance(table, EmailDestination):
        return Email(
            name=name,
            host=table.host,
            port=table.port or PORTS[Security(table.security)],
            security=Security(table.security),
            username=table.username,
            password=table.password.get_secret_value() if table.password else None,
            sender=table.sender,
            recipients=table.to,
            ca_file=table.ca_file,
            timeout=table.timeout,
            clock=clock,
        )
    if isinstance(table, SlackDestination):
        return Slack(
            name=name,
            token=table.token.get_secret_value(),
            channel=table.channel,
            clock=clock,
            timeout=table.timeout,
            base_url=f"{table.base_url}/",
            proxy=table.proxy,
        )
    reader = None
    if table.verify_token and table.channel:
        reader = slack_reader(
            token=table.verify_token.get_secret_value(),
            channel=table.channel,
            clock=clock,
            timeout=table.timeout,
            base_url=f"{table.base_url}/",
            proxy=table.proxy,
        )
    return SlackWebhook(
        name=name,
        url=table.url.get_secret_value(),
        clock=clock,
        timeout=table.timeout,
        proxy=table.proxy,
        reader=reader,
        hold=table.on_unknown == "hold",
    )


def accounts(settings: Settings) -> dict[str, Account]:
    return {number: Account(number, **dict(table)) for number, table in settings.accounts.items()}


def routing(settings: Settings) -> Routing:
    places = [f"{settings.path.name}, [[routes]] number {number}" for number in range(1, len(settings.routes) + 1)]
    return Routing(
        [Route(**dict(table), where=where) for table, where in zip(settings.routes, places, strict=True)],
        accounts(settings),
    )


def style(settings: Settings) -> Style:
    return Style(
        accounts=accounts(settings),
        timezone=ZoneInfo(settings.message.timezone),
        discover_url=settings.message.discover_url,
        discover_data_view=settings.message.discover_data_view,
        expected=tuple(Expected(**dict(table)) for table in settings.expected),
    )


def couriers(settings: Settings, ledger: Ledger, *, clock: Clock, troubles: Troubles) -> tuple[Courier, ...]:
    """One for each destination."""
    look = style(settings)
    # deadlines must not move with the wall clock; Slack's history is read by the same clock
    steady = SteadyClock(clock)
    made = []
    for name, table in settings.destinations.items():
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

    def baseline(notifications: Sequence[Notification], delivery_id: str) -> str:
        return render_baseline(notifications, style=look, delivery_id=delivery_id, look_back=look_back)

    def echo(notification: Notification, delivery_id: str) -> str:
        return render_echo(notification, style=look, delivery_id=delivery_id)

    return Renderers(event, digest, session, baseline, echo, render_minimal)


def troubles(settings: Settings, ledger: Ledger, *, clock: Clock, over_after: timedelta | None = None) -> Troubles:
    """What is wrong goes to the log, and to the ops destination if there is one."""
    ops = settings.ops
    tell = partial(ops_message, ops.notify, clock) if ops.notify else None
    return Troubles(clock, ledger, tell, over_after=ops.over_after if over_after is None else over_after)


def chores(
    settings: Settings, sets: Sequence[RuleSet], ledger: SqliteLedger, *, clock: Clock, troubles: Troubles
) -> tuple[Job, ...]:
    """What looks for trouble beside poll and deliver, and the daily line."""
    ops, used = settings.ops, {rule_set.source: settings.sources[rule_set.source] for rule_set in sets}
    reach = partial(search_client, settings.elasticsearch)
    searched = {rule_set.id: (rule_set.source, used[rule_set.source].interval) for rule_set in sets}
    backlog = Backlog(ledger, clock, troubles, tuple(settings.destinations), searched, ops.backlog_after)
    jobs = [Job("backlog", BACKLOG_EVERY, backlog.look)]
    for name, table in used.items():
        if table.silent_after:
            watched = Silence(name, table.index, table.time_fields, table.silent_after, reach, clock, troubles)
            jobs.append(Job(f"silence {name}", table.sweep_interval, watched.look))
    if ops.notify and ops.daily != OFF:
        at, zone = time.fromisoformat(ops.daily), ZoneInfo(settings.message.timezone)
        feeds = [_feed(table) for table in used.values()]
        daily = Daily(at, zone, feeds, reach, ledger, clock, partial(ops_message, ops.notify, clock))
        jobs.append(Job("daily", DAILY_EVERY, daily.look))
    return tuple(jobs)


def _feed(table: SourceTable) -> Feed:
    profile = load_profile(table.profile)
    accounts = tuple(dict.fromkeys(".".join(path) for path in profile.paths.get("account", ())))
    return Feed(table.index, table.time_fields, accounts, profile.account_digits)


def ops_message(name: str, clock: Clock, text: str, over: bool) -> Message:  # noqa: FBT001 good news or bad: Troubles' protocol
    delivery_id = new_delivery_id()
    payload = render_ops(text, delivery_id=delivery_id, over=over)
    return Message(delivery_id, name, MessageKind.OPS, payload, created_at=clock.now())


def new_delivery_id() -> str:
    return uuid.uuid4().hex
