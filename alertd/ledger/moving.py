"""What becomes of what the ledger knows and the configuration no longer has: destinations, and rule sets."""

import json
from collections.abc import Callable, Collection

from alertd.ledger.model import Message, MessageState
from alertd.ledger.sqlite import SqliteLedger


def move(ledger: SqliteLedger, gone: str, to: str, *, mark: Callable[[Message], str]) -> None:
    """All that `gone` was never told goes to `to`, which is told no event twice; what is in doubt goes marked."""
    place = {"gone": gone, "to": to}
    doubtful = [*ledger.messages(gone, MessageState.UNKNOWN), *ledger.messages(gone, MessageState.SENDING)]
    doubtful += [each for each in ledger.messages(gone, MessageState.PENDING) if each.repeat_possible]
    with ledger.transaction() as execute:
        for message in doubtful:
            execute("move_doubtful", {"to": to, "delivery_id": message.delivery_id, "payload": mark(message)})
            execute("move_their_notifications", {"to": to, "delivery_id": message.delivery_id})
        for query in ("move_ops", "dissolve_notifications", "dissolve_messages", "move_waiting", "close_waiting"):
            execute(query, place)
        execute("tell_moved_echoes", place)


def give_up(ledger: SqliteLedger, gone: str) -> None:
    """Nothing more is sent for it. The ledger keeps it, and audit names it."""
    with ledger.transaction() as execute:
        execute("give_up_messages", {"gone": gone})
        execute("close_waiting", {"gone": gone})


def release_past(ledger: SqliteLedger, searched: Collection[str]) -> None:
    """What a look into the past has found of a rule set that is not searched any more is listed as it is: the look will
    never be complete."""
    with ledger.transaction() as execute:
        execute("release_past", {"searched": json.dumps(sorted(searched))})


def forget(ledger: SqliteLedger, rule_set: str) -> None:
    """A person says that it was removed for good. What it matched stays, and what waits of it is told."""
    with ledger.transaction() as execute:
        for query in ("forget_rules", "forget_coverage", "forget_searches", "close_baseline"):
            execute(query, {"rule_set": rule_set})
