"""What lint can say, and about what: docs/lint.md has a section for each code."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from alertd.rules.lint.logic import Tree
from alertd.rules.lint.reading import read
from alertd.rules.model import Query, Rule, RuleSet

CODES: Mapping[str, str] = {
    "R101": "analysed text that cannot match",
    "R102": "analysed text that matches too much",
    "R103": "a value that the field cannot be compared with",
    "R104": "a field that no index has",
    "R105": "a question that flattened fields do not answer",
    "R201": "an OR that is not written",
    "R202": "words that belong to no field",
    "R203": "a word that is looked for in all fields",
    "R204": "and, or, not in small letters",
    "R205": "AND and OR side by side",
    "R206": "a sign that is a letter here",
    "R301": "a query that matches everything",
    "R302": "a wildcard at the beginning",
    "R303": "a regular expression without a beginning",
    "R304": "a script",
    "R305": "more than 10,000 events a day",
    "R401": "a condition on the time of the event",
    "R402": "a moment that moves",
    "R501": "a rule without tests",
    "R502": "a rule without a near miss",
    "R601": "an exception that is over",
    "R602": "an expected window that is over",
    "R701": "a rule that is never reached",
    "R702": "a rule that is there twice",
    "R901": "a silence for an unknown code",
    "R902": "a silence without a reason",
    "R903": "a silence that silences nothing",
}
# Worth knowing, but nothing is wrong: --strict lets them pass.
NOTES = frozenset({"R502"})

# Types of fields whose values are analysed.
TEXT = frozenset({"text", "match_only_text"})
# Of a query, what fits a terminal beside what is wrong with it.
MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class RuleWarning:
    code: str
    where: str  # "rules/team.toml:12"
    text: str
    rule_set: str = ""  # its id
    rule: str = ""  # its id; none: it is about the file, or about alertd.toml
    is_note: bool = False

    @property
    def level(self) -> str:
        return "note" if self.is_note or self.code in NOTES else "warning"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a source where rules are linted. Nothing, if nobody could be asked."""

    name: str = ""  # for people: of the index, or where its mapping comes from
    types: Mapping[str, frozenset[str]] = field(default_factory=dict)  # of each field, over all indices
    complete: bool = False  # a field that is not among them does not exist
    flavor: str = ""  # of the server, "elasticsearch" or "opensearch"
    time_fields: tuple[str, ...] = ()
    heavy: frozenset[str] = frozenset()  # ids of rules that match more than 10,000 events a day


@dataclass(frozen=True, slots=True)
class Subject:
    """One query, and whose it is."""

    rule_set: RuleSet
    rule: Rule | None  # None: it is the set's own
    query: Query
    tree: Tree

    @property
    def is_exception(self) -> bool:
        return self.rule is not None and self.query is not self.rule.query

    def where(self, at: int = 0) -> str:
        """The line on which that place of the query stands, as far as it can be told."""
        if self.query.first_line is None:
            return self.query.where
        file = self.query.where.rpartition(":")[0]
        return f"{file}:{self.query.first_line + self.query.text.count(chr(10), 0, at)}"

    def warning(self, code: str, text: str, *, at: int = 0) -> RuleWarning:
        return RuleWarning(code, self.where(at), text, self.rule_set.id, self.rule.id if self.rule else "")


def subjects(rule_set: RuleSet) -> Iterator[Subject]:
    """Every query of the set, in file order."""
    if rule_set.query:
        yield Subject(rule_set, None, rule_set.query, read(rule_set.query))
    for rule in rule_set.rules:
        yield Subject(rule_set, rule, rule.query, read(rule.query))
        for each in rule.exceptions:
            yield Subject(rule_set, rule, each.query, read(each.query))


def shown(text: str) -> str:
    """Within quotes, on one line, short enough to be read."""
    flat = " ".join(text.split())
    cut = flat if len(flat) <= MOST_SHOWN else f"{flat[: MOST_SHOWN - 1]}…"
    return cut if cut.startswith('"') else f'"{cut}"'
