"""Why an attempt ended as it did, in words fit to be kept and shown: others had a part in them."""

from dataclasses import replace

from alertd.destination import DestinationRefused, Outcome, Sent
from alertd.secret import Secrets

# It stands in the ledger, in `status`, and in messages about alertd itself.
MOST_REASON = 300


def quoted(outcome: Outcome, secrets: Secrets, *, note: str = "") -> Outcome:
    """Without secrets, on one line, and not too long. `note` follows where the destination refuses: ours, and safe."""
    if isinstance(outcome, Sent):
        return outcome
    reason = secrets.quote(outcome.reason, most=MOST_REASON)
    noted = f"{reason}; {note}" if note and isinstance(outcome, DestinationRefused) else reason
    return replace(outcome, reason=noted)
