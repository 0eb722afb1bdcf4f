"""Paths to values: every way a document may hold a fact, and every odd value it may hold there."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from alertd.event.document import (
    MOST_CHARACTERS,
    MOST_KEY_CHARACTERS,
    Document,
    as_flag,
    as_key,
    as_moment,
    as_text,
    as_word,
)

NOON = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)
PATH = ("user", "identity", "arn")


@pytest.mark.parametrize(
    "source",
    [
        {"user": {"identity": {"arn": "x"}}},
        {"user.identity.arn": "x"},
        {"user.identity": {"arn": "x"}},
        {"user": {"identity.arn": "x"}},
        {"user": [{"name": "y"}, {"identity": {"arn": ["", None, "x"]}}]},
        {"user": {"identity": None}, "user.identity.arn": "x"},
    ],
)
def test_a_value_is_found_however_its_path_is_written(source: dict[str, object]) -> None:
    """Shippers nest, write dotted keys, or mix the two; a field may hold a list."""
    assert ["x"] == list(Document(source, {}).values([PATH]))


@pytest.mark.parametrize("nothing", [None, "", {}, [], [None, ""], [[]]], ids=repr)
def test_what_is_empty_is_absent(nothing: object) -> None:
    """None, empty text, empty objects and lists of them are how shippers write "not there"."""
    assert [] == list(Document({"user": {"identity": {"arn": nothing}}}, {}).values([PATH]))


def test_the_answered_fields_stand_in_for_the_source() -> None:
    """An index may keep no _source for a field; the search's `fields` have it, flattened objects whole."""
    fields = {"user.identity": ({"arn": "from fields"},)}
    assert ["from source", "from fields"] == list(
        Document({"user": {"identity": {"arn": "from source"}}}, fields).values([PATH])
    )
    assert ["from fields"] == list(Document({}, fields).values([PATH]))


def test_a_whole_object_that_is_answered_for_its_missing_part_is_absent() -> None:
    """OpenSearch does so for flat_object: MFA would be "neither yes nor no" instead of not mentioned."""
    fields = {"flattened.additional_eventdata.MFAUsed": ("{MfaType=Virtual MFA}",)}
    assert [] == list(Document({}, fields).values([("flattened", "additional_eventdata", "MFAUsed")]))


def test_false_and_zero_are_values() -> None:
    """Only what says nothing is absent: `false` says something."""
    assert [False, 0] == list(Document({"a": False, "b": 0}, {}).values([("a",), ("b",)]))


def test_lists_nested_without_end_are_passed_over() -> None:
    """A document must not be able to exhaust the stack."""
    nested: object = "x"
    for _ in range(100_000):
        nested = [nested]
    assert [] == list(Document({"a": nested}, {}).values([("a",)]))


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("text", "  text\n"),
        ("true", True),
        ("111122223333", 111122223333),
        ("111122223333", 111122223333.0),
        ("0.5", 0.5),
        ('{"userName":"bob","tags":[1,null,true,"é"]}', {"userName": "bob", "tags": [1, None, True, "é"]}),
        ("a\ufffdb\ufffd", "a\0b\ud800"),
        (None, "   "),
        (None, None),
        pytest.param(None, 1 << 100_000, id="an integer of 30,103 digits"),
    ],
    ids=repr,
)
def test_a_value_becomes_text(expected: str | None, value: object) -> None:
    """Whatever stands where text is expected is told, in a form that every store takes."""
    assert expected == as_text(value)


def test_an_object_is_no_word() -> None:
    """An id or an account that is an object is no id: the next path may have one."""
    assert None is as_word({"id": "x"})


@pytest.mark.parametrize(
    "huge",
    [
        "x" * 10_000_000,
        {"key": "x" * 10_000_000},
        {str(number): number for number in range(1_000_000)},
        {"list": ["é"] * 1_000_000},
    ],
    ids=["text", "object with a text", "object", "list"],
)
def test_a_huge_value_is_cut_with_a_mark(huge: object) -> None:
    """Ten megabytes in one field cost no more than what is shown of them."""
    text = as_text(huge)
    assert text is not None
    assert MOST_CHARACTERS == len(text)
    assert text.endswith("…")


