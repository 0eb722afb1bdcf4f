"""How requests reach a search server: what the client libraries of Elasticsearch and OpenSearch differ in."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from alertd.secret import Secrets


class Wire(Protocol):
    """How one flavor carries requests. Every failure comes out as RetryError, PermanentError or PartialError."""

    flavor: str

    @property
    def secrets(self) -> Secrets:
        """What no error may repeat."""

    def request(
        self,
        method: str,
        path: str,
        *,
        where: str,
        deadline: timedelta,
        params: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Any:
        """The JSON of the answer. `where` is for people."""

    def pit_request(self, index: str, *, part: bool) -> tuple[str, dict[str, str]]:
        """Path and parameters that open a point in time over all shards of an index, or fail; `part`: over some."""

    def pit_id(self, answer: Mapping[str, Any]) -> str: ...

    def close_request(self, pit: str) -> tuple[str, object]:
        """Path and body that close it."""

    def server_date(self) -> datetime | None:
        """As the last answer's Date header told it."""

    def close(self) -> None: ...
