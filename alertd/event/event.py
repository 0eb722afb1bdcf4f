"""Document + profile → Event. Any document gives an event: what is missing or odd is noted in it, never raised."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from alertd.event.document import Document, Path, as_flag, as_key, as_moment, as_text, as_word, parsed
from alertd.event.profile import ACTION, FAILURE, SUCCESS, Profile

# AWS's own limit for one record is a quarter of it: what is longer is not worth parsing for the little it may add.
MOST_ORIGINAL_CHARACTERS = 1_000_000
# Of a value that is quoted only to say that it cannot be read.
MOST_QUOTED = 60


@dataclass(frozen=True, slots=True)
class Event:
    """One real-world act, read from a search hit. Absent facts are None; all text is the document's: hostile."""

    key: str  # identity: "profile:account:event id", or "profile:_index/_id" where the document has no id of its own
    id: str  # what people search for: CloudTrail's eventID, or the document's _id
    time: datetime  # when it happened; when it was seen, if the document doesn't say
    index: str
    document_id: str
    profile: str
    ingested: datetime | None = None
    account: str | None = None
    action: str | None = None  # eventName
    provider: str | None = None  # eventSource
    event_type: str | None = None
    region: str | None = None
    source_address: str | None = None  # an address, or a service's name
    country: str | None = None  # ISO code
    city: str | None = None
    network: str | None = None  # name of the autonomous system
    user_agent: str | None = None
    identity_type: str | None = None
    actor: str | None = None  # ARN or principal
    user_name: str | None = None
    access_key: str | None = None
    invoked_by: str | None = None
    mfa: bool | None = None  # None: the document does not say, which is not "no"
    outcome: str | None = None  # "success" or "failure"
    error_code: str | None = None
    error_message: str | None = None
    read_only: bool | None = None
    parameters: str | None = None  # request parameters as compact JSON or as the shipper wrote them, cut
    session: str | None = None  # account + access key + session start: the same for all acts of one session
    update_of: str | None = None  # event id that this addendum corrects
    assumed_root: bool | None = None  # a session that the organisation's management account opened (sts:AssumeRoot)
    problems: tuple[str, ...] = ()  # what was odd: "no event id", "eventTime is not a date: …"
    actor_account: str | None = None  # whose identity it was, where another account received the event
    issuer_type: str | None = None  # Root: a federated session with the power of root
    behind: str | None = None  # the people, or service accounts, on whose behalf a service account acted
    created_key: str | None = None  # id of the access key that the act made
    touched: str | None = None  # the thing it was done to: "bucketName payroll", "organizations/1/sinks/all"
    undated: bool | None = None  # True: no time that can be read; `time` is when it was seen
    around: str | None = None  # what else its address did, in words, as far as it was searchable when it was seen


Source = Mapping[str, object]
Fields = Mapping[str, tuple[object, ...]]
T = TypeVar("T")


def read_key(source: Source, fields: Fields, *, index: str, document_id: str, profile: Profile) -> str:
    """The identity alone: the profile's key_fields are enough for it."""
    return _key(_Facts(Document(source, fields), _NOTHING, profile), index=index, document_id=document_id)


def read_event(
    source: Source, fields: Fields, *, index: str, document_id: str, profile: Profile, seen_at: datetime
) -> Event:
    document = Document(source, fields)
    facts = _Facts(document, _original(document, profile), profile)
    happened = _happened(facts)
    return Event(
        key=_key(facts, index=index, document_id=document_id),
        id=facts.word("id") or document_id,
        time=happened or seen_at,
        index=index,
        document_id=document_id,
        profile=profile.id,
        ingested=facts.moment("ingested"),
        account=_account(facts),
        action=facts.word("action"),
        provider=facts.text("provider"),
        event_type=facts.text("event_type"),
        region=facts.text("region"),
        source_address=facts.text("source_address"),
        country=facts.text("country"),
        city=facts.text("city"),
        network=facts.text("network"),
        user_agent=facts.text("user_agent"),
        identity_type=facts.text("identity_type"),
        actor=facts.text("actor"),
        user_name=facts.text("user_name"),
        access_key=facts.word("access_key"),
        invoked_by=facts.text("invoked_by"),
        mfa=facts.flag("mfa"),
        outcome=_outcome(facts),
        error_code=_error_code(facts),
        error_message=_error_message(facts),
        read_only=facts.flag("read_only"),
        parameters=_first(text for value in facts.values("parameters") if (text := as_text(value)) not in _NO_WORDS),
        session=_session(facts),
        update_of=facts.word("update_of"),
        assumed_root=facts.flag("assumed_root"),
        actor_account=acting if (acting := _account(facts, "actor_account")) != _account(facts) else None,
        issuer_type=facts.text("issuer_type"),
        behind=", ".join(dict.fromkeys(word for value in facts.values("behind") if (word := as_word(value)))) or None,
        created_key=_created_key(facts),
        touched=_touched(facts),
        undated=None if happened else True,
        problems=tuple(_problems(facts)),
    )


