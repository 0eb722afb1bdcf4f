"""What a search server's answer means. An answer that is not whole is no answer. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from alertd.errors import AlertdError, PartialError, PermanentError, RetryError
from alertd.search import Hit

# Enough of an unexpected answer to recognise it.
MOST_QUOTED = 500
# What passes by itself: the server, or a proxy before it, is busy, starting or gone for a moment. So does every 5xx.
_PASSING = frozenset({408, 425, 429})
_TOO_MANY = 429
_BAD_REQUEST = 400
_FORBIDDEN = 403
_SERVER_ERROR = 500
_REPAIR = {
    401: "check elasticsearch.api_key, or username and password",
    403: "the user or API key needs the privileges read and view_index_metadata on the index",
    404: "check sources.NAME.index",
    407: "check the user and password in elasticsearch.proxy",
}
# Wrappers around the mistake; the shards' own reasons are inside.
_WRAPPER = "search_phase_execution_exception"
# Lucene goes on with all that its grammar would have allowed there.
_GRAMMAR = "Was expecting one of:"
_EXPIRED = "search_context_missing_exception"


class QueryRefusedError(PermanentError):
    """The server refuses this very request: its query, its fields or its sort."""


class ForbiddenError(PermanentError):
    """The user or key lacks a privilege for this request. It may have it for others."""


class UnwieldyError(PartialError):
    """An answer too long, or nested too deep, to be read at once. Fewer documents may be."""


def of_failure(status: int, body: object, where: str) -> AlertdError:
    """The error for an answer whose status is not 2xx."""
    kinds = {str(cause.get("type")) for cause in _causes(body)}
    if _EXPIRED in kinds:
        return RetryError(f"the point in time expired ({where}): the scan starts again.")
    text = f"{status} {reason(body)} ({where})"
    if status in _PASSING or status >= _SERVER_ERROR:
        # Some shards did not answer, or all failed: either the server or the query is to blame.
        return PartialError(text) if _WRAPPER in kinds and status != _TOO_MANY else RetryError(text)
    if status == _BAD_REQUEST:
        return QueryRefusedError(text)
    refused = ForbiddenError if status == _FORBIDDEN else PermanentError
    return refused(f"{text}: {_REPAIR[status]}." if status in _REPAIR else text)


def check_whole(answer: Any, where: str) -> None:
    """Raise PartialError unless every shard of every cluster answered, in time; PermanentError if there is none."""
    try:
        _check_shards(answer["_shards"], where)
        _check_clusters(answer.get("_clusters") or {}, where)
        if answer.get("timed_out") or answer.get("terminated_early"):
            raise PartialError(f"the search was cut off by its time limit ({where})")
    except (KeyError, TypeError, AttributeError) as error:
        raise not_an_answer(answer, where) from error


def _check_shards(shards: Mapping[str, Any], where: str) -> None:
    total = shards["total"]
    if shards["failed"]:
        failures = shards.get("failures") or [{}]
        raise PartialError(f"{shards['failed']} of {total} shards failed ({where}): {reason(failures[0])}")
    # those that were skipped, because nothing in them could match, count as successful
    if shards["successful"] < total:
        raise PartialError(f"only {shards['successful']} of {total} shards answered ({where})")
    if not total:
        raise PermanentError(f"no index was searched ({where}): check sources.NAME.index.")


def _check_clusters(clusters: Mapping[str, Any], where: str) -> None:
    total = clusters.get("total", 0)
    whole = clusters.get("successful", total)
    if whole < total:
        lacking = [name for name, one in (clusters.get("details") or {}).items() if one.get("status") != "successful"]
        raise PartialError(f"{total - whole} of {total} clusters did not answer ({where}): {', '.join(lacking)}")


def hits(answer: Mapping[str, Any], where: str) -> tuple[Hit, ...]:
    try:
        return tuple(
            Hit(
                index=str(hit["_index"]),
                id=str(hit["_id"]),
                source=dict(hit.get("_source") or {}),
                fields={name: tuple(values) for name, values in (hit.get("fields") or {}).items()},
                matched=tuple(hit.get("matched_queries") or ()),
                version=hit.get("_version"),
            )
            for hit in answer["hits"]["hits"]
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise not_an_answer(answer, where) from error


def not_an_answer(answer: object, where: str) -> RetryError:
    return RetryError(f"an answer that is not a search server's ({where}): {_short(answer)}")


def reason(body: object) -> str:
    """What the server says is wrong, as near to the mistake as it goes: type, reason, and the innermost reason."""
    causes = list(_causes(body))
    if not causes:
        return _short(body)
    cause = next((cause for cause in causes if cause.get("type") != _WRAPPER and cause.get("reason")), causes[0])
    said = f"{cause.get('type')}: {cause.get('reason')}"
    deeper = str([cause, *_chain(cause)][-1].get("reason") or "")
    if deeper not in said:
        said = f"{said}: {deeper}"
    index = str(cause.get("index") or "")
    return _short(said.partition(_GRAMMAR)[0] if index in said else f"{said.partition(_GRAMMAR)[0]} [{index}]")


def _causes(body: object) -> Iterator[Mapping[str, Any]]:
    """The errors of a body, the most telling first: of the shards, the roots, the outermost; each with its causes."""
    error = body.get("error", body) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return
    for shard in _dicts(error.get("failed_shards")):
        for cause in _dicts([shard.get("reason")]):
            yield {"index": shard.get("index"), **cause}
            yield from _chain(cause)
    yield from _dicts(error.get("root_cause"))
    # a shard's failure, in an answer that is otherwise fine, has its reason one level down
    for cause in _dicts([error.get("reason")]):
        yield {"index": error.get("index"), **cause}
        yield from _chain(cause)
    yield from _chain(error)


def _chain(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    while isinstance(error, dict) and ("type" in error or "reason" in error):
        yield error
        error = error.get("caused_by") or {}


def _dicts(values: object) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _short(said: object) -> str:
    """On one line: some servers draw arrows under the place."""
    text = " ".join(str(said).split())
    return text if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED]}…"
