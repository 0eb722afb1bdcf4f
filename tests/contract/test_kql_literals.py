"""What a value of KQL is compared with, judged by an independent reading, on every kind of server.

Values hold what some language takes for its own: blanks, quotes, colons, slashes, operators, wildcards.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from alertd.event.profile import load_profile
from alertd.rules.compile import lucene
from alertd.rules.language import kql
from alertd.rules.model import Severity
from alertd.search import Search, SearchClient
from alertd.search.connect import connect
from alertd.search.connection import Connection
from alertd.trial.draft import draft
from tests.servers.filling import fill_index
from tests.servers.running import SearchServer

INDEX = "kql-literals"
QUERIES = 400
PIECES = (
    *(
        "a",
        "B",
        "Night",
        "night",
        "root",
        "and",
        "OR",
        "not",
        "TO",
        "AND",
        "NOT",
        "&&",
        "||",
        "!",
        "^2",
        "~1",
        "0",
        "7",
    ),
    *(":", "\\", "/", '"', "'", "*", "?", "(", ")", "[", "]", "{", "}", "<", ">", "=", "+", "-", ".", ",", "@", "$"),
    *(
        " ",
        " ",
        " ",
        "  ",
        "\t",
        "\n",
        "\u3000",
        "\u00a0",
        "é",
        "ß",
        "漢",
        "😀",
        "2026-01-01",
        "10.0.0.1",
        "null",
        "true",
    ),
)
# Of analysed text only what every analyser parts alike.
WORDS = ("night", "Watch", "root", "and", "OR", "not", "TO", "7", "alpha")
PLAIN = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Ask:
    """A query as written, and which documents it is to match."""

    text: str
    holds: Callable[[Mapping[str, str]], bool]


@pytest.fixture
def client(search_server: SearchServer) -> Iterator[SearchClient]:
    client = connect(Connection(urls=(search_server.url,)))
    yield client
    client.close()


def _value(dice: random.Random) -> str:
    return "".join(dice.choice(PIECES) for _ in range(dice.randint(1, 5)))


def _documents(dice: random.Random) -> dict[str, dict[str, str]]:
    """Strings that differ by little, so that what is too wide or too narrow shows."""
    values = [
        "",
        "Night ",
        "Night",
        "Nightly",
        "Night Watch",
        "night watch",
        "OR",
        "Night OR",
        *(_value(dice) for _ in range(40)),
    ]
    near = [
        change
        for value in values[-40:]
        for change in (value.strip(), value + "x", value.replace(" ", ""), value.lower())
    ]
    made = {f"d{number}": {"key": value} for number, value in enumerate(dict.fromkeys([*values, *near]))}
    for document in made.values():
        document["text"] = " ".join(dice.choice(WORDS) for _ in range(dice.randint(1, 3)))
    return made | {"without": {"other": "x"}}


def _written(value: str, dice: random.Random) -> str:
    """A value in KQL, within quotes or with escapes."""
    if not value or re.search(r"(?i)\bnot\b", value) or dice.random() < 0.4:
        return '"' + "".join(_in_quotes(char, dice) for char in value) + '"'
    return _unquoted(value, dice)


def _in_quotes(char: str, dice: random.Random) -> str:
    if char in '"\\':
        return "\\" + char
    return _code(char) if dice.random() < 0.1 else char


def _unquoted(value: str, dice: random.Random) -> str:
    escaped = [_escaped(char, dice, at_end=at in (0, len(value) - 1)) for at, char in enumerate(value)]
    return re.sub(r"(?i)(?<!\w)(and|or)(?!\w)", lambda found: "\\" + found[0], "".join(escaped))


def _escaped(char: str, dice: random.Random, *, at_end: bool) -> str:
    names = {"\t": "\\t", "\n": "\\n"}
    if char in names:
        return names[char]
    if char.isspace():
        return "\\" + char if at_end or dice.random() < 0.5 else char
    if char in '\\():<>"*{}':
        return "\\" + char
    return _code(char) if dice.random() < 0.05 else char


def _code(char: str) -> str:
    units = char.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _ask(dice: random.Random, values: Sequence[str]) -> Ask:
    value, colon = dice.choice(values), dice.choice((":", ": ", " : "))
    # real servers compare flattened objects with whole values and beginnings only
    field, beginnings = dice.choice((("key", False), ("key", False), ("flat.key", True)))
    kind = dice.choice(("equal", "equal", "pattern", "pattern", "text", "exists"))
    if kind == "equal":
        return Ask(f"{field}{colon}{_written(value, dice)}", lambda doc: doc.get("key") == value)
    if kind == "exists":
        return Ask("key: *", lambda doc: "key" in doc)
    if kind == "text":
        return _of_text(dice)
    before, after = _halves(value, dice)
    after = "" if beginnings else after
    text = "*".join(_unquoted(half, dice) for half in (before, after))
    least = len(before) + len(after)

    def holds(doc: Mapping[str, str]) -> bool:
        found = doc.get("key")
        return found is not None and found.startswith(before) and found.endswith(after) and len(found) >= least

    return Ask(f"{field}{colon}{text}", holds)


def _of_text(dice: random.Random) -> Ask:
    words = [dice.choice(WORDS) for _ in range(dice.randint(1, 2))]
    kind = dice.choice(("phrase", "words", "beginning"))
    if kind == "phrase":
        return Ask(f'text: "{" ".join(words)}"', lambda doc: _holds_phrase(doc.get("text", ""), words))
    if kind == "words":
        return Ask(
            f"text: {_words(words)}", lambda doc: any(_holds_phrase(doc.get("text", ""), [word]) for word in words)
        )
    start = words[0][:2].lower()
    return Ask(
        f"text: {start}*",
        lambda doc: any(word.startswith(start) for word in PLAIN.findall(doc.get("text", "").lower())),
    )


def _halves(value: str, dice: random.Random) -> tuple[str, str]:
    """Something to stand before and after a star. "not" can be written within quotes only, where a star is none."""
    safe = re.sub(r"(?i)not", "a", value) or "Night "
    at = dice.randint(0, len(safe))
    return (safe[:at], "") if at and dice.random() < 0.6 else (safe[:at] or "N", safe[at:])


def _words(words: Sequence[str]) -> str:
    return " ".join(
        f"\\{word}" if word.lower() in {"and", "or"} else "\\u006eot" if word == "not" else word for word in words
    )


def _holds_phrase(text: str, words: Sequence[str]) -> bool:
    have, wanted = PLAIN.findall(text.lower()), [word.lower() for word in words]
    return any(have[at : at + len(wanted)] == wanted for at in range(len(have)))


def _query(dice: random.Random, values: Sequence[str], depth: int = 0) -> Ask:
    kind = dice.choice(("one", "one", "not", "and", "or")) if depth < 2 else "one"
    if kind == "one":
        return _ask(dice, values)
    one = _query(dice, values, depth + 1)
    if kind == "not":
        return Ask(f"not ({one.text})", lambda doc: not one.holds(doc))
    other = _query(dice, values, depth + 1)
    both = (
        (lambda doc: one.holds(doc) and other.holds(doc))
        if kind == "and"
        else (lambda doc: one.holds(doc) or other.holds(doc))
    )
    return Ask(f"({one.text}) {kind} ({other.text})", both)


def _filled(server: SearchServer, documents: Mapping[str, Mapping[str, str]]) -> None:
    flat = "flattened" if server.flavor == "elasticsearch" else "flat_object"
    types = {"key": {"type": "keyword"}, "text": {"type": "text"}, "flat": {"type": flat}}
    stored = {
        name: {**document, **({"flat": {"key": document["key"]}} if "key" in document else {})}
        for name, document in documents.items()
    }
    assert {} == fill_index(server, INDEX, {"properties": types}, stored)


def _found(client: SearchClient, clause: Mapping[str, object]) -> set[str]:
    pages = client.pages(Search(INDEX, clause, (), 1_000, timedelta(seconds=30)))
    return {hit.id for page in pages for hit in page}


def test_kql_matches_what_an_independent_reading_says(search_server: SearchServer, client: SearchClient) -> None:
    """Whatever a value holds, on keywords, flattened objects and text; and, or and not around it."""
    seed = 20261128
    print(f"seed {seed}")
    dice = random.Random(seed)
    documents = _documents(dice)
    _filled(search_server, documents)
    values = [document["key"] for document in documents.values() if "key" in document]
    wrong = []
    for _ in range(QUERIES):
        ask = _query(dice, values)
        expected = {name for name, document in documents.items() if ask.holds(document)}
        found = _found(client, kql.parse(ask.text).clause)
        if found != expected:
            wrong.append((ask.text, sorted(found - expected)[:3], sorted(expected - found)[:3]))
    assert [] == wrong


def test_a_drafted_query_holds_the_value_it_was_made_from(search_server: SearchServer, client: SearchClient) -> None:
    """Lucene's syntax, as `alertd new-rule` writes it: exactly that value, whatever stands in it."""
    seed = 11
    print(f"seed {seed}")
    dice = random.Random(seed)
    documents = _documents(dice)
    assert {} == fill_index(
        search_server,
        INDEX,
        {"properties": {"eventName": {"type": "keyword"}}},
        {name: {"eventName": document["key"]} for name, document in documents.items() if "key" in document},
    )
    profile = load_profile("cloudtrail")
    wrong = []
    for name, document in documents.items():
        value = document.get("key", "")
        if value and value == " ".join(value.split()):  # a word is read without the blanks around it
            made = draft({"eventName": value}, profile, rule_id="x", severity=Severity.LOW)
            if {name} != (found := _found(client, lucene(made.query))):
                wrong.append((made.query, sorted(found)))
    assert [] == wrong
