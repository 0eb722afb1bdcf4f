"""What a source as a whole is asked, on each real search server and the embedded one."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from alertd.errors import PermanentError
from alertd.ops.daily import within
from alertd.search import SearchClient
from tests.contract.test_search import client, create, pattern, send  # noqa: F401 fixtures
from tests.servers.running import SearchServer

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DATES = {"properties": {"@timestamp": {"type": "date"}, "made": {"type": "date_nanos"}}}


def fill(server: SearchServer, pattern: str, *documents: Mapping[str, object]) -> None:  # noqa: F811
    """A second index, in which texts are mapped as they come."""
    index = pattern.replace("*", "2")
    create(server, index, mapping=DATES)
    lines = [text for document in documents for text in ('{"index": {}}', json.dumps(document))]
    answer = send(server, "POST", f"/{index}/_bulk?refresh=true", "\n".join([*lines, ""]), kind="application/x-ndjson")
    assert isinstance(answer, dict)
    assert not answer["errors"], answer


def test_the_newest_document_is_the_last_that_is_not_in_the_future(
    search_server: SearchServer,
    client: SearchClient,  # noqa: F811
    pattern: str,  # noqa: F811
) -> None:
    """Also by a time in nanoseconds; an index that lacks the field is no mistake."""
    assert client.newest(pattern, "@timestamp") is None
    times = [NOW - HOUR, NOW - 20 * DAY, NOW + DAY]
    documents = [{"@timestamp": time.isoformat(), "made": (time - HOUR).isoformat()} for time in times]
    fill(search_server, pattern, *documents)
    assert NOW - HOUR == client.newest(pattern, "@timestamp")
    assert NOW - 2 * HOUR == client.newest(pattern, "made")
    assert client.newest(pattern, "nowhere") is None


def test_the_values_of_fields_are_told_of_the_documents_that_match(
    search_server: SearchServer,
    client: SearchClient,  # noqa: F811
    pattern: str,  # noqa: F811
) -> None:
    """Texts by their keyword, numbers as text; a field that no index has adds nothing."""
    documents: list[dict[str, object]] = [
        {"@timestamp": NOW.isoformat(), "account": "111122223333"},
        {"@timestamp": (NOW - HOUR).isoformat(), "account": "111122223333", "other": 444455556666},
        {"@timestamp": (NOW - DAY).isoformat(), "account": "777788889999"},
    ]
    fill(search_server, pattern, *documents)
    fields = ("account", "other", "nowhere")
    lately = within(("@timestamp",), NOW - 2 * HOUR, NOW + HOUR)
    assert {"111122223333", "444455556666"} == client.distinct(pattern, lately, fields)
    assert {"777788889999"} == client.distinct(pattern, within(("@timestamp",), NOW - DAY, NOW - HOUR), fields)
    assert 3 == len(client.distinct(pattern, {"match_all": {}}, fields))
    assert frozenset() == client.distinct(pattern, lately, ("nowhere",))


def test_a_missing_index_is_no_silence(client: SearchClient) -> None:  # noqa: F811
    """It has no newest document either, but for another reason."""
    with pytest.raises(PermanentError, match="index_not_found"):
        client.newest("missing-*", "@timestamp")
    with pytest.raises(PermanentError, match=r"no such index|index_not_found"):
        client.distinct("missing-*", {"match_all": {}}, ("account",))
