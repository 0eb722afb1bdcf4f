"""What is old and told is forgotten, in transactions short enough that a poll does not notice."""

from alertd.ledger.turns import Turns

AT_ONCE = 500


def forget_before(turns: Turns, limit: int) -> int:
    """Returns how many events."""
    forgotten = 0
    with turns.transaction():
        turns.execute("forget_before", {"before": limit})
    while old := turns.read("old_events", before=limit, limit=AT_ONCE):
        with turns.transaction():
            for row in old:
                turns.execute("forget_event", {"event_key": row["event_key"]})
        forgotten += len(old)
    with turns.transaction():
        for query in ("forget_messages", "forget_scans", "forget_episodes"):
            turns.execute(query, {"before": limit})
    return forgotten