def event_to_json(event: Event) -> str:
    """The same event is the same text; absent facts are left out."""
    facts = {field.name: getattr(event, field.name) for field in dataclass_fields(Event)}
    present = {name: value for name, value in facts.items() if value is not None and value != ()}
    return json.dumps(present, default=datetime.isoformat, separators=(",", ":"))


def event_from_json(text: str) -> Event:
    """Facts that only a newer alertd knows are ignored: going back a version must not stop on the ledger."""
    known = {field.name for field in dataclass_fields(Event)}
    facts: dict[str, Any] = {name: value for name, value in json.loads(text).items() if name in known}
    for name in ("time", "ingested"):
        if name in facts:
            facts[name] = datetime.fromisoformat(facts[name])
    return Event(**{**facts, "problems": tuple(facts.get("problems", ()))})


@dataclass(frozen=True, slots=True)
class _Facts:
    """A document's facts by the profile's names; each is the first value that can be read as what is asked for."""

    document: Document
    original: Document
    profile: Profile

    def values(self, fact: str, action: str = ACTION) -> Iterator[object]:
        yield from self.document.values(_named(self.profile.paths.get(fact, ()), action))
        yield from self.original.values(_named(self.profile.original_paths.get(fact, ()), action))

    def text(self, fact: str) -> str | None:
        return _first(map(as_text, self.values(fact)))

    def word(self, fact: str, action: str = ACTION) -> str | None:
        return _first(map(as_word, self.values(fact, action)))

    def flag(self, fact: str) -> bool | None:
        return _first(map(as_flag, self.values(fact)))

    def moment(self, fact: str) -> datetime | None:
        return _first(map(as_moment, self.values(fact)))


def _first(found: Iterable[T | None]) -> T | None:
    return next((value for value in found if value is not None), None)


def _named(paths: Iterable[Path], action: str) -> Iterator[Path]:
    for path in paths:
        yield tuple(action if name == ACTION else name for name in path)


def _key(facts: _Facts, *, index: str, document_id: str) -> str:
    parts = {fact: _key_part(facts, fact) for fact in facts.profile.key}
    if any(parts[fact] is None for fact in facts.profile.key_needs):
        return f"{facts.profile.id}:{index}/{document_id}"
    return ":".join([facts.profile.id, *(part or "-" for part in parts.values())])


