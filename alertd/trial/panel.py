"""Queries that are asked together, about events of which each kind is asked about once."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from alertd.errors import PartialError, PermanentError
from alertd.rules.language.fields import named_fields
from alertd.rules.mappings import shape_of
from alertd.rules.model import Query
from alertd.search import SearchClient
from alertd.trial.project import Tree, project, tree_of
from alertd.trial.questions import FillIndex, Questions, fill

# A search returns all of a round at once.
_PAGE = 10_000
# Kinds of events whose answer is remembered: some 20 MB. Then it begins anew.
MOST_REMEMBERED = 100_000

Document = Mapping[str, object]
Matched = frozenset[str]


@dataclass(frozen=True, slots=True)
class Server:
    """Where events are put to be asked about, and taken away again."""

    search: SearchClient
    flavor: str
    fill_index: FillIndex
    drop_index: Callable[[str], None]
    mapping: Mapping[str, object] | None = None


@dataclass(slots=True)
class Panel:
    name: str
    queries: Sequence[tuple[str, Query]]
    server: Server
    broken: dict[str, str]  # queries that the server refuses, by name, with its reason: they match nothing
    _tree: Tree | None = field(init=False)  # None: whole events count
    _round: int = 0
    _known: dict[bytes, Matched | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = [named_fields(query) for _, query in self.queries]
        whole = any(some is None for some in named) or not _is_plain(self.server.mapping)
        self._tree = None if whole else tree_of({name for some in named for name in some or ()})

    def matched(self, documents: Sequence[Document]) -> list[Matched | str]:
        """The names of the queries that match each; or why the server refuses it. At most _PAGE documents."""
        if not self.queries:
            return [frozenset()] * len(documents)
        if len(self._known) > MOST_REMEMBERED:
            self._known.clear()
        keys = []
        unknown: dict[bytes, tuple[str, Document]] = {}
        for document in documents:
            shape = shape_of(document)
            part = document if self._tree is None else project(document, self._tree)
            key = _digest(f"{shape}{json.dumps(part)}")
            keys.append(key)
            if key not in self._known:
                unknown[key] = (shape, part)
        if unknown:
            self._ask(unknown)
        return [self._known[key] for key in keys]

    def _ask(self, unknown: Mapping[bytes, tuple[str, Document]]) -> None:
        by_shape: dict[str, dict[str, Document]] = {}
        for key, (shape, document) in unknown.items():
            by_shape.setdefault(shape, {})[key.hex()] = document
        self._round += 1
        indices, refused = fill(
            f"alertd-compare-{self.name}-{self._round}",
            by_shape,
            flavor=self.server.flavor,
            fill_index=self.server.fill_index,
            mapping=self.server.mapping,
        )
        questions = Questions(self.server.search, indices, (), page_size=_PAGE)
        found = self._hits(questions, [key.hex() for key in unknown if key.hex() not in refused])
        for index in indices:
            self.server.drop_index(index)
        for key in unknown:
            self._known[key] = refused.get(key.hex()) or found.get(key.hex(), frozenset())

    def _hits(self, questions: Questions, ids: Sequence[str]) -> dict[str, Matched]:
        asked = [(name, query) for name, query in self.queries if name not in self.broken]
        if not (ids and asked):
            return {}
        try:
            return questions.matched_by(asked)
        except (PermanentError, PartialError):
            refused = questions.refused_of(asked)
            if not refused:
                raise
            self.broken.update(refused)
            return self._hits(questions, ids)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _is_plain(mapping: object) -> bool:
    """Whether each field is made of the value that has its name: no copies, aliases or scripts."""
    if isinstance(mapping, Mapping):
        special = mapping.keys() & {"copy_to", "runtime"} or mapping.get("type") == "alias"
        return not special and all(_is_plain(value) for value in mapping.values())
    return True
