"""What happened, in words. What the document does not say is not said, and nothing that it says is claimed for it."""

import json
import re
from collections.abc import Mapping

from alertd.event.event import Event
from alertd.event.profile import FAILURE, SUCCESS
from alertd.message.phrases import PHRASES, Phrase
from alertd.rules.model import Severity

# Never the colour alone: the word stands in the message too.
SIGNS = {
    Severity.CRITICAL: "🚨",
    Severity.HIGH: "🔴",
    Severity.MEDIUM: "🟠",
    Severity.LOW: "🟡",
    Severity.INFO: "🔵",
}
# Of use that was announced, whatever its severity.
EXPECTED = "☑"
NO_FACTOR = "no MFA"
_BEFORE_SIGN_IN = {"PasswordRecoveryRequested", "PasswordRecoveryCompleted"}
# Those who have a second factor at AWS itself.
_WITH_FACTORS = {None, "Root", "IAMUser"}


def actor(event: Event) -> str:
    """Root; else whoever it was, as short as people name them: OrganizationAdmin/alice; and for whom."""
    who = _identity(event)
    return f"{who} for {event.behind}" if event.behind else who


def _identity(event: Event) -> str:
    if event.identity_type == "Root":
        return "Root"
    # arn:aws:sts::111122223333:assumed-role/OrganizationAdmin/alice
    name = (event.actor or "").rpartition(":")[2].partition("/")[2]
    who = name or event.user_name or event.actor or event.identity_type or "Somebody"
    return f"Root, federated as {who.rpartition('/')[2]}," if event.issuer_type == "Root" else who


def headline(event: Event) -> str:
    """Root signed in to the AWS console; Root failed to create an access key; Root called CreateUser (iam…)."""
    who, phrase = actor(event), phrase_of(event)
    if phrase is None:
        called = f"{event.action or 'an unnamed action'}{f' ({event.provider})' if event.provider else ''}"
        return f"{who} tried {called} and failed" if event.outcome == FAILURE else f"{who} called {called}"
    about = _about(event, phrase.whom)
    if _is_anybody(event):
        who, about = "Somebody", f"{_of_whom(event)}{about}"
    if event.outcome == SUCCESS:
        bare = " without MFA" if is_sign_in(event) and factor(event) == NO_FACTOR else ""
        return f"{who} {phrase.done}{about}{bare}"
    if event.outcome == FAILURE:
        return f"{who} failed to {phrase.to_do}{about}"
    return f"{who} tried to {phrase.to_do}{about} (result unknown)"


def _is_anybody(event: Event) -> bool:
    """Nobody proved to be the one whose name stands in the record: the password was wrong, or a mailbox was read."""
    return event.action in _BEFORE_SIGN_IN or (is_sign_in(event) and event.outcome != SUCCESS)


def _of_whom(event: Event) -> str:
    """ " as root", " for root", or nothing where the record names nobody."""
    who = _identity(event)
    named = f"root{who.removeprefix('Root')}" if event.identity_type == "Root" else who
    return "" if who == "Somebody" else f" {'as' if is_sign_in(event) else 'for'} {named}"


def phrase_of(event: Event) -> Phrase | None:
    """Our words for what was done; None: it can only be named."""
    service = (event.provider or "").partition(".")[0]
    return PHRASES.get(f"{service}:{event.action}")


def is_sign_in(event: Event) -> bool:
    return event.action == "ConsoleLogin"


def factor(event: Event) -> str | None:
    """Unknown is not "no". A session that the organisation opened never has a factor of its own."""
    if is_central(event):
        return None
    if is_sign_in(event) and event.mfa is False:
        if event.outcome == FAILURE:
            return None  # nobody came as far as the second factor
        if event.identity_type not in _WITH_FACTORS:
            return "MFA unknown"  # federated: the identity provider may have asked for it
    if event.mfa is None:
        return "MFA unknown" if is_sign_in(event) else None
    return "MFA" if event.mfa else NO_FACTOR


def is_central(event: Event) -> bool:
    """AWS writes it of the session that was opened, and in one sample of its own of the one that opened it."""
    return bool(event.assumed_root) and event.identity_type == "Root"


def origin(event: Event) -> tuple[str, ...]:
    place = ", ".join(part for part in (event.city, event.country) if part)
    return tuple(part for part in (event.source_address, place, event.network) if part)


def outcome(event: Event) -> str:
    return event.outcome or "result unknown"


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _about(event: Event, whom: tuple[str, str] | None) -> str:
    """ " for user backup-job", or nothing."""
    if whom is None or event.parameters is None:
        return ""
    relation, parameter = whom
    name = _parameter(event.parameters, parameter)
    return f" {relation} {name}" if name else ""


def _parameter(parameters: str, name: str) -> str | None:
    """Of a JSON object, or of what Elastic's integration makes of it: {userName=backup-job, …}."""
    try:
        values = json.loads(parameters)
    except (ValueError, RecursionError):
        found = re.search(rf"[{{,]\s*{name}=([^,}}]+)", parameters)
        return found[1].strip() if found else None
    value = values.get(name) if isinstance(values, Mapping) else None
    return value if isinstance(value, str) else None
