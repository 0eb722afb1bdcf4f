"""A configuration to vary, for the tests of several modules."""

from pathlib import Path

import pytest

from alertd.config import load_settings
from alertd.config.model import Settings
from alertd.errors import ConfigError

GOOD = """\
[elasticsearch]
url = "https://es.example.com:9200"
[sources.cloudtrail]
index = "cloudtrail-*"
[destinations.security]
type = "slack"
channel = "#aws-root"
token_file = "token"
"""
HOOK = """\
[destinations.hook]
type = "slack-webhook"
url_file = "hook"
"""


def write(text: str, **secrets: str) -> Path:
    """alertd.toml in the working directory, with secret files beside it."""
    ours = {"token": "xoxb-test-token\n", "hook": "https://hooks.example.com/services/x\n", **secrets}
    for name, content in ours.items():
        write_secret(Path(name), content)
    Path("alertd.toml").write_text(text, "utf-8")
    return Path("alertd.toml")


def write_secret(path: Path, content: str) -> None:
    path.write_text(content, "utf-8")
    path.chmod(0o600)


def told(path: Path | None = None) -> str:
    """What a person is told of a configuration that is wrong."""
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    return str(caught.value)


def values(settings: Settings) -> tuple[str, ...]:
    """The secrets as they are in use."""
    return tuple(secret.value for secret in settings.secrets())
