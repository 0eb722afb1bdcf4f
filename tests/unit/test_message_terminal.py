"""Messages in a terminal."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.message.terminal import WIDTH, to_terminal


def test_a_message_without_blocks_shows_its_text() -> None:
    """Not every message is alertd's own."""
    assert ["━ hello"] == to_terminal(json.dumps({"text": "hello"}))


def test_entities_are_shown_where_slack_would_decode_them() -> None:
    """In mrkdwn, and nowhere else."""
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "a &lt; b"}}
    plain = {"type": "header", "text": {"type": "plain_text", "text": "a &lt; b"}}
    assert ["│ a < b", "━ a &lt; b"] == to_terminal(json.dumps({"blocks": [section, plain]}))


def test_a_block_of_another_kind_is_named() -> None:
    """Rather than left out."""
    assert ["│ (divider)"] == to_terminal(json.dumps({"blocks": [{"type": "divider"}]}))


def test_columns_of_a_list_stay_apart() -> None:
    """Two spaces are two spaces."""
    element = {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "13:05:12  a\n13:05:13  b"}]}
    assert ["│ 13:05:12  a", "│ 13:05:13  b"] == to_terminal(
        json.dumps({"blocks": [{"type": "rich_text", "elements": [element]}]})
    )


@settings(deadline=None)  # a busy machine is not slow code
@given(st.text(st.characters(), max_size=200))
def test_no_text_controls_the_terminal(text: str) -> None:
    """Whoever made the payload: no escape sequence, no line that is too long or not ours."""
    block = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    for line in to_terminal(json.dumps({"blocks": [block]})):
        assert line.isprintable()
        assert line.startswith("│")
        assert len(line) <= WIDTH
