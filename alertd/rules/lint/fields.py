"""R1xx: queries beside the fields that the index has. What the servers do was tried: tests/contract/test_lint.py."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_network

from alertd.rules.lint.logic import Ask, Both, Either, Kind, Not, Opaque, Tree, asks
from alertd.rules.lint.reading import RUN
from alertd.rules.lint.warning import TEXT, Known, RuleWarning, Subject, shown

# Two names whose parts are as alike as this differ by a slip of the pen.
ALIKE = 0.8
# Below such a field any name will do.
_OPEN = {"flattened", "flat_object"}
_OBJECTS = {"object", "nested"}
_NUMBERS = {
    *("byte", "short", "integer", "long", "unsigned_long"),
    *("half_float", "float", "double", "scaled_float"),
}
_DATES = {"date", "date_nanos"}
# What certainly ends a word of analysed text. A dot, a colon, an underscore within a word do not.
_BETWEEN = r"\s/\-@=+(){}&#%<>$|!"
_SPLIT = re.compile(rf"\w[{_BETWEEN}]+\w")
_SPLIT_PATTERN = re.compile(rf"[\w*?](?:\\?[{_BETWEEN}])+[\w*?]")
# In a regular expression most of these have a meaning of their own.
_SPLIT_REGEX = re.compile(r"\w(?:\\[/\-@+(){}&#<>|]| |\\ |=|%|!)+[\w.]")
_CAPITAL = re.compile(r"[A-Z]")
# In a regular expression what stands there may be something else instead: [Rr]oot, (Root|root), Root?.
_CHOICE = re.compile(r"\[[^\]]*\]")
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")


@dataclass(frozen=True, slots=True)
class _Fields:
    known: Known

    def types(self, name: str) -> frozenset[str]:
        return self.known.types.get(name, frozenset())

    def there(self, name: str | None) -> bool:
        """Or it cannot be told."""
        if not self.known.complete or name is None or set(name) & set("*?") or name.startswith("_"):
            return True
        parents = [name[: found.start()] for found in re.finditer(r"\.", name)]
        return name in self.known.types or any(self.types(parent) & _OPEN for parent in parents)

    def is_flattened(self, name: str) -> bool:
        return any(self.types(name[: found.start()]) & _OPEN for found in re.finditer(r"\.", name))

    def alike(self, name: str) -> str | None:
        """A field whose name each part of this one is nearly the same as."""
        names = [other for other, types in self.known.types.items() if not (types & _OBJECTS or other.startswith("_"))]
        parts = name.split(".")
        close = [other for other in names if _differ_by_a_slip(parts, other.split("."))]
        best = get_close_matches(name, close, n=1, cutoff=0)
        return best[0] if best else None


def _differ_by_a_slip(parts: list[str], others: list[str]) -> bool:
    return len(parts) == len(others) and all(
        part.lower() == other.lower() or get_close_matches(part, [other], cutoff=ALIKE)
        for part, other in zip(parts, others, strict=True)
    )


def fields(subject: Subject, known: Known) -> Iterator[RuleWarning]:
    there = _Fields(known)
    # a field that a query names again and again is told once
    told = {_missing(lacking, there): lacking[0].at for lacking in reversed(list(_lacking(subject.tree, there)))}
    for text, at in reversed(told.items()):
        yield subject.warning("R104", text, at=at)
    for ask in asks(subject.tree):
        types = there.types(ask.field) if ask.field else frozenset()
        if ask.field and there.is_flattened(ask.field) and not _is_answered(ask):
            text = (
                f"{ask.field} is flattened in {known.name}: it answers whole values and beginnings only, and numbers "
                f"are text. {shown(ask.value)} may match nothing there, whatever the embedded server says; "
                "list the values, or map the field"
            )
            yield subject.warning("R105", text, at=ask.at)
        if types and ask.kind not in (Kind.EXISTS, Kind.SCRIPT):
            yield from _compared(subject, ask, types, known)


def _is_answered(ask: Ask) -> bool:
    if ask.kind is Kind.PATTERN:
        # in query DSL a pattern is refused, even of a beginning: prefix asks for that
        return not ask.raw and _is_beginning(ask.value)
    return ask.kind not in (Kind.RANGE, Kind.REGEX, Kind.FUZZY)


def _lacking(tree: Tree, there: _Fields) -> Iterator[list[Ask]]:
    """Questions of which one at least must be met, and none can be.

    A query for two shapes of events names the fields of both: those of one will do.
    """
    match tree:
        case Ask():
            # a field that may be there or not: only another name that was meant is a mistake
            lacks = not there.there(tree.field)
            yield from ([tree],) if lacks and (tree.kind is not Kind.EXISTS or there.alike(str(tree.field))) else ()
        case Both():
            for part in tree.parts:
                yield from _lacking(part, there)
        case Either():
            found = [list(_lacking(part, there)) for part in tree.parts]
            if found and all(found):
                yield [ask for some in found for each in some for ask in each]
        case Not():
            # what is left out may well be missing, unless it is another field that was meant
            missing = (ask for ask in asks(tree.part) if ask.field and not there.there(ask.field))
            yield from ([ask] for ask in missing if there.alike(str(ask.field)))
        case Opaque():
            return


def _missing(lacking: list[Ask], there: _Fields) -> str:
    names = list(dict.fromkeys(str(ask.field) for ask in lacking))
    meant = [f'"{other}"' for name in names if (other := there.alike(name))]
    hint = f"; did you mean {' or '.join(meant)}?" if meant else ""
    if len(names) == 1:
        return f'field "{names[0]}" does not exist in {there.known.name}{hint}'
    quoted = ", ".join(f'"{name}"' for name in names)
    return f"none of the fields {quoted} exists in {there.known.name}{hint}"


def _compared(subject: Subject, ask: Ask, types: frozenset[str], known: Known) -> Iterator[RuleWarning]:
    name = f"{ask.field} is {'/'.join(sorted(types))} in {known.name}"
    if types <= _OBJECTS:
        yield subject.warning("R103", f"{name}: it has no value of its own, name one of its fields", at=ask.at)
    elif problem := next((why for kind in sorted(types) if (why := _refused(ask, kind))), None):
        yield subject.warning("R103", f"{name}: {problem}", at=ask.at)
    elif types <= TEXT:
        keyword = known.types.get(f"{ask.field}.keyword", frozenset()) & {"keyword", "wildcard"}
        instead = f"ask {ask.field}.keyword" if keyword else "ask a keyword field"
        if why := _unmatched(ask, known.flavor):
            text = f"{ask.field} is analysed text in {known.name}: {shown(ask.value)} {why}; {instead}"
            yield subject.warning("R101", text, at=ask.at)
        elif _torn(ask):
            text = (
                f"{ask.field} is analysed text in {known.name}: any one word of {shown(ask.value)} will do; "
                f"put it in quotes, or {instead}"
            )
            yield subject.warning("R102", text, at=ask.at)


def _refused(ask: Ask, kind: str) -> str | None:
    """Why the server would refuse the question."""
    fits = _FITS.get(kind)
    if fits is None:
        return None
    if ask.kind in (Kind.PATTERN, Kind.PREFIX, Kind.REGEX, Kind.FUZZY):
        return f"{shown(ask.value)} compares letters, which it does not have"
    wrong = next((value for value in values(ask) if not fits(value)), None)
    return f"{shown(wrong)} is {_NEEDED[kind]}" if wrong is not None else None


def values(ask: Ask) -> list[str]:
    """What the field is compared with: of a range, its ends."""
    if ask.kind is not Kind.RANGE:
        return [ask.value]
    if bounds := _json(ask.value):
        return [str(value) for name, value in bounds.items() if name in {"gt", "gte", "lt", "lte"}]
    if ask.value[:1] in ("[", "{"):
        ends = re.split(r"\s+TO\s+", ask.value[1:-1].strip())
        return [end.strip('"') for end in ends if end != "*"]
    return [ask.value.lstrip("<>=").strip('"')]


def _json(text: str) -> Mapping[str, object]:
    """As query DSL writes a range; Lucene's own looks much like it."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _unmatched(ask: Ask, flavor: str) -> str | None:
    """Why it can match no word of analysed text, which is in small letters."""
    capital = _CAPITAL.search(ask.value) and "case_insensitive" not in ask.options
    if ask.kind in (Kind.EXACT, Kind.PREFIX) or (ask.kind is Kind.PATTERN and ask.raw):
        if capital:
            return "is compared with words in small letters and matches none"
        return "is compared with single words and matches none" if _SPLIT_PATTERN.search(ask.value) else None
    if ask.kind is Kind.PATTERN and _SPLIT_PATTERN.search(ask.value) and not _is_beginning(ask.value):
        return "is compared with single words and matches none"
    if ask.kind is Kind.REGEX and _SPLIT_REGEX.search(ask.value):
        return "is compared with single words and matches none"
    # OpenSearch brings it into small letters, if it is not query DSL's own
    certain = capital and "|" not in ask.value and _CAPITAL.search(_CHOICE.sub("", ask.value))
    if ask.kind is Kind.REGEX and certain and (ask.raw or flavor != "opensearch"):
        where = "" if ask.raw else " in Elasticsearch"
        return f"is compared with words in small letters and matches none{where}"
    return None


