"""A user agent as people name it: Chrome 140 on Linux. It is the client's own claim: the raw text stays beside it."""

import re

# The first that is named wins: all others pretend to be Chrome, and Chrome pretends to be Safari.
_BROWSERS = (
    ("Edge", re.compile(r"\bEdgA?/(\d+)")),
    ("Opera", re.compile(r"\bOPR/(\d+)")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"\b(?:Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"\bVersion/(\d+)[\d.]* (?:Mobile/\w+ )?Safari/")),
)
_TOOL = re.compile(r"(aws-cli|aws-sdk-[a-z0-9-]+|Boto3|Botocore|S3Console|curl)/v?(\d[\d.]*)", re.IGNORECASE)
# Android says Linux too, an iPhone says Mac OS X.
_SYSTEMS = (
    ("Android", re.compile(r"Android", re.IGNORECASE)),
    ("iOS", re.compile(r"iPhone|iPad")),
    ("ChromeOS", re.compile(r"\bCrOS\b")),
    ("Windows", re.compile(r"Windows", re.IGNORECASE)),
    ("macOS", re.compile(r"Mac OS X|Macintosh|macos|Darwin", re.IGNORECASE)),
    ("Linux", re.compile(r"Linux", re.IGNORECASE)),
)


def readable(user_agent: str) -> str | None:
    """None for what is neither a browser nor a well-known tool."""
    name = _browser(user_agent) if user_agent.startswith("Mozilla/") else _tool(user_agent)
    if name is None:
        return None
    system = next((system for system, pattern in _SYSTEMS if pattern.search(user_agent)), None)
    return f"{name} on {system}" if system else name


def _browser(user_agent: str) -> str | None:
    for name, pattern in _BROWSERS:
        found = pattern.search(user_agent)
        if found:
            return f"{name} {found[1]}"
    return None


def _tool(user_agent: str) -> str | None:
    # S3 writes it in brackets
    found = _TOOL.match(user_agent.lstrip("["))
    return f"{found[1]} {found[2]}" if found else None
