"""What the commands print."""

import json

from alertd.cli.show import json_text


def test_json_means_the_same_and_controls_no_terminal() -> None:
    """An event's own text may hold escapes of either kind, and what turns the direction of writing."""
    hostile = {"a\x1b[2J": ["é 漢 🚨", "\x9b2J", "\u202e evil", "\U000e0041", "\ud800", "tab\tline\n"]}
    text = json_text(hostile)
    assert hostile == json.loads(text)
    assert {"\n"} == {char for char in text if not char.isprintable()}
    assert "é 漢 🚨" in text
