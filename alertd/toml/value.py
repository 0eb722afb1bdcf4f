"""Values that are more than text: addresses, secrets, lists, time zones. No mistake repeats what was written."""

import json
import re
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    BeforeValidator,
    SecretStr,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_settings import NoDecode

from alertd.secret import Credential
from alertd.toml.file import MOMENT_PATTERN, as_moment

_ADDRESS = re.compile(r"https?://[^\s/?#@]+(/\S*)?")
_MAIL_ADDRESS = re.compile(r"[!-?A-~]+@[!-?A-~]+")
_DAILY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_PROXY = re.compile(r"https?://([^\s/?#@]+@)?[^\s/?#@]+/?")


def is_address(text: str, shape: re.Pattern[str] = _ADDRESS) -> bool:
    try:
        return bool(shape.fullmatch(text) and urlsplit(text).port != 0)
    except ValueError:  # a port that is no number, half an IPv6 address
        return False


def _address(text: str) -> str:
    if not is_address(text):
        raise ValueError('must be an address such as "https://es.example.com:9200", without user or password')
    return text.rstrip("/")


def _proxy(text: str) -> str:
    if not is_address(text, _PROXY):
        raise ValueError('must be an address such as "http://proxy.example.com:3128"')
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    # OSError: a folder of the time zone database, such as "Europe"
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        close = get_close_matches(name, available_timezones(), n=1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        raise ValueError(f'must be a time zone such as "Europe/Stockholm".{hint}') from error
    return name


class KeptSecret(SecretStr):
    """A secret that still knows the file it was read from."""

    def __init__(self, credential: Credential) -> None:
        super().__init__(credential.value)
        self.credential = credential


def credential(secret: SecretStr) -> Credential:
    """A secret as it is used: from a file, the same wherever it is used."""
    return secret.credential if isinstance(secret, KeptSecret) else Credential(secret.get_secret_value())


def _keep_file(value: object, check: ValidatorFunctionWrapHandler) -> object:
    """pydantic makes a new secret of the text alone."""
    checked: object = check(value)
    return value if isinstance(value, KeptSecret) else checked


def _one_line(secret: SecretStr) -> SecretStr:
    """It becomes part of an HTTP header, where a line break would begin another."""
    if not secret.get_secret_value() or not secret.get_secret_value().isprintable():
        raise ValueError("must be one line of text, without control characters")
    return secret


def _webhook(secret: SecretStr) -> SecretStr:
    # urllib would quote in its error what is not an address
    if not is_address(secret.get_secret_value()):
        raise ValueError("must be the address that Slack shows for the webhook: https://…")
    return secret


def _mail_address(text: str) -> str:
    # no name around it: an address alone needs no quoting, and can say nothing else
    if not _MAIL_ADDRESS.fullmatch(text):
        raise ValueError('must be an e-mail address such as "alertd@example.com"')
    return text


def _daily(text: str) -> str:
    if text != "off" and not _DAILY.fullmatch(text):
        raise ValueError('must be a time of day such as "09:00", or "off"')
    return text


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        network = ip_network(value, strict=False)
    except ValueError as error:
        raise ValueError('must be an address or a network such as "203.0.113.0/24"') from error
    if str(network.network_address) != str(ip_address(value.partition("/")[0])):
        raise ValueError(f"is an address within a network. Write the address alone, or the network: {network}")
    return network


def listed(value: object) -> object:
    """One text is a list of one; in the environment a list is written as JSON."""
    if isinstance(value, str) and value.startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return [value]
    return [value] if isinstance(value, str) else value


def _as(pattern: str) -> WithJsonSchema:
    """What editors are told of a text."""
    return WithJsonSchema({"type": "string", "pattern": pattern})


_NETWORK_PATTERN = (
    r"^([0-9]+(\.[0-9]+){3}(/([0-9]|[12][0-9]|3[0-2]|[0-9]+(\.[0-9]+){3}))?"
    r"|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(/([0-9]{1,2}|1[01][0-9]|12[0-8]))?)$"
)
# Within a file a proxy may not have a password.
_PROXY_PATTERN = r"^https?://[^\s/?#@]+/?$"

Address = Annotated[str, AfterValidator(_address), _as(f"^{_ADDRESS.pattern}$")]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(listed), NoDecode]
Daily = Annotated[str, AfterValidator(_daily), _as(f"^(off|{_DAILY.pattern})$")]
MailAddress = Annotated[str, AfterValidator(_mail_address), _as(f"^{_MAIL_ADDRESS.pattern}$")]
MailAddresses = Annotated[tuple[MailAddress, ...], BeforeValidator(listed), NoDecode]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network), _as(_NETWORK_PATTERN)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(listed), NoDecode]
# A day as a whole, or a moment.
Since = Annotated[datetime, BeforeValidator(partial(as_moment, end_of_day=False)), _as(MOMENT_PATTERN)]
Until = Annotated[datetime, BeforeValidator(partial(as_moment, end_of_day=True)), _as(MOMENT_PATTERN)]
Proxy = Annotated[str, AfterValidator(_proxy), _as(_PROXY_PATTERN)]
Secret = Annotated[SecretStr, WrapValidator(_keep_file), AfterValidator(_one_line)]
Texts = Annotated[tuple[str, ...], BeforeValidator(listed), NoDecode]
Timezone = Annotated[str, AfterValidator(_zone)]
WebhookAddress = Annotated[Secret, AfterValidator(_webhook)]
