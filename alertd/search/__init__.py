"""The search server behind one Protocol: whole answers or an exception, never a part of an answer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

DocumentState = tuple[str, str, int | None]  # index, id, version


@dataclass(frozen=True, slots=True)
class Hit:
    index: str
    id: str
    source: Mapping[str, object]  # the asked part of _source, nested or with dotted keys, as the document has it
    fields: Mapping[str, tuple[object, ...]] = field(
        default_factory=dict
    )  # what `fields` answered: for documents whose _source lacks it
    matched: tuple[str, ...] = ()  # names of the named queries it matches
    version: int | None = None  # of the document: it grows with each change; None if the server does not tell

    @property
    def state(self) -> DocumentState:
        return self.index, self.id, self.version


@dataclass(frozen=True, slots=True)
class Search:
    """One complete question: every document of `index` that `query` matches, in no particular order."""

    index: str
    query: Mapping[str, object]
    fields: tuple[str, ...]  # paths to return, in _source and in `fields`
    page_size: int
    timeout: timedelta  # for each request, on the server and on the wire
    part: bool = False  # what the shards that answer hold, told without an error: never to be counted as searched


@dataclass(frozen=True, slots=True)
class Server:
    flavor: str  # "elasticsearch" or "opensearch"
    version: str | None  # None: a key for some indices only may not ask
    cluster: str


class SearchClient(Protocol):
    def server(self) -> Server:
        """Who answers. RetryError, PermanentError as below."""

    def pages(self, search: Search) -> Iterator[tuple[Hit, ...]]:
        """Yield every hit, a page at a time; an index without hits yields one empty page.

        One request when the hits fit one page; else a point in time, from its start, paged to an empty page.
        RetryError: no answer, 429, 5xx, an expired point in time. PermanentError: 4xx: a query that can't be
        parsed, no permission, no such index. PartialError: failed or missing shards, timed out, skipped clusters.
        After an exception nothing that was yielded may count as a complete answer.
        """

    def first_page(self, search: Search) -> tuple[Hit, ...]:
        """At most a page of the hits, whichever they are, in one request. Raises as pages() does."""

    def paged(self, search: Search) -> Iterator[tuple[Hit, ...]]:
        """As pages() goes on where the hits do not fit one page: from a point in time, also for the first."""

    def server_time(self, index: str | None = None, field: str = "@timestamp") -> datetime | None:
        """The server's clock, asked now: of an index that may be searched, or else as those may ask who may monitor
        the cluster, or by a Date header. None where it does not tell. RetryError."""

    def field_types(self, index: str, fields: tuple[str, ...]) -> Mapping[str, frozenset[str]]:
        """Which types each existing field has over the indices (_field_caps); a field that no index has is absent.
        "*" asks for every field.

        PermanentError where there is no index; PartialError where some did not answer.
        """

    def more_than(self, index: str, query: Mapping[str, object], number: int) -> bool:
        """Whether more documents match: the server counts no further. Raises as pages() does."""

    def indices(self, index: str) -> tuple[str, ...]:
        """The names of the indices that the pattern reaches; PermanentError where there is none."""

    def newest(self, index: str, field: str) -> datetime | None:
        """The time, by this field, of the newest document that is not in the future; None where there is none."""

    def distinct(self, index: str, query: Mapping[str, object], fields: tuple[str, ...]) -> frozenset[str]:
        """The values that these fields have in the documents that match, as text. A text field is asked by the keyword
        below it; one without, or that no index has, has no values."""

    def validate(self, index: str, query: Mapping[str, object]) -> str | None:
        """Why the server would refuse this query, or None. Raises, as pages() does, where it would refuse any."""

    def close(self) -> None: ...
