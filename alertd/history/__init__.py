"""What people ask of the ledger afterwards."""