class Counted(list[str]):
    """A list that does not let itself be read to its end."""

    def __iter__(self) -> Iterator[str]:
        yield from ["x"] * MOST_CHARACTERS
        raise AssertionError("read on after what is kept was full")


def test_a_huge_object_is_written_only_as_far_as_it_is_kept() -> None:
    """One hostile document must not cost the memory of all others."""
    text = as_text({"list": Counted()})
    assert text is not None
    assert text.startswith('{"list":["x","x",')


def test_an_object_nested_without_end_is_cut() -> None:
    """Writing it out must not exhaust the stack either."""
    nested: object = "x"
    for _ in range(100_000):
        nested = {"a": nested}
    text = as_text(nested)
    assert text is not None
    assert text.endswith('{"a":"…"' + "}" * (text.count("{")))


@pytest.mark.parametrize("odd", ["a:b", "a b", "a\0b", "a\ud800b", "~a", "x" * (MOST_KEY_CHARACTERS + 1)], ids=repr)
def test_what_does_not_fit_a_key_is_told_by_its_digest(odd: str) -> None:
    """A key that were cut or cleaned could be another event's: that event would never be told."""
    digest = as_key(odd)
    assert digest is not None
    assert (1 + 64, "~") == (len(digest), digest[0])
    assert digest != as_key(odd + "x")
    assert digest == as_key(f" {odd} ")


def test_long_values_that_end_differently_have_different_keys() -> None:
    """The difference may stand behind everything that is shown."""
    assert as_key("x" * 1_000_000 + "1") != as_key("x" * 1_000_000 + "2")


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        (True, True),
        (True, "Yes"),
        (True, "YES"),
        (True, "true"),
        (True, 1),
        (False, False),
        (False, "No"),
        (False, "false"),
        (False, 0),
        (None, "maybe"),
        (None, ""),
        (None, {"MFAUsed": "Yes"}),
    ],
    ids=repr,
)
def test_yes_and_no_are_read_in_every_spelling(expected: object, value: object) -> None:
    """AWS writes Yes, YES, No, "true" and false; what is none of them is unknown, never "no"."""
    assert expected is as_flag(value)


@pytest.mark.parametrize(
    "value",
    [
        "2026-04-14T12:00:00Z",
        "2026-04-14T12:00:00.000Z",
        "2026-04-14T12:00:00.000000000Z",
        "2026-04-14T14:00:00+02:00",
        "2026-04-14T12:00:00",
        "2026-04-14 12:00:00",
        "20260414T120000Z",
        1776168000,
        1776168000.0,
        "1776168000",
        1776168000000,
        "1776168000000",
        "1776168000.000",
        1776168000000000,
        1776168000000000000,
    ],
    ids=repr,
)
def test_a_date_is_read_in_every_notation(value: object) -> None:
    """ISO with or without fractions and zone, numbers since 1970 in any unit: always aware, always UTC."""
    moment = as_moment(value)
    assert moment == NOON
    assert moment.tzinfo is UTC


def test_a_date_without_a_zone_is_utc_wherever_alertd_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudTrail writes UTC; the zone of the machine is nobody's business."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "America/New_York")
        time.tzset()
        moment = as_moment("2026-04-14T12:00:00")
    time.tzset()
    assert moment == NOON


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "yesterday",
        "Apr 14, 2026 12:00:00 PM",
        True,
        0,
        -1,
        42,
        float("nan"),
        float("inf"),
        pytest.param(1 << 5_000, id="an integer of 1,506 digits"),
        pytest.param("9" * 400, id="400 digits"),
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        {"date": "2026-04-14"},
    ],
    ids=repr,
)
def test_what_is_no_date_is_none(value: object) -> None:
    """A guess would put the event where nobody looks, or outside what is alerted."""
    assert None is as_moment(value)
