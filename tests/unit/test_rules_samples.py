"""Events in a text whose name does not say what it is."""

from pathlib import Path

import pytest

from alertd.rules.samples import SampleError, parse_samples, read_samples


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ('{"a": 1}', ["stdin"]),
        ('\n{\n  "a": 1\n}\n', ["stdin"]),
        ('[{"a": 1}, {"b": 2}]', ["stdin, event 1", "stdin, event 2"]),
        ('[\n{"a": 1},\n{"b": 2}\n]', ["stdin, event 1", "stdin, event 2"]),
        ('{"a": 1}\n\n{"b": 2}\n', ["stdin:1", "stdin:3"]),
    ],
)
def test_one_event_a_list_or_one_in_each_line(text: str, places: list[str]) -> None:
    """Whichever it is, each event knows its place."""
    assert places == [sample.where for sample in parse_samples(text, "stdin")]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "stdin holds no event"),
        (" \n", "stdin holds no event"),
        ('{"a": NaN}', "stdin is not JSON: NaN is no number"),
        ('{"_index": "i", "_id": "1", "_source": {"a": 1}}', 'stdin is a hit of a search, .* "_source" alone'),
        ('{"a": 1}\n{"_index": "i", "_source": {}}', "stdin:2 is a hit of a search"),
        ('{"Records": [{"a": 1}]}', 'stdin is a log file of CloudTrail, not an event: write the list "Records" alone'),
        ('{"Events": [{"EventId": "1", "CloudTrailEvent": "{}"}]}', "lookup-events answers, .* fromjson"),
        ('{"EventId": "1", "CloudTrailEvent": "{}"}', "an entry of aws cloudtrail lookup-events, .* fromjson"),
        ('[{"a": 1}, {"EventId": "1", "CloudTrailEvent": "{}"}]', "stdin, event 2 is an entry of aws cloudtrail"),
        ('{"events": [{"message": "{}", "timestamp": 1}]}', "filter-log-events answers, .* fromjson"),
        ('{"entries": [{"logName": "l"}], "nextPageToken": ""}', 'entries.list answers, .* the list "entries" alone'),
        ('{"took": 3, "hits": {"hits": []}}', 'the answer to a search, not an event: write the "_source" of one hit'),
        ('{"hits": {"hits": [{"_source": {"a": 1}}]}}', "the answer to a search, not an event"),
        ('{"hits": {"hits": []}}', "the answer to a search, not an event"),
        ('{"hits": [{"_index": "i", "_source": {"a": 1}}]}', "the answer to a search, not an event"),
        ('{"total": 1, "hits": [{"_source": {"a": 1}}]}', "the answer to a search, not an event"),
        ('{"rawResponse": {"took": 1, "hits": {"hits": []}}}', "the answer to a search, not an event"),
        ('{"responses": [{"took": 1, "hits": {"hits": []}}]}', "the answer to several searches, not an event"),
        ('{"docs": [{"_index": "i", "_source": {"a": 1}}]}', "the answer to several searches, not an event"),
        ('{"_id": "1", "_source": {"a": 1}}', 'a hit of a search, not an event: write its "_source" alone'),
        ('{"_index": "i", "_id": "1", "fields": {"a": [1]}}', "a hit of a search without its event"),
        ("[" * 200_000, "stdin is nested too deeply$"),
        ('{"a":' * 200_000, "stdin is nested too deeply$"),
        ('{"a": 1}\n{"b": 2', "stdin:2 is not JSON"),
        ('{\n"a": 1,\n}', "stdin is not JSON: Illegal trailing comma|stdin is not JSON: Expecting property name"),
        ("[]", "stdin holds no event"),
        ('"text"', "stdin must be an event"),
    ],
)
def test_what_is_no_event_says_where(text: str, what: str) -> None:
    """Lines by their number."""
    with pytest.raises(SampleError, match=what):
        list(parse_samples(text, "stdin"))


def test_events_in_lines_need_a_name_that_says_so(tmp_path: Path) -> None:
    """The name of the file decides how it is read: what is wrong is the name."""
    path = tmp_path / "events.json"
    path.write_text('{"a": 1}\n{"b": 2}\n')
    with pytest.raises(SampleError, match=r"events.json is not JSON: it has one event a line, .* \.ndjson or \.jsonl"):
        list(read_samples(path, "events.json"))


def test_an_event_may_have_a_field_named_like_those_of_a_hit_or_a_log_file(tmp_path: Path) -> None:
    """A record may have fields of these names: only what nothing but a hit or a log file has is refused."""
    path = tmp_path / "events.ndjson"
    path.write_text(
        '{"_source": "s3"}\n{"Records": 3}\n{"Records": [], "eventName": "a"}\n{"hits": [{"a": 1}]}\n{"hits": 3}\n'
    )
    assert 5 == len(list(read_samples(path, "events.ndjson")))
