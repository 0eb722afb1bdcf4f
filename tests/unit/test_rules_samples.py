"""Events in a text whose name does not say what it is."""

import pytest

from alertd.rules.samples import SampleError, parse_samples


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
        ("", "stdin is not JSON"),
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
