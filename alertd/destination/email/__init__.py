"""E-mail, for trouble of alertd itself."""