def _is_beginning(pattern: str) -> bool:
    """The server takes it apart at its words, as it does a value without a star."""
    return pattern.endswith("*") and not re.search(r"(?<!\\)[*?]", pattern[:-1])


def _torn(ask: Ask) -> bool:
    if ask.raw or ask.options == RUN or not _SPLIT.search(ask.value.replace("\\", "")):
        return False
    return ask.kind is Kind.WORDS or (ask.kind is Kind.PATTERN and _is_beginning(ask.value))


def _is_address(value: str) -> bool:
    try:
        ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def _is_number(value: str) -> bool:
    return _NUMBER.fullmatch(value) is not None or value in ("Infinity", "-Infinity", "NaN")


def _is_moment(value: str) -> bool:
    """As far as it can be told: an index may have a format of its own for dates."""
    return value.lower().startswith("now") or any(char.isdigit() for char in value)


def _is_truth(value: str) -> bool:
    return value in ("true", "false")


_FITS: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(_NUMBERS, _is_number),
    **dict.fromkeys(_DATES, _is_moment),
    "ip": _is_address,
    "boolean": _is_truth,
}
_NEEDED = {
    **dict.fromkeys(_NUMBERS, "no number"),
    **dict.fromkeys(_DATES, "no date"),
    "ip": "no address or network",
    "boolean": "neither true nor false",
}
