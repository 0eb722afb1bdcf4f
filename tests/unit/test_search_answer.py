"""Whatever a server answers, alertd ends up with the whole of it or with one of its own errors."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.errors import AlertdError, PartialError, PermanentError, RetryError
from alertd.search.answer import check_whole, hits, of_failure, reason
from alertd.search.connection import Connection
from alertd.search.exchange import Exchange
from alertd.secret import Secrets
from alertd.secret.hide import MOST_QUOTED

WHERE = "index logs-*"
NOTHING = Secrets()
ODD: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-1, 9) | st.floats(allow_nan=False) | st.text(max_size=9)
)
ODD |= st.lists(ODD, max_size=2) | st.dictionaries(st.text(max_size=3), ODD, max_size=2)


def shaped(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """As the servers shape it, but any part may be missing, or something else."""
    optional = {name: value | ODD for name, value in fields.items()}
    return st.fixed_dictionaries({}, optional=optional) | ODD


KIND = st.sampled_from(["search_phase_execution_exception", "search_context_missing_exception", "parse_exception"])
CAUSE = shaped(type=KIND, reason=st.text(), caused_by=shaped(type=KIND, reason=st.text()))
FAILURE = shaped(shard=st.just(0), index=st.just("logs-1"), reason=CAUSE)
ERROR = shaped(
    error=shaped(
        type=KIND, reason=st.text(), root_cause=st.lists(CAUSE), failed_shards=st.lists(FAILURE), caused_by=CAUSE
    )
)
COUNT = st.integers(0, 3)
SHARDS = shaped(total=COUNT, successful=COUNT, failed=COUNT, failures=st.lists(FAILURE))
CLUSTERS = shaped(total=COUNT, successful=COUNT, details=shaped(eu=shaped(status=st.just("skipped"))))
HIT = shaped(
    _index=st.text(),
    _id=st.text(),
    _source=shaped(n=ODD),
    fields=shaped(n=st.lists(ODD)),
    matched_queries=st.lists(ODD),
)
ANSWER = shaped(timed_out=st.booleans(), _shards=SHARDS, _clusters=CLUSTERS, hits=shaped(hits=st.lists(HIT)))

NO_INDEX = {"error": {"type": "index_not_found_exception", "reason": "no such index [es]"}}


@given(status=st.integers(300, 599), body=ERROR)
def test_any_failure_becomes_an_error_for_people(status: int, body: object) -> None:
    """With its status and its place, on one line, of bounded length."""
    error = of_failure(status, body, WHERE, NOTHING)
    assert isinstance(error, (RetryError, PermanentError, PartialError))
    text = str(error)
    assert WHERE in text
    assert len(text) < MOST_QUOTED + 200
    assert "\n" not in text


@given(answer=ANSWER)
def test_any_answer_is_whole_or_an_error(answer: Any) -> None:
    """Odd JSON is no reason to crash."""
    with suppress(AlertdError):
        check_whole(answer, WHERE, NOTHING)
        assert answer["_shards"]["successful"] >= answer["_shards"]["total"]
        hits(answer, WHERE, NOTHING, most=9)


def test_the_reason_is_the_innermost_with_its_index() -> None:
    """The outer ones say that something failed; this one says what to change."""
    body = {
        "error": {
            "type": "search_phase_execution_exception",
            "reason": "all shards failed",
            "root_cause": [
                {"type": "query_shard_exception", "reason": "Failed to parse query [a:(]", "index": "logs-1"}
            ],
            "failed_shards": [
                {
                    "index": "logs-1",
                    "reason": {
                        "type": "query_shard_exception",
                        "reason": "Failed to parse query [a:(]",
                        "caused_by": {
                            "type": "parse_exception",
                            "reason": "Cannot parse 'a:('",
                            "caused_by": {
                                "type": "parse_exception",
                                "reason": 'Encountered "<EOF>" at line 1.\nWas expecting one of:\n    <NOT> ...\n',
                            },
                        },
                    },
                }
            ],
        }
    }
    expected = 'query_shard_exception: Failed to parse query [a:(]: Encountered "<EOF>" at line 1. [logs-1]'
    assert expected == reason(body, NOTHING)


def test_shards_that_were_skipped_did_answer() -> None:
    """The server knew without looking that nothing in them could match."""
    shards = {"total": 5, "successful": 5, "skipped": 4, "failed": 0}
    check_whole({"timed_out": False, "_shards": shards, "hits": {"hits": []}}, WHERE, NOTHING)


@pytest.mark.parametrize(
    ("connection", "status", "body", "said", "unsaid"),
    [
        (Connection(proxy="http://u:p@proxy:3128"), 407, "", "user and password in elasticsearch.proxy", "in between"),
        (Connection(), 407, "<html>who?</html>", "a proxy in between", "password"),
        (Connection(("https://x:9200/es/",)), 404, NO_INDEX, "Check the path /es in elasticsearch.url too", "its path"),
        (Connection(("https://x:9200/",)), 404, NO_INDEX, "no index of this name: check the key index", "the path"),
        (Connection(("https://x:9200/es",)), 404, "<html>", "elasticsearch.url, with its path", "/es in"),
        (Connection(), 429, {"error": {"type": "es_rejected_execution_exception", "reason": None}}, "429 es_", "None"),
        (Connection(), 500, {"error": {"reason": "no type"}}, "500 no type", "None"),
    ],
)
def test_the_advice_is_about_what_is_configured(
    connection: Connection, status: int, body: object, said: str, unsaid: str
) -> None:
    """A proxy that nobody configured has no password there, and a path can be wrong only where there is one."""
    text = str(Exchange(connection).failure(status, body, WHERE))
    assert said in text
    assert unsaid not in text


@pytest.mark.parametrize("answer", ["<html>Kibana</html>", [], {}, None])
def test_an_answer_of_something_else_sends_to_the_address(answer: object) -> None:
    """As a 404 without a search server's error does."""
    with pytest.raises(RetryError, match=r"not a search server's .*: check elasticsearch.url, with its path"):
        check_whole(answer, WHERE, NOTHING)
