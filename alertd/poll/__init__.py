"""Search → ledger."""
