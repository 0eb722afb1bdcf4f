"""TOML with the line of every key."""

import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertd.errors import ConfigError
from alertd.toml.file import Key, as_moment, read_toml, suggest


def _read(folder: Path, text: str) -> Path:
    path = folder / "sample.toml"
    path.write_text(text, "utf-8", newline="")
    return path


LINES = """\
# a comment with = and [brackets]
id = "a"            # 2
query.lucene = \"\"\"
first
second\"\"\"
"quoted key".'b.c' = 1
dates = [ 2026-11-23T13:05:12Z,  # ]
    1979-05-27 ]

[table.inner]
text = '''
# no comment
[no.header]'''
[[rules]]
id = "one"
tests = [
    { name = "[", events = ["]", { "a.b" = { c = 1 } }] },

    { name = '"' },
]
  [[rules.tests2]]
  x = \"\"\"two quotes end it: \"\"\"\"\"
  [rules.message]
  summary = "\\"]#\\\\"
[[rules]]
id = "two"
[[rules.tests2]]
x = 1
[[rules.tests2]]
x = 2
"""


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (2, ("id",)),
        (3, ("query",)),
        (3, ("query", "lucene")),
        (6, ("quoted key", "b.c")),
        (7, ("dates", 0)),
        (8, ("dates", 1)),
        (10, ("table", "inner")),
        (11, ("table", "inner", "text")),
        (14, ("rules",)),
        (14, ("rules", 0)),
        (15, ("rules", 0, "id")),
        (17, ("rules", 0, "tests", 0, "events", 1, "a.b", "c")),
        (19, ("rules", 0, "tests", 1, "name")),
        (22, ("rules", 0, "tests2", 0, "x")),
        (23, ("rules", 0, "message")),
        (24, ("rules", 0, "message", "summary")),
        (25, ("rules", 1)),
        (26, ("rules", 1, "id")),
        (28, ("rules", 1, "tests2", 0, "x")),
        (30, ("rules", 1, "tests2", 1, "x")),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_every_key_has_the_line_it_stands_on(tmp_path: Path, line: int, key: Key, line_end: str) -> None:
    """Headers, dotted and quoted keys, arrays of tables, and what is within values."""
    file = read_toml(_read(tmp_path, LINES.replace("\n", line_end)))
    assert line == file.line_of(key)


def test_a_key_that_is_not_there_is_looked_for_in_its_table(tmp_path: Path) -> None:
    """What is missing is told at the place where it would stand."""
    file = read_toml(_read(tmp_path, LINES), shown="rules/team.toml")
    assert "rules/team.toml:25" == file.where(("rules", 1, "title"))
    assert "rules/team.toml:1" == file.where(("source",))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (3, 'k = """\na\nb\nc"""'),
        (2, 'k = """a\nb\nc"""'),
        (3, "k = '''\na\nb\nc'''"),
        (1, 'k = "a b"'),
        (1, 'k = """\\\n  a\nb"""'),  # joined lines: only the key's own line is certain
    ],
)
def test_a_line_within_a_text_of_several_lines_is_found(tmp_path: Path, line: int, text: str) -> None:
    """A mistake in the second line of a query is told where that line stands."""
    assert line == read_toml(_read(tmp_path, text)).line_of(("k",), text_line=1)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("s.toml:2: is not TOML at column 5: Invalid value", b"a = 1\nb = word\n"),
        ("s.toml:1: is not TOML at column 3: Expected '=' after a key in a key/value pair", b"a b = 1\n"),
        ("s.toml:3: is not TOML at the end of the file: Unterminated string", b'a = 1\nb = """\n'),
        ("s.toml:2: is not TOML at the end of the file: Cannot overwrite a value", b"a = 1\na = 2"),
        ("s.toml: is not UTF-8: invalid start byte at byte 5", b'a = "\xff"'),
        (
            "s.toml:1: is nested more than 64 deep: write it flatter, or as JSON in a file of its own",
            b"a = " + b"[" * 5_000,
        ),
    ],
)
def test_what_is_not_toml_is_refused_with_its_place(tmp_path: Path, message: str, text: bytes) -> None:
    """One sentence with file, line and column; never a traceback."""
    path = tmp_path / "s.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigError) as caught:
        read_toml(path, shown="s.toml")
    assert message == str(caught.value).split(" while ")[0]


