"""R7xx: rules that can take no event, because another takes it first, or that tell it twice. Only what is certain."""

from collections import Counter
from collections.abc import Iterator, Sequence

from alertd.rules.lint.logic import (
    NOTHING,
    Ask,
    Both,
    Either,
    Kind,
    Not,
    Opaque,
    Tree,
    asks,
    both,
    either,
    implies,
    meaning,
    same,
)
from alertd.rules.lint.warning import RuleWarning, Subject
from alertd.rules.model import RuleSet


class _Before:
    """The rules that stand before one, found by what they ask: of a thousand few can take its events."""

    def __init__(self, rules: Sequence[Subject]) -> None:
        self._often = Counter(ask for each in rules for ask in set(asks(each.tree)))
        self._numbers = {id(each): number for number, each in enumerate(rules)}
        self._by_ask: dict[
            Ask | None, list[Subject]
        ] = {}  # None: whatever another rule asks, these may take its events

    def add(self, subject: Subject) -> None:
        shared: set[Ask | None] = {*self._shared(subject.tree)}
        for ask in shared or {None}:
            self._by_ask.setdefault(ask, []).append(subject)

    def kin(self, tree: Tree) -> list[Subject]:
        """Those that might take all or some of what `tree` matches, in file order."""
        asked = list(asks(tree))
        wanted = {*asked, *(Ask(Kind.EXISTS, ask.field, "") for ask in asked), None}
        found = {self._numbers[id(each)]: each for ask in wanted for each in self._by_ask.get(ask, ())}
        return [found[number] for number in sorted(found)]

    def _shared(self, tree: Tree) -> list[Ask]:
        """Questions of which one at least must stand in whatever implies the tree; empty, if that cannot be said.

        Of what AND joins each part must be implied: the rarest leaves the fewest rules to look at.
        """
        match tree:
            case Ask():
                return [tree]
            case Either():
                parts = [self._shared(part) for part in tree.parts]
                return [ask for part in parts for ask in part] if all(parts) else []
            case Both():
                parts = [shared for part in tree.parts if (shared := self._shared(part))]
                return min(parts, key=lambda shared: sum(self._often[ask] for ask in shared), default=[])
            case Not() | Opaque():
                return []


def overlap(subjects: Sequence[Subject]) -> Iterator[RuleWarning]:
    """`subjects`: those of the set."""
    own = _own(subjects)
    rules = list(_of_rules(subjects))
    before = _Before(rules)
    for subject in rules:
        if subject.tree == NOTHING:
            yield subject.warning("R701", f"{_id(subject)} matches nothing at all")
            continue
        whole = _whole(own, subject.tree)
        kin = before.kin(whole)
        taker = next((each for each in kin if implies(whole, each.tree)), None)
        if taker and same(taker.tree, subject.tree):
            yield subject.warning(
                "R702", f"{_id(subject)} asks the same as {_id(taker)}, which takes all of its events"
            )
        elif taker:
            text = f"{_id(subject)} is never reached: {_id(taker)}, which stands before it, takes all of its events"
            yield subject.warning("R701", text)
        elif implies(whole, either([each.tree for each in kin])):
            names = ", ".join(_id(each) for each in kin)
            yield subject.warning("R701", f"{_id(subject)} is never reached: {names} take all of its events")
        before.add(subject)


def repeated(sets: Sequence[tuple[RuleSet, Sequence[Subject]]]) -> Iterator[RuleWarning]:
    """Rules of different files that ask the same of the same source."""
    seen: dict[tuple[str, str], Subject] = {}
    for rule_set, subjects in sets:
        own = _own(subjects)
        fresh: dict[tuple[str, str], Subject] = {}
        for subject in _of_rules(subjects):
            key = (rule_set.source, meaning(_whole(own, subject.tree)))
            if first := seen.get(key):
                text = f"{_id(subject)} asks the same as {_id(first)} ({first.where()}): each event is told twice"
                yield subject.warning("R702", text)
            fresh.setdefault(key, subject)
        seen = {**fresh, **seen}


def _of_rules(subjects: Sequence[Subject]) -> Iterator[Subject]:
    return (each for each in subjects if each.rule and each.query is each.rule.query)


def _own(subjects: Sequence[Subject]) -> Tree | None:
    return next((each.tree for each in subjects if each.rule is None), None)


def _whole(own: Tree | None, tree: Tree) -> Tree:
    return tree if own is None else both([own, tree])


def _id(subject: Subject) -> str:
    return subject.rule.id if subject.rule else ""
