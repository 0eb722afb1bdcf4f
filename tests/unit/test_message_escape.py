"""Text from logs becomes plain words, whatever it holds."""

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertd.message.escape import clean, escape

ENTITY = re.compile(r"&(amp|lt|gt);")


def units(text: str) -> int:
    """What the strictest counter counts."""
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("hostile", "plain"),
    [
        ("a\x00\x1b[31mb\x7f\x9b", "a[31mb"),
        ("pay\u202eexe.txt", "payexe.txt"),
        ("\u2066root\u2069\u200b\u200d\ufeff", "root"),
        ("in\U000e0041visible\ufe0f", "invisible"),
        ("\u3164\u2800blank\u115f", "blank"),
        ("first\nsecond\r\nthird", "first\\nsecond\\nthird"),
        ("line\u2028paragraph\u2029end", "line\\nparagraph\\nend"),
        ("  13:05:12 \t\u00a0\u2003 payments  ", "13:05:12 payments"),
        ("lone \ud800 surrogate \ufdd0 \ue000", "lone \ufffd surrogate \ufffd \ufffd"),
        ("Z\u0334\u0321\u034a\u0301\u0302\u0303algo é क्षि", "Z\u0334\u0321\u034aalgo é क्षि"),
        ("Åsa 東京 🔴", "Åsa 東京 🔴"),
    ],
)
def test_what_hides_moves_or_forges_text_is_gone_and_words_stay(hostile: str, plain: str) -> None:
    """No control, override, invisible or blank character; one line; one space."""
    assert plain == clean(hostile, 100)


@pytest.mark.parametrize(
    ("hostile", "inert"),
    [
        ("<!channel> & <@U1>", "&lt;!channel&gt; &amp; &lt;\uff20U1&gt;"),
        ("<https://evil.example|aws.amazon.com>", "&lt;https://evil.example|aws.amazon.com&gt;"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("@here (@channel) root@example.com", "\uff20here (\uff20channel) root@example.com"),
        ("\u200b@everyone", "\uff20everyone"),
    ],
)
def test_what_slack_parses_cannot_call_or_link(hostile: str, inert: str) -> None:
    """Entities for & < >, and no @word."""
    assert inert == escape(hostile, 200)


def test_a_cut_is_seen() -> None:
    """A value that was longer says so."""
    assert "abcd…" == clean("abcdefgh", 5)
    assert "abcde" == clean("abcde", 5)


def test_no_cut_within_an_entity() -> None:
    """Half an entity would be shown as rubbish."""
    assert ["…", "…", "…", "…", "&amp;…", "&amp;…"] == [escape("&&&", most) for most in (1, 2, 4, 5, 6, 7)]


def test_what_was_cut_by_invisible_text_is_not_lost() -> None:
    """A flood of zero-width characters does not push the words out."""
    assert "root" == clean("\u200b" * 10_000 + "root", 10)


@settings(deadline=None)  # a busy machine is not slow code
@given(st.text(st.characters()), st.integers(1, 80))
def test_any_text_becomes_short_printable_and_stays_so(text: str, most: int) -> None:
    """Within the limit in UTF-16 units, valid UTF-8, and cleaning twice changes nothing."""
    plain = clean(text, most)
    assert units(plain) <= most
    assert plain.encode("utf-8").decode("utf-8") == plain
    assert all(char.isprintable() for char in plain)
    assert plain == clean(plain, most)


@settings(deadline=None)  # a busy machine is not slow code
@given(st.text(st.sampled_from("&<>@!|ab; \u200b\U0001f534")), st.integers(1, 60))
def test_any_escaped_text_is_within_its_limit_and_holds_whole_entities(text: str, most: int) -> None:
    """What is left of it once the entities are gone holds nothing that Slack parses."""
    inert = escape(text, most)
    assert units(inert) <= most
    assert not set("&<>") & set(ENTITY.sub("", inert))
    uncut = html.unescape(inert).removesuffix("…").replace("\uff20", "@")
    assert clean(text, 1_000).startswith(uncut)
