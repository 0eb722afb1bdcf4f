"""Documents without what must not be kept in a repository: secrets and the ids of access keys."""

import json
import re

MASKED = "MASKED"
# How an act ended, which rules ask for: PasswordUpdated is called as secrets are, and its value is one of these.
_ENDS = ("Success", "Failure")
_NAMES = (
    r"secret|passw(?:or)?d|passphrase|token|signature|credential|private_?key|authorization|api_?key|certificate_?body"
)
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
# AWS tells from the first four letters what an id is of; rules may ask for them.
_KEY_ID = re.compile(r"\b(AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,124}")
# As pipelines write tables into a text: {userName=a, password=b}; and as addresses have it: X-Amz-Signature=…&
_IN_TEXT = re.compile(rf"([\w-]*(?:{_NAMES})[\w-]*[\"']?\s*[=:]\s*[\"']?)([^\"',;&}}\s]+)", re.IGNORECASE)
_MASKED_KEY = 16
_MOST_NESTING = 50


def mask(value: object, *, name: str = "", nesting: int = _MOST_NESTING) -> object:
    """The same document, but for the values of fields that are called as secrets are, and for ids of access keys."""
    if nesting == 0:
        return MASKED
    if isinstance(value, dict):
        return {key: mask(item, name=str(key), nesting=nesting - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [mask(item, name=name, nesting=nesting - 1) for item in value]
    if isinstance(value, str):
        # of a path with dots, only the last name says what the value is
        secret = value and value not in _ENDS and _SECRET_NAME.search(name.rpartition(".")[2])
        return MASKED if secret else _text(value, nesting=nesting)
    return value


def _text(text: str, *, nesting: int) -> str:
    if text.lstrip().startswith(("{", "[")):
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            pass
        else:
            return json.dumps(mask(inner, nesting=nesting - 1), ensure_ascii=False)
    masked = _KEY_ID.sub(lambda found: found[1] + "X" * _MASKED_KEY, text)
    return _IN_TEXT.sub(lambda found: found[0] if found[2] in _ENDS else f"{found[1]}{MASKED}", masked)
