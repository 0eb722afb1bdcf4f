"""Whether a test's messages read as it says, and what is different where they do not."""

from collections.abc import Iterator
from difflib import unified_diff

from alertd.rules.model import RuleTest
from alertd.trial.result import Mismatch

# Of a message, the lines around a difference.
_AROUND = 2


def misread(test: RuleTest, message: str, where: str) -> Iterator[Mismatch]:
    """What is wrong with the message of one event."""
    for text in test.message_contains:
        if text not in message:
            yield Mismatch(where, f'a message that contains "{text}"', message)
    wanted = test.message_equals
    if wanted is not None and _lines(wanted) != _lines(message):
        yield Mismatch(where, "the message of message_equals", "another message", diff=difference(wanted, message))


def snapshot_text(messages: list[str]) -> str:
    """What a snapshot file holds: the messages of a test's events, an empty line between them."""
    return "\n\n".join(messages) + "\n"


def outdated(test: RuleTest, text: str) -> Iterator[Mismatch]:
    """What is wrong with the test's snapshot, where `text` is what it should hold."""
    snapshot = test.snapshot
    if snapshot is None:
        return
    hint = "look at it; if it is right: alertd test-rule --update"
    if snapshot.text is None:
        yield Mismatch(test.where, f"the messages in {snapshot.where}", "there is no such file yet", hint)
    elif _lines(snapshot.text) != _lines(text):
        diff = difference(snapshot.text, text)
        yield Mismatch(test.where, f"the messages in {snapshot.where}", "other messages", hint, diff=diff)


def difference(expected: str, got: str) -> tuple[str, ...]:
    """Lines with "-" are expected, those with "+" are there."""
    found = list(unified_diff(_lines(expected), _lines(got), lineterm="", n=_AROUND))
    # the names of two files come first, and numbers of lines in between: they say nothing here
    return tuple(line for line in found[2:] if not line.startswith("@@"))


def _lines(text: str) -> list[str]:
    """Editors strip the spaces at the ends of lines, and add a last one."""
    return [line.rstrip() for line in text.strip("\n").splitlines()]
