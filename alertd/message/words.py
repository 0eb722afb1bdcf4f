"""What happened, in words."""

from datetime import datetime, timedelta

from alertd.event import Event

# By event name: what root did. What is not here is named as CloudTrail names it.
_DONE = {
    "ConsoleLogin": "signed in to the AWS console",
    "PasswordRecoveryRequested": "asked for password recovery",
    "PasswordRecoveryCompleted": "recovered the password",
    "PasswordUpdated": "changed the password",
    "EmailUpdated": "changed the e-mail address",
    "CreateAccessKey": "created an access key",
    "DeleteAccessKey": "deleted an access key",
    "DeactivateMFADevice": "deactivated an MFA device",
    "DeleteVirtualMFADevice": "deleted an MFA device",
    "EnableMFADevice": "enabled an MFA device",
    "CreateVirtualMFADevice": "created an MFA device",
    "ResyncMFADevice": "resynchronised an MFA device",
    "CloseAccount": "closed the account",
    "LeaveOrganization": "left the organisation",
    "StartSupportPlanUpdate": "changed the support plan",
    "CreateSupportPlanSchedule": "scheduled a change of the support plan",
    "CreateCase": "opened a support case",
    "TransferDomainToAnotherAwsAccount": "moved a domain to another account",
    "TransferDomain": "transferred a domain",
    "DisableDomainTransferLock": "removed a domain's transfer lock",
    "AssumeRoot": "took a root session in a member account",
    "GetFederationToken": "made a federation token",
    "StopLogging": "stopped a CloudTrail trail",
}
# How late an event may be before it is worth saying.
LATE = timedelta(minutes=15)


def who(event: Event) -> str:
    return {"Root": "Root", None: "Somebody"}.get(
        event.identity_type, event.user_name or event.identity_type or "Somebody"
    )


def headline(event: Event) -> str:
    """Root signed in to the AWS console; Root failed: signed in …; Root called CreateUser."""
    action = event.action or "an unnamed action"
    done = _DONE.get(action, f"called {action}")
    if event.outcome == "failure":
        if action == "ConsoleLogin":
            return f"{who(event)} failed to sign in to the AWS console"
        return f"{who(event)} tried and failed: {action}"
    return f"{who(event)} {done}"


def is_sign_in(event: Event) -> bool:
    return event.action == "ConsoleLogin"


def mfa(event: Event) -> str | None:
    """None where nothing is said. A call signed with a key says "false" though nobody asked for a factor."""
    if event.mfa is True:
        return "MFA"
    if event.mfa is False:
        return "no MFA"
    return "MFA unknown" if is_sign_in(event) else None


def result(event: Event) -> str:
    where = " ".join(part for part in (event.provider, event.action) if part)
    parts = [event.outcome or "result unknown", event.error_code, event.error_message, event.region, where]
    return " · ".join(part for part in parts if part)


def origin(event: Event) -> str | None:
    place = ", ".join(part for part in (event.city, event.country) if part)
    parts = [event.source_address, place, event.network]
    return " · ".join(part for part in parts if part) or None


def span(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def lateness(event: Event, seen_at: datetime) -> str:
    """How long it took until alertd could see it."""
    late = seen_at - event.time
    if late < timedelta(0):
        return "dated in the future"
    return f"arrived {span(late)} late" if late > LATE else f"{span(late)} until it was seen"
