"""A query of any language as one tree: ANDs, ORs and NOTs over questions about single fields. Pure.

What cannot be understood is Opaque: it is equal to itself only, and nothing is concluded from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as field_
from enum import StrEnum


class Kind(StrEnum):
    WORDS = "words"  # analysed as the field is: any of the value's words
    PHRASE = "phrase"  # analysed as the field is: all words, in this order
    EXACT = "exact"  # compared with what the index holds, unchanged
    PATTERN = "pattern"  # * and ?
    PREFIX = "prefix"
    REGEX = "regular expression"
    FUZZY = "fuzzy"
    RANGE = "range"
    EXISTS = "exists"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True)
class Ask:
    kind: Kind
    field: str | None  # None: any field
    value: str  # without escapes; of a pattern or a regular expression as written
    raw: bool = False  # query DSL's own question: the value is not brought into small letters first
    options: str = ""  # what else was said about how to compare
    at: int = field_(default=0, compare=False)  # in the query's text


@dataclass(frozen=True, slots=True)
class Both:
    parts: tuple["Tree", ...]  # none: everything


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple["Tree", ...]  # none: nothing


@dataclass(frozen=True, slots=True)
class Not:
    part: "Tree"


@dataclass(frozen=True, slots=True)
class Opaque:
    text: str
    parts: tuple["Tree", ...] = ()  # what is in it, however it counts


Tree = Ask | Both | Either | Not | Opaque
EVERYTHING = Both(())
NOTHING = Either(())


def both(parts: list[Tree]) -> Tree:
    """Flat, each part once; one part stands for itself."""
    found: dict[Tree, None] = {}
    for part in parts:
        found.update(dict.fromkeys(part.parts if isinstance(part, Both) else (part,)))
    if NOTHING in found:
        return NOTHING
    return next(iter(found)) if len(found) == 1 else Both(tuple(found))


def either(parts: list[Tree]) -> Tree:
    found: dict[Tree, None] = {}
    for part in parts:
        found.update(dict.fromkeys(part.parts if isinstance(part, Either) else (part,)))
    if EVERYTHING in found:
        return EVERYTHING
    return next(iter(found)) if len(found) == 1 else Either(tuple(found))


def negated(part: Tree) -> Tree:
    if isinstance(part, Not):
        return part.part
    return NOTHING if part == EVERYTHING else EVERYTHING if part == NOTHING else Not(part)


def asks(tree: Tree) -> Iterator[Ask]:
    """Every question in it."""
    match tree:
        case Ask():
            yield tree
        case Not():
            yield from asks(tree.part)
        case Both() | Either() | Opaque():
            for part in tree.parts:
                yield from asks(part)


def implies(narrow: Tree, wide: Tree) -> bool:
    """Whether each document that `narrow` matches is certainly matched by `wide` too. False: it cannot be told."""
    if narrow == wide:
        return True
    if isinstance(wide, Both):
        return all(implies(narrow, part) for part in wide.parts)
    if isinstance(narrow, Either):
        return all(implies(part, wide) for part in narrow.parts)
    return (
        (isinstance(wide, Either) and any(implies(narrow, part) for part in wide.parts))
        or (isinstance(narrow, Both) and any(implies(part, wide) for part in narrow.parts))
        or (isinstance(narrow, Not) and isinstance(wide, Not) and implies(wide.part, narrow.part))
        or (isinstance(narrow, Ask) and isinstance(wide, Ask) and _is_there(narrow, wide))
    )


def _is_there(narrow: Ask, wide: Ask) -> bool:
    """A field with some value exists."""
    return wide.kind is Kind.EXISTS and narrow.field == wide.field is not None and narrow.kind is not Kind.SCRIPT


def same(one: Tree, other: Tree) -> bool:
    """Certainly the same meaning."""
    return implies(one, other) and implies(other, one)


def meaning(tree: Tree) -> str:
    """The same for trees that differ only in the order of what AND and OR join."""
    match tree:
        case Ask():
            return repr((str(tree.kind), tree.field, tree.value, tree.raw, tree.options))
        case Not():
            return f"not({meaning(tree.part)})"
        case Opaque():
            return repr(tree.text)
        case Both() | Either():
            return f"{type(tree).__name__}({','.join(sorted(meaning(part) for part in tree.parts))})"
