"""What of a rule is not told: events that are known, for a time; warnings about it that are meant to be so."""

from collections.abc import Iterator

from alertd.rules.model import RuleException, Silence
from alertd.rules.query import read_query
from alertd.toml.file import EXAMPLE_MOMENT
from alertd.toml.table import Table

_EXCEPTION_KEYS = ("query", "reason", "until")


def read_exceptions(table: Table) -> Iterator[RuleException]:
    for number, each in enumerate(table.tables("exceptions"), 1):
        each.allow(_EXCEPTION_KEYS)
        if "until" not in each.data:
            each.note(None, f"until is missing in {each.label}: an exception ends by itself. {EXAMPLE_MOMENT}")
        until = each.moment("until", end_of_day=True)
        query, reason = read_query(each), each.needed_text("reason")
        if until:
            yield RuleException(f"{table.data.get('id')}#{number}", query, reason, until, each.where())


def read_silences(table: Table) -> Iterator[Silence]:
    """Whether there is such a code is no mistake of the rule: a newer alertd may know more of them, or fewer."""
    silence = table.table("silence")
    for code, reason in silence.data.items():
        if isinstance(reason, str):
            yield Silence(code, reason, silence.where(code))
        else:
            silence.note(code, f'silence.{code} must be a text, the reason: silence = {{ {code} = "…" }}')