@pytest.mark.parametrize(
    "text",
    [
        ".".join(["a"] * 20_000) + " = 1",
        ".".join(["'a'", '"b"'] * 10_000) + " = 1",
        "[" + ".".join(["a"] * 20_000) + "]",
        "[[" + " . ".join(["a"] * 20_000) + "]]",
        "a = " + "[" * 100_000,
        "a = " + "[" * 100_000 + "]" * 100_000,
        "a = " + "{b=" * 20_000 + "1" + "}" * 20_000,
        "[a.b]\nc = " + "{" + ".".join(["b"] * 60) + " = {" + ".".join(["b"] * 60) + " = 1}}",
    ],
    ids=range(8),
)
def test_what_is_nested_without_end_is_refused_at_once(tmp_path: Path, text: str) -> None:
    """Before anything reads it: parts of keys and brackets by the thousand take minutes and all memory."""
    (tmp_path / "deep.toml").write_text(f"# first\n{text}\n")
    with pytest.raises(ConfigError, match=r"deep.toml:[23]: is nested more than 64 deep"):
        read_toml(tmp_path / "deep.toml")


def test_what_people_nest_is_read(tmp_path: Path) -> None:
    """Queries within queries, long lists, numbers with points, texts that look like keys."""
    clause = "{ bool = { filter = [" * 15 + '{ term = { "a.b.c" = "x" } }' + "] } }" * 15
    many = ", ".join(["1.5"] * 10_000)
    text = f'[[rules]]\nquery.dsl = {clause}\nmany = [{many}]\ntext = \'{"a." * 500}\'\nlong = """\n{"a." * 500}\n"""\n'
    (tmp_path / "team.toml").write_text(text)
    assert 10_000 == len(read_toml(tmp_path / "team.toml").data["rules"][0]["many"])


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    """By its size, before it is taken for TOML; also a device."""
    (tmp_path / "large.toml").write_text("a = 1\n" * 2_000_000)
    for path in (tmp_path / "large.toml", Path("/dev/zero")):
        with pytest.raises(ConfigError, match="is larger than 2 MB: divide it"):
            read_toml(path)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """The system's own words, after the name."""
    with pytest.raises(ConfigError) as caught:
        read_toml(tmp_path / "none.toml", shown="none.toml")
    assert "none.toml: cannot be read: No such file or directory" == str(caught.value)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    """Some editors write one."""
    assert {"a": 1} == read_toml(_read(tmp_path, "\ufeffa = 1")).data


def test_a_word_that_is_close_is_suggested() -> None:
    """And what else there is, for a word that is close to nothing."""
    assert 'Did you mean "severity"? Allowed: id, severity.' == suggest("sevrity", ["id", "severity"])
    assert "Allowed: id, severity." == suggest("zzz", ["id", "severity"])
    assert "Allowed: nothing." == suggest("zzz", [])
    many = [f"rule-{number:03}" for number in range(500)]
    assert suggest("zzz", many).endswith("rule-029, and 470 more.")


