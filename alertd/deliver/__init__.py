"""Ledger → destination."""
