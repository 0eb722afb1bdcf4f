"""What a search server's answer means. An answer that is not whole is no answer."""

from collections.abc import Mapping
from typing import Any

from alertd.errors import AlertdError, PartialError, PermanentError, RetryError
from alertd.search import Hit

# What passes by itself: the server or a proxy before it is busy, starting or gone for a moment.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_REPAIR = {
    401: "check the API key or the user and password",
    403: "the user or API key may not do this: it needs read and view_index_metadata on the index",
    404: "check sources.NAME.index",
}
# Enough of an unexpected answer to recognise it.
_EXCERPT_CHARACTERS = 300


def of_failure(status: int, body: object, where: str) -> AlertdError:
    """An answer with a status that is not 2xx."""
    reason = _reason(body)
    if "search_context_missing" in reason or "No search context found" in reason:
        return RetryError(f"the point in time expired ({where}): the scan starts again.")
    text = f"{status} {reason} ({where})"
    if status in _PASSING and "all shards failed" not in reason:
        return RetryError(text)
    if status in _PASSING:
        # Each shard refused: the reason of one tells whether the query or the server is to blame.
        return PartialError(text)
    repair = _REPAIR.get(status)
    return PermanentError(f"{text}: {repair}." if repair else text)


def check_whole(answer: Mapping[str, Any], where: str) -> None:
    """Raise PartialError unless every shard of every cluster answered in time."""
    shards = answer.get("_shards")
    clusters = answer.get("_clusters") or {}
    if not isinstance(shards, dict) or not isinstance(answer.get("hits"), dict):
        raise RetryError(f"an answer that is not a search server's ({where}): {str(answer)[:_EXCERPT_CHARACTERS]}")
    if shards.get("failed"):
        failures = shards.get("failures") or [{}]
        reason = _reason({"error": failures[0].get("reason") or {}})
        raise PartialError(f"{shards['failed']} of {shards.get('total')} shards failed ({where}): {reason}")
    if shards.get("successful", 0) + shards.get("skipped", 0) < shards.get("total", 0) and shards.get(
        "successful", 0
    ) < shards.get("total", 0):
        raise PartialError(f"only {shards['successful']} of {shards['total']} shards answered ({where})")
    if answer.get("timed_out") or answer.get("terminated_early"):
        raise PartialError(f"the search was cut off by the server's time limit ({where})")
    missing = sum(clusters.get(kind, 0) for kind in ("skipped", "partial", "failed"))
    if missing:
        raise PartialError(f"{missing} of {clusters.get('total')} clusters did not answer ({where})")


def hits(answer: Mapping[str, Any]) -> tuple[Hit, ...]:
    return tuple(
        Hit(
            index=hit["_index"],
            id=hit["_id"],
            source=hit.get("_source") or {},
            fields={name: tuple(values) for name, values in (hit.get("fields") or {}).items()},
            matched=tuple(hit.get("matched_queries") or ()),
        )
        for hit in answer["hits"]["hits"]
    )


def _reason(body: object) -> str:
    """The innermost reason that names the mistake, with its type."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return str(error)[:_EXCERPT_CHARACTERS]
    outer = f"{error.get('type', '')}: {error.get('reason', '')}"
    failed = error.get("failed_shards") or []
    causes = [shard.get("reason") or {} for shard in failed] + list(error.get("root_cause") or [])
    inner = next(
        (cause for cause in causes if cause.get("reason") and cause.get("reason") != error.get("reason")), None
    )
    deepest = _deepest(inner or error)
    text = f"{deepest.get('type', '')}: {deepest.get('reason', '')}"
    return (text if text == outer else f"{outer}: {text}")[:_EXCERPT_CHARACTERS]


def _deepest(error: Mapping[str, Any]) -> Mapping[str, Any]:
    while isinstance(error.get("caused_by"), dict) and error["caused_by"].get("reason"):
        error = error["caused_by"]
    return error
