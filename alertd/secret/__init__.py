"""Secrets: where each came from, and how text from outside is kept from repeating one."""

from alertd.secret.credential import Credential, read_secret
from alertd.secret.hide import HIDDEN, Secrets, hide_lookalikes, looks_secret

__all__ = ["HIDDEN", "Credential", "Secrets", "hide_lookalikes", "looks_secret", "read_secret"]
