"""Settings → the search client, and what polls each source."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from alertd.clock import Clock
from alertd.compose.rules import routing
from alertd.config.model import Elasticsearch, Settings, secrets_of
from alertd.config.model import Source as SourceTable
from alertd.event.profile import load_profile
from alertd.ledger import Ledger
from alertd.ops.daily import Feed
from alertd.ops.trouble import Troubles
from alertd.poll.scan import Poll
from alertd.poll.source import Source
from alertd.poll.ticks import Watch
from alertd.rules.model import RuleSet
from alertd.search import SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from alertd.secret import Secrets
from alertd.toml.value import credential


def search_client(table: Elasticsearch) -> SearchClient:
    """Connects: RetryError, PermanentError."""
    connection = Connection(
        urls=table.url,
        cloud_id=table.cloud_id,
        api_key=credential(table.api_key) if table.api_key else None,
        username=table.username,
        password=credential(table.password) if table.password else None,
        ca_file=table.ca_file,
        client_cert_file=table.client_cert_file,
        client_key_file=table.client_key_file,
        proxy=table.proxy,
        timeout=table.timeout,
        secrets=Secrets(secrets_of(table)),
    )
    return connect(connection, flavor=table.flavor)


def source(name: str, table: SourceTable, timeout: timedelta) -> Source:
    return Source(
        name=name,
        index=table.index,
        profile=load_profile(table.profile, times=table.time_fields),
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


def feed(table: SourceTable) -> Feed:
    profile = load_profile(table.profile)
    accounts = tuple(dict.fromkeys(".".join(path) for path in profile.paths.get("account", ())))
    return Feed(table.index, table.time_fields, accounts, profile.account_digits)
