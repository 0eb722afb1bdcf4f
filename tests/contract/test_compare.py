"""A comparison judges as the tests of rules do, though it asks about each kind of event once, and in parts."""

import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from alertd.rules.files import find_rule_files
from alertd.rules.load import Surroundings, load_rules
from alertd.rules.model import RuleSet
from alertd.search.connect import connect
from alertd.search.connection import Connection
from alertd.trial.compare import Line, Tally, compare
from alertd.trial.panel import Server
from tests.servers.filling import drop_index, fill_index
from tests.servers.running import SearchServer

HOUSE = Path(__file__).parents[2]
AROUND = Surroundings(None, None, (), lambda _: None)


def _happened(document: Mapping[str, object]) -> datetime:
    return datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def server(search_server: SearchServer) -> Iterator[Server]:
    client = connect(Connection(urls=(search_server.url,)))
    fill, drop = partial(fill_index, search_server), partial(drop_index, search_server)
    yield Server(client, client.server().flavor, fill, drop)
    client.close()


def _expected(rule_set: RuleSet) -> dict[str, str | None]:
    """What the shipped tests say of each event, and those tests pass on every server: the rule that takes it."""
    expected: dict[str, str | None] = {}
    for rule in rule_set.rules:
        for test in rule.tests:
            taker = {"match": rule.id, "no match": None, "exception": None}.get(test.expect, test.expect)
            expected |= {json.dumps(sample.document): taker for sample in test.samples}
    return expected


def test_every_event_of_the_shipped_tests_is_judged_as_its_test_says(server: Server) -> None:
    """In any order, some twice: an answer that is remembered is the answer for another event that looks the same."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    for rule_set in load_rules(find_rule_files(HOUSE, ["rules/*.toml"]), AROUND):
        expected = _expected(rule_set)
        lines = [Line(str(number), text) for number, text in enumerate([*expected, *expected])]
        random.Random(seed).shuffle(lines)
        tally = Tally()
        changes = list(compare([], [rule_set], lines, server, happened=_happened, tally=tally))
        judged = {change.where: change.after for change in changes}
        wanted = {line.where: (taker,) for line in lines if (taker := expected[line.text])}
        assert wanted == judged
        assert {"adds"} == {change.kind for change in changes}
        assert (len(lines), {}, {}) == (tally.events, tally.refused, tally.broken)