def _key_part(facts: _Facts, fact: str) -> str | None:
    if fact in {"time", "session_start"}:
        # pipelines cut what is finer, and the copies of an event must share their key
        moment = facts.moment(fact)
        return str((moment - _EPOCH) // timedelta(milliseconds=1)) if moment else None
    if fact == "account":
        return as_key(_account(facts))
    return _first(map(as_key, facts.values(fact)))


def _happened(facts: _Facts) -> datetime | None:
    """The profile's own time first; a time by which the source is searched is better than none."""
    return facts.moment("time") or _first(map(as_moment, facts.document.values(facts.profile.more_times)))


def _account(facts: _Facts, fact: str = "account") -> str | None:
    return _first(_as_account(value, facts.profile.account_digits) for value in facts.values(fact))


def _created_key(facts: _Facts) -> str | None:
    """Its id alone. Google names it by the whole path, and answers so too where a key is only read."""
    makes = facts.profile.creates_key
    key = facts.word("created_key") if not makes or facts.word("action") in makes else None
    return key.rpartition("/")[2] or None if key else None


def _touched(facts: _Facts) -> str | None:
    """What names it in the request; else the resource of the record."""
    for value in facts.values("parameters"):
        request = parsed(value) if isinstance(value, str) else value
        if not isinstance(request, Mapping):
            continue
        for name in facts.profile.touched_parameters:
            word = as_word(request.get(name))
            if word:
                return f"{name} {word}"
    return facts.text("touched")


def _as_account(value: object, digits: int | None) -> str | None:
    """An account's id, out of an ARN if need be; a number of it has lost its leading zeros."""
    word = as_word(value)
    if word and word.startswith("arn:"):
        word = (word.split(":", _ARN_ACCOUNT + 1) + [""] * _ARN_ACCOUNT)[_ARN_ACCOUNT]
    if word and digits and word.isascii() and word.isdigit():
        word = word.zfill(digits)
    return word or None


def _error_code(facts: _Facts) -> str | None:
    """Google writes a code for "no error" too."""
    code = facts.word("error_code")
    return None if code in _NO_WORDS or facts.profile.outcomes.get(str(code).lower()) == SUCCESS else code


def _error_message(facts: _Facts) -> str | None:
    message = facts.text("error_message")
    return None if message in _NO_WORDS else message


def _outcome(facts: _Facts) -> str | None:
    """The answer to this very action decides; then an error, what a pipeline says, and that nothing bad is said."""
    outcomes, action = facts.profile.outcomes, facts.word("action")
    answers = [outcomes.get(word.lower()) for word in map(as_word, facts.values("result", action or ACTION)) if word]
    if {SUCCESS, FAILURE} <= set(answers):
        return None  # a list of both
    if answers and answers[0]:
        return answers[0]
    if _error_code(facts) or _error_message(facts):
        return FAILURE
    stated = outcomes.get((facts.word("outcome") or "").lower())
    if action in facts.profile.answered:
        # a pipeline takes what is not there for success
        return FAILURE if stated == FAILURE else None
    if facts.word("outcome"):
        return stated
    return facts.profile.without_error if action else None


def _session(facts: _Facts) -> str | None:
    parts = [part for fact in facts.profile.session if (part := _key_part(facts, fact))]
    return "/".join(parts) if parts and len(parts) == len(facts.profile.session) else None


def _original(document: Document, profile: Profile) -> Document:
    """The record that a pipeline kept as text. That it can't be read is no harm: it adds little."""
    for value in document.values([profile.original] if profile.original else []):
        record = value
        if isinstance(value, str) and len(value) <= MOST_ORIGINAL_CHARACTERS:
            try:
                record = json.loads(value)
            except (ValueError, RecursionError):
                continue
        if isinstance(record, Mapping):
            return Document(record, {})
    return _NOTHING


def _problems(facts: _Facts) -> Iterator[str]:
    needed = [fact for fact in facts.profile.key if fact in facts.profile.key_needs]
    missing = ["event id" if fact == "id" else fact for fact in needed if _key_part(facts, fact) is None]
    if missing:
        yield f"no {', no '.join(missing)}: known by its place in the index, so a copy of it counts as another event"
    if _happened(facts) is None:
        odd = facts.text("time") or _first(map(as_text, facts.document.values(facts.profile.more_times)))
        yield f"time is not a date: {odd[:MOST_QUOTED]}" if odd else "no time: it is the time when it was seen"
    if "account" in facts.profile.paths and _account(facts) is None:
        yield "no account"
    for fact in ("mfa", "read_only"):
        odd = facts.text(fact)
        if odd and facts.flag(fact) is None:
            yield f"{fact} is neither yes nor no: {odd[:MOST_QUOTED]}"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ARN_ACCOUNT = 4  # arn:partition:service:region:account:resource
# What shippers write as text for "not there", where it cannot be a name.
_NO_WORDS = {None, "null", "None", "-", "{}", "[]"}
_NOTHING = Document({}, {})
