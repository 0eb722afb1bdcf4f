"""Documents → events."""