@dataclass(slots=True)
class _Writer:
    """Writes TOML and remembers on which line it began each key."""

    draw: st.DrawFn
    text: str = ""
    lines: dict[Key, int] = field(default_factory=dict)
    keys: int = 0

    def note(self, key: Key) -> None:
        self.lines.setdefault(key, self.text.count("\n") + 1)

    def one(self, *choices: str) -> str:
        return self.draw(st.sampled_from(choices))

    def key(self) -> tuple[str, str]:
        """A key that is new, as it is and as it is written."""
        self.keys += 1
        name = self.one("k", "a-b", "c.d", 'q"', "e#f", "[g]", "é") + str(self.keys)
        if name.replace("-", "").isalnum() and name.isascii():
            return name, self.one(name, f'"{name}"', f"'{name}'")
        return name, self.one(f"'{name}'", '"' + name.replace('"', '\\"') + '"')

    def blank(self) -> None:
        self.text += self.one("", "", "\n", " # x = [1\n", '\t\n# """ {\n\n')

    def assignment(self, table: Key, depth: int) -> None:
        start = self.text.count("\n") + 1
        path = table
        for number in range(self.draw(st.integers(1, 3))):
            name, written = self.key()
            path = (*path, name)
            self.lines[path] = start
            self.text += (self.one(".", " . ") if number else "") + written
        self.text += self.one("=", " = ", "\t=\t")
        self.value(path, depth)

    def value(self, path: Key, depth: int) -> None:
        kind = self.draw(st.integers(0, 4 if depth else 2))
        if kind <= 2:
            scalars = ("1", "true", "-1.5e3", "2026-11-23 13:05:12", '"a # ] } \\" \\\\"', "'lit \\'", "''", '""')
            many = ('"""\n a """', "'''x\n[y]\n'''", '"""\\" ""q"""""', "''''one'''", '"""\n\n\\\\\n"""')
            self.text += self.one(*scalars, *many)
        elif kind == 3:
            self.array(path, depth)
        else:
            self.inline_table(path, depth)

    def array(self, path: Key, depth: int) -> None:
        self.text += "["
        for number in range(self.draw(st.integers(0, 3))):
            self.text += "," if number else ""
            self.blank()
            self.note((*path, number))
            self.value((*path, number), depth - 1)
        self.blank()
        self.text += "]"

    def inline_table(self, path: Key, depth: int) -> None:
        self.text += "{"
        for number in range(self.draw(st.integers(0, 2))):
            self.text += ", " if number else " "
            self.assignment(path, depth - 1)
        self.text += "}"

    def document(self) -> None:
        table: Key = ()
        arrays: dict[str, int] = {}
        for _ in range(self.draw(st.integers(1, 5))):
            for _ in range(self.draw(st.integers(0, 3))):
                self.blank_lines()
                self.assignment(table, 2)
                self.text += self.one("\n", " # c\n")
            self.blank_lines()
            name = self.one("t", "u")
            start = self.text.count("\n") + 1
            if self.draw(st.booleans()):
                arrays[name] = arrays.get(name, -1) + 1
                table = (name, arrays[name])
                self.lines.setdefault((name,), start)
                self.text += f"[[ {name} ]]\n"
            else:
                key, written = self.key()
                table = (name, arrays[name], key) if name in arrays else ("plain", key)
                self.text += f"[{name if name in arrays else 'plain'}.{written}] # h\n"
            self.lines[table] = start

    def blank_lines(self) -> None:
        self.text += self.one("", "\n", "# x = [1\n", "\t\n\n")


@st.composite
def documents(draw: st.DrawFn) -> _Writer:
    writer = _Writer(draw)
    writer.document()
    return writer


@given(documents())
def test_the_lines_of_any_toml_are_found(tmp_path_factory: pytest.TempPathFactory, written: _Writer) -> None:
    """Whatever way keys and values are written, each is told to stand where it does."""
    tomllib.loads(written.text)
    file = read_toml(_read(tmp_path_factory.getbasetemp(), written.text))
    assert written.lines == {key: file.line_of(key) for key in written.lines}


@pytest.mark.parametrize("end_of_day", [True, False])
@pytest.mark.parametrize("offset", [12, 0, -12])
@pytest.mark.parametrize("year", [1, 9999])
def test_a_day_at_the_end_of_the_calendar_is_its_end(year: int, offset: int, *, end_of_day: bool) -> None:
    """People write it for "for ever". It can be shown in every time zone."""
    zone = timezone(timedelta(hours=offset))
    month, day = (1, 1) if year == 1 else (12, 31)
    for value in (date(year, month, day), datetime(year, month, day, 0 if year == 1 else 23, tzinfo=zone)):
        moment = as_moment(value, end_of_day=end_of_day)
        assert (year, UTC) == (moment.year, moment.tzinfo)
        assert datetime(1, 1, 2, tzinfo=UTC) <= moment <= datetime(9999, 12, 31, tzinfo=UTC)
        assert all(moment.astimezone(timezone(timedelta(hours=hours))).year == year for hours in (-14, 14))
